"""Looking into the types that parse requests and answer them."""

import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec


def options(type_: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any type of a request
    """What a type may be, one by one, without its aliases and annotations."""
    if isinstance(type_, typing.TypeAliasType):
        return options(type_.__value__)
    if isinstance(type_, types.UnionType):
        return tuple(option for each in typing.get_args(type_) for option in options(each))
    if typing.get_origin(type_) is typing.Annotated:
        return options(typing.get_args(type_)[0])
    return (type_,)


def structure(type_: Any) -> type[msgspec.Struct] | None:  # noqa: ANN401
    """The structure that a type is, or may be."""
    found = (each for each in options(type_) if isinstance(each, type) and issubclass(each, msgspec.Struct))
    return next(found, None)


def item(type_: Any) -> Any:  # noqa: ANN401
    """The type of a list's items, where it is or may be a list; else None."""
    lists = (each for each in options(type_) if typing.get_origin(each) in {tuple, list})
    return next((typing.get_args(each)[0] for each in lists), None)


def structures(*roots: Any) -> Iterator[type[msgspec.Struct]]:  # noqa: ANN401
    """Every structure that these types are made of, each once."""
    seen: set[type[msgspec.Struct]] = set()
    waiting = list(roots)
    while waiting:
        for option in options(waiting.pop()):
            waiting += typing.get_args(option)
            whole = typing.get_origin(option) or option
            if isinstance(whole, type) and issubclass(whole, msgspec.Struct) and whole not in seen:
                seen.add(whole)
                yield whole
                waiting += [field.type for field in msgspec.structs.fields(whole)]
