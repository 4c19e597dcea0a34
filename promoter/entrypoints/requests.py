"""Reading requests: within their limits, as the type that their route names."""

import re
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
import msgspec

from promoter.domain.errors import InvalidError
from promoter.entrypoints.complaints import convert_query, decode_request

MAX_BODY = 64 * 1024
MAX_DEPTH = 16
_KEY_PARAMS = {"code", "clientId"}  # a function's key and its name, which Azure leaves in the query
# One bracket, or one whole string: what is in a string is no bracket. Never gives back what it has taken.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?+|[\[{]|[\]}]', re.DOTALL)


class TooLargeError(InvalidError):
    """A body that is longer than any that could be meant."""


def read_query[T: msgspec.Struct](req: func.HttpRequest, type_: type[T]) -> T:
    """What the query says.

    Raises:
        InvalidError: It is not of that type, or a parameter is empty. The host leaves those out: whoever
            forgot to set a variable of his script would be told of everything.
    """
    for name, value in parse_qsl(urlsplit(req.url).query, keep_blank_values=True):
        if not value:
            message = "this parameter is empty; give it a value, or leave it out"
            raise InvalidError(message, name[:80])
    params = {name: value for name, value in req.params.items() if name not in _KEY_PARAMS}
    return convert_query(params, type_)


def read_body[T: msgspec.Struct](req: func.HttpRequest, type_: type[T]) -> T:
    """What the body says; nothing at all where the type asks for nothing.

    Raises:
        TooLargeError: It is longer than 64 KiB, by what its headers say or in truth.
        InvalidError: It is no JSON, nested too deeply, or not of that type.
    """
    announced = req.headers.get("Content-Length", "")
    _check_length(int(announced) if announced.isdecimal() and announced.isascii() else 0)
    body = req.get_body()
    _check_length(len(body))
    if not body.strip():
        needed = [field.encode_name for field in msgspec.structs.fields(type_) if field.required]
        if needed:
            message = f"a JSON body is needed, with {', '.join(needed)}"
            raise InvalidError(message)
        body = b"{}"
    _check_depth(body)
    return decode_request(body, type_)


def _check_length(length: int) -> None:
    if length > MAX_BODY:
        message = f"the body has {length} bytes; at most {MAX_BODY} are taken"
        raise TooLargeError(message)


def _check_depth(body: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(body):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(token[0], 0)
        if depth > MAX_DEPTH:
            message = f"the body is nested more than {MAX_DEPTH} deep"
            raise InvalidError(message)
