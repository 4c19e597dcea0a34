"""Types to JSON and back, in one way everywhere: camelCase keys, RFC 3339 times, checked references."""

import re
from typing import Any, cast

import msgspec

from promoter.domain.errors import InvalidError

_AT = re.compile(r"(?P<message>.*) - at `(?:key in )?\$\.?(?P<path>.*)`", re.DOTALL)


def encode(value: object) -> str:
    """The value as JSON text."""
    return msgspec.json.encode(value, enc_hook=str).decode()


def decode[T](text: str | bytes, type_: type[T]) -> T:
    """Read JSON text as a value of a type.

    Raises:
        InvalidError: It is no JSON, or not of that type; `field` is the path to the offending value.
    """
    try:
        return msgspec.json.decode(text, type=type_, dec_hook=_checked)
    except msgspec.ValidationError as error:
        raise _located(error) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        message = f"this is not JSON: {error}"
        raise InvalidError(message) from error


def convert[T](value: object, type_: type[T], *, texts: bool = False) -> T:
    """Read plain lists, dicts, texts and numbers as a value of a type.

    Args:
        value: The plain value.
        type_: The type.
        texts: Whether numbers and truth values are written as texts, as in a URL's query.

    Raises:
        InvalidError: It is not of that type; `field` is the path to the offending value.
    """
    try:
        return msgspec.convert(value, type_, dec_hook=_checked, strict=not texts)
    except msgspec.ValidationError as error:
        raise _located(error) from error
    except UnicodeError as error:
        message = f"this is not text: {error}"
        raise InvalidError(message) from error


def plain(value: object) -> Any:  # noqa: ANN401 - JSON is whatever it is
    """The value as plain lists, dicts, texts and numbers."""
    return msgspec.to_builtins(value, enc_hook=str)


def _checked(type_: type, value: object) -> object:
    if not isinstance(value, str):
        message = f"expected text, got {type(value).__name__}"
        raise InvalidError(message)
    return cast("type[str]", type_)(value)


def _located(error: msgspec.ValidationError) -> InvalidError:
    found = _AT.fullmatch(str(error))
    if found is None:
        return InvalidError(str(error))
    return InvalidError(found["message"], found["path"] or None)
