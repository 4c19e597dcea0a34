"""Types to JSON and back: what does not fit says where it does not."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promoter.domain.codec import convert, decode, encode, plain
from promoter.domain.errors import InvalidError
from promoter.domain.image import Digest, Repository, Tag
from tests.unit.domain.strategies import digests, repositories, tags, times


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    tag: Tag
    digest_of: Digest | None = None


class Whole(msgspec.Struct, frozen=True, rename="camel"):
    repository: Repository
    parts: tuple[Part, ...]
    made_at: datetime


WHOLE = {"repository": "shop/web", "parts": [{"tag": "v1"}], "madeAt": "2026-11-23T09:00:00Z"}


@given(
    st.builds(
        Whole,
        repositories,
        st.lists(st.builds(Part, tags, st.none() | digests), max_size=3).map(tuple),
        times,
    )
)
def test_a_value_comes_back_as_it_was_with_its_types(value: Whole) -> None:
    read = decode(encode(value), Whole)
    assert read == value
    assert isinstance(read.repository, Repository)
    assert convert(plain(value), Whole) == value


def test_keys_are_camel_case_and_times_are_rfc_3339() -> None:
    part = Part(Tag("v1"), Digest("sha256:" + "0" * 64))
    value = Whole(Repository("web"), (part,), datetime(2026, 11, 23, 9, 0, 0, 5, UTC))
    text = encode(value)
    assert '"digestOf":"sha256:000' in text
    assert '"madeAt":"2026-11-23T09:00:00.000005Z"' in text


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"repository": "Shop"}, "repository", "'Shop' is not a repository name"),
        ({"repository": 7}, "repository", "expected text, got int"),
        ({"repository": None}, "repository", "expected text, got NoneType"),
        ({"parts": [{"tag": "v1"}, {"tag": "-v2"}]}, "parts[1].tag", "'-v2' is not a tag"),
        ({"parts": [{"tag": "v1", "digestOf": "x"}]}, "parts[0].digestOf", "'x' is not a digest"),
        ({"parts": [{"tag": "v1", "other": 1}]}, "parts[0]", "unknown field `other`"),
        ({"parts": {}}, "parts", "Expected `array`, got `object`"),
        ({"madeAt": "yesterday"}, "madeAt", "Invalid RFC3339"),
    ],
)
def test_what_does_not_fit_is_located(changes: dict[str, object], field: str, message: str) -> None:
    document = WHOLE | changes
    for text in (True, False):
        with pytest.raises(InvalidError, match=message) as raised:
            decode(msgspec.json.encode(document), Whole) if text else convert(document, Whole)
        assert raised.value.field == field


def test_what_is_missing_at_the_top_has_no_path() -> None:
    with pytest.raises(InvalidError, match="missing required field `repository`") as raised:
        decode("{}", Whole)
    assert raised.value.field is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a":1}}',
        "nope",
        "NaN",
        b"\xff\xfe",
        '{"repository": "a',
        "\ufeff{}",
        "[" * 100_000,
        b"\x00",
    ],
    ids=["empty", "open", "too much", "a word", "NaN", "no UTF-8", "cut off", "a mark", "deep", "zero"],
)
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidError):
        decode(text, Whole)


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":['])
def test_nesting_without_end_is_refused_whatever_type_is_expected(opening: str) -> None:
    for type_ in (Whole, dict[str, object], object):
        with pytest.raises(InvalidError, match=r"not JSON|Expected"):
            decode(opening * 200_000, type_)


def test_a_query_may_write_numbers_and_truth_as_text() -> None:
    class Query(msgspec.Struct):
        active: bool = False
        limit: int = 20

    assert convert({"active": "true", "limit": "5"}, Query, texts=True) == Query(active=True, limit=5)
    with pytest.raises(InvalidError) as raised:
        convert({"limit": "many"}, Query, texts=True)
    assert raised.value.field == "limit"
    with pytest.raises(InvalidError):
        convert({"limit": "5"}, Query)


@given(st.text(max_size=60))
def test_text_of_any_kind_in_any_place_is_taken_or_refused_as_invalid(text: str) -> None:
    for document in (text, WHOLE | {"repository": text}, WHOLE | {text: text}, [text]):
        try:
            convert(document, Whole)
        except InvalidError as error:
            assert str(error)  # noqa: PT017 - either is right
