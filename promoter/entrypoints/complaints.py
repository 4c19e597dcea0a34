"""What is wrong with a request, in the words of JSON: every missing field, every known one, every choice."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

import msgspec

from promoter.domain.codec import convert, decode
from promoter.domain.errors import InvalidError
from promoter.entrypoints.json_types import item, options, structure

_EXPECTED = re.compile(r"[Ee]xpected `?(?P<wanted>[\w| ]+?)`?(?:, got `?(?P<got>\w+)`?)")
_BOUND = re.compile(r"Expected `int` (?P<sign><=|>=) (?P<limit>\d+)")
_MISSING = re.compile(r"Object missing required field")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
_ENUM = re.compile(r"Invalid enum value (?P<value>.*)", re.DOTALL)
_TIME = re.compile(r"Invalid RFC3339")
_STEP = re.compile(r"\[(?P<index>\d+|\.\.\.)\]|(?P<key>[^.\[\]]+)")
_WORDS = {
    "str": "a string",
    "text": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "an array",
    "list": "an array",
    "object": "an object",
    "dict": "an object",
    "null": "null",
    "NoneType": "null",
    "datetime": "a time such as 2026-11-23T17:00:00Z",
}
_GOT = _WORDS | {"int": "a number", "datetime": "a time"}


def decode_request[T: msgspec.Struct](text: str | bytes, type_: type[T]) -> T:
    """Read JSON text that somebody has sent.

    Raises:
        InvalidError: It is no JSON, or not of that type; `field` is the path to the offending value.
    """
    try:
        return decode(text, type_)
    except InvalidError as error:
        if not isinstance(error.__cause__, msgspec.ValidationError):
            raise
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
            message = f"this is not JSON: {broken}"
            raise InvalidError(message) from broken
        raise _explained(error, value, type_) from error


def convert_query[T: msgspec.Struct](params: dict[str, str], type_: type[T]) -> T:
    """Read a query that somebody has sent.

    Raises:
        InvalidError: It is not of that type; `field` is the offending parameter.
    """
    try:
        return convert(params, type_, texts=True)
    except InvalidError as error:
        raise _explained(error, params, type_) from error


def _explained(error: InvalidError, value: object, type_: type[msgspec.Struct]) -> InvalidError:
    text, path = str(error), error.field or ""
    steps = [match["key"] or 0 for match in _STEP.finditer(path)]
    if _MISSING.match(text):
        missing = list(_missing(value, type_, steps))
        verb = "is" if len(missing) == 1 else "are"
        return InvalidError(f"{_listed(missing)} {verb} missing", _join(path, missing[0]))
    if match := _UNKNOWN.fullmatch(text):
        return InvalidError(
            _not_known(match["name"], structure(_type_at(type_, steps))), _join(path, match["name"])
        )
    if match := _ENUM.fullmatch(text):
        text = f"{match['value'][:80]} is none of {', '.join(_choices(type_, steps))}"
    return InvalidError(_in_words(text), error.field)


def _in_words(text: str) -> str:
    """What a value should be, without the names of Python's types."""
    if _TIME.match(text):
        return f"expected {_WORDS['datetime']}"
    if match := _BOUND.match(text):
        bound = {"<=": "at most", ">=": "at least"}[match["sign"]]
        return f"expected a whole number of {bound} {match['limit']}"
    if match := _EXPECTED.match(text):
        wanted = " or ".join(_WORDS.get(each, each) for each in match["wanted"].split(" | "))
        return f"expected {wanted}, and this is {_GOT.get(match['got'], match['got'])}"
    return text


def _missing(value: object, type_: type[msgspec.Struct], steps: list[str | int]) -> Iterator[str]:
    given: Any = value
    for step in steps:
        given = given[step]
    struct = structure(_type_at(type_, steps)) or type_
    for field in msgspec.structs.fields(struct):
        if field.required and field.encode_name not in given:
            yield field.encode_name


def _not_known(name: str, struct: type[msgspec.Struct] | None) -> str:
    known = [field.encode_name for field in msgspec.structs.fields(struct)] if struct else []
    near = get_close_matches(name, known, 1, 0.7)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known) or 'none at all'}"
    return f"`{name[:80]}` is not known here; {hint}"


def _choices(type_: type[msgspec.Struct], steps: list[str | int]) -> Iterator[str]:
    for option in options(_type_at(type_, steps)):
        if isinstance(option, type) and issubclass(option, StrEnum):
            yield from option


def _type_at(type_: Any, steps: list[str | int]) -> Any:  # noqa: ANN401 - any type of a request
    """The type of what a path leads to; None where that is not known."""
    for step in steps:
        struct = structure(type_)
        fields = msgspec.structs.fields(struct) if struct else ()
        named = next((each.type for each in fields if each.encode_name == step), None)
        type_ = item(type_) if isinstance(step, int) else named
    return type_


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _listed(names: list[str]) -> str:
    *most, last = (f"`{name}`" for name in names)
    return f"{', '.join(most)} and {last}" if most else last
