"""What a request may be: how long, how deep, and how its parameters are written."""

import contextlib
from typing import Any, override

import azure.functions as func
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promoter.domain.errors import InvalidError
from promoter.entrypoints.requests import MAX_BODY, MAX_DEPTH, TooLargeError, read_body
from tests.unit.entrypoints.running import request


class Free(msgspec.Struct):
    """Whatever is in it."""

    value: Any = None


class Unread(func.HttpRequest):
    """A request whose body must not be read."""

    @override
    def get_body(self) -> bytes:
        raise AssertionError


def body(content: bytes) -> Free:
    return read_body(request("POST", "x", content), Free)


def test_a_body_that_announces_its_length_is_refused_unread() -> None:
    headers = {"Content-Length": str(MAX_BODY + 1)}
    req = Unread("POST", "http://x/", headers=headers, body=b"")
    with pytest.raises(TooLargeError, match=f"has {MAX_BODY + 1} bytes; at most {MAX_BODY} are taken"):
        read_body(req, Free)


@pytest.mark.parametrize("announced", ["", "-1", "5", "many", "²", "1e9"])
def test_a_body_that_lies_about_its_length_is_measured(announced: str) -> None:
    long = b'{"value": "' + b"x" * MAX_BODY + b'"}'
    req = request("POST", "x", long, headers={"Content-Length": announced})
    with pytest.raises(TooLargeError):
        read_body(req, Free)


def test_a_body_of_just_that_length_is_read() -> None:
    content = b'{"value": "' + b"x" * (MAX_BODY - 13) + b'"}'
    assert len(content) == MAX_BODY
    assert body(content).value == "x" * (MAX_BODY - 13)


def test_a_body_is_nested_so_deep_and_no_deeper() -> None:
    deepest = MAX_DEPTH - 1
    assert body(b'{"value": ' + b"[" * deepest + b"]" * deepest + b"}").value is not None
    with pytest.raises(InvalidError, match=f"nested more than {MAX_DEPTH} deep"):
        body(b'{"value": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}")
    with pytest.raises(InvalidError, match="nested more than"):
        body(b'{"a":' * 5000 + b"1" + b"}" * 5000)


def test_brackets_in_texts_are_no_nesting() -> None:
    text = '[[{\\"[' * 30
    assert body(b'{"value": "' + text.encode() + b'"}').value == text.replace("\\", "")
    assert body(b'{"value": "\\\\"}').value == "\\"


def test_side_by_side_is_not_deep() -> None:
    assert body(b'{"value": [' + b",".join([b"[{}]"] * 500) + b"]}").value == [[{}]] * 500


@pytest.mark.timeout(10)  # it takes some milliseconds; whatever is not linear takes far longer
@pytest.mark.parametrize("filling", [b'"', b'"\\', b'\\"', b"[", b'{"', b'["\\\\', b"\x00", b'"a":'])
def test_the_longest_body_is_read_in_bounded_time_however_it_is_filled(filling: bytes) -> None:
    content = (b'{"value": "' + filling * MAX_BODY)[:MAX_BODY]
    with pytest.raises(InvalidError):
        body(content)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\0a ', max_size=60).map(str.encode))
def test_whatever_a_body_is_only_the_typed_error_comes_of_it(content: bytes) -> None:
    with contextlib.suppress(InvalidError):
        assert isinstance(body(content), Free)
