"""Image references: parsed once, by the OCI specification's grammar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promoter.domain.codec import decode, encode
from promoter.domain.errors import InvalidReferenceError
from promoter.domain.image import Digest, Image, Repository, Tag
from tests.unit.domain.strategies import digests, repositories, tags

NO_REPOSITORY = {
    "empty": "",
    "upper case": "Shop/web",
    "leading slash": "/shop",
    "trailing slash": "shop/",
    "empty component": "shop//web",
    "leading separator": "-shop",
    "trailing separator": "shop-",
    "two dots": "shop..web",
    "three underscores": "shop___web",
    "mixed separators": "shop._web",
    "space": "shop web",
    "colon": "shop:web",
    "line break at the end": "shop\n",
    "not ASCII": "shöp",
    "a digit that is not ASCII": "shop٣",
    "a host with a port": "localhost:5000/web",
}
NO_TAG = {
    "empty": "",
    "leading dot": ".v1",
    "leading hyphen": "-v1",
    "plus, as in semantic versions": "1.0.0+build",
    "slash": "v1/2",
    "colon": "v:1",
    "line break at the end": "v1\n",
    "not ASCII": "vé",
    "129 characters": "v" * 129,
}
NO_DIGEST = {
    "empty": "",
    "no algorithm": "0" * 64,
    "unknown algorithm": "md5:" + "0" * 32,
    "63 digits": "sha256:" + "0" * 63,
    "65 digits": "sha256:" + "0" * 65,
    "sha512 with sha256's digits": "sha512:" + "0" * 64,
    "upper case": "sha256:" + "A" * 64,
    "line break at the end": "sha256:" + "0" * 64 + "\n",
    "blank before": " sha256:" + "0" * 64,
}


@pytest.mark.parametrize(
    "text", ["web", "shop/web", "a.b_c__d-e---f/0", "a" * 255, "/".join("a" * 10), "library/ubuntu"]
)
def test_a_repository_name_by_the_specification_is_taken_as_it_is(text: str) -> None:
    assert Repository(text) == text


@pytest.mark.parametrize("text", NO_REPOSITORY.values(), ids=NO_REPOSITORY.keys())
def test_what_is_no_repository_name_is_refused_with_the_rule_that_it_breaks(text: str) -> None:
    with pytest.raises(
        InvalidReferenceError, match=r"is not a repository name: lower-case.*<name>"
    ) as raised:
        Repository(text)
    assert raised.value.field == "repository"


def test_a_repository_name_that_is_too_long_is_told_its_length() -> None:
    with pytest.raises(InvalidReferenceError, match="at most 255 characters, not 256"):
        Repository("a" * 256)


@pytest.mark.parametrize("text", ["v1", "_", "1.2.3-rc.1", "V_1", "a" * 128, "sha256-" + "0" * 64])
def test_a_tag_by_the_specification_is_taken_as_it_is(text: str) -> None:
    assert Tag(text) == text


@pytest.mark.parametrize("text", NO_TAG.values(), ids=NO_TAG.keys())
def test_what_is_no_tag_is_refused_with_the_rule_that_it_breaks(text: str) -> None:
    with pytest.raises(
        InvalidReferenceError, match=r"is not a tag: at most 128.*<reference> as a tag"
    ) as raised:
        Tag(text)
    assert raised.value.field == "tag"


@pytest.mark.parametrize("text", ["sha256:" + "0f" * 32, "sha512:" + "0f" * 64])
def test_a_digest_of_either_algorithm_is_taken_as_it_is(text: str) -> None:
    assert Digest(text) == text


@pytest.mark.parametrize("text", NO_DIGEST.values(), ids=NO_DIGEST.keys())
def test_what_is_no_digest_is_refused_with_the_rule_that_it_breaks(text: str) -> None:
    with pytest.raises(InvalidReferenceError, match=r"is not a digest: sha256: and 64.*Digests") as raised:
        Digest(text)
    assert raised.value.field == "digest"


def test_an_error_shows_no_more_than_the_beginning_of_what_was_given() -> None:
    with pytest.raises(InvalidReferenceError) as raised:
        Tag("-" + "v" * 100_000)
    assert len(str(raised.value)) < 300
    assert "vvv...'" in str(raised.value)


def test_the_fall_back_tag_of_a_referrer_is_known_as_that() -> None:
    assert Tag("sha256-" + "0" * 64).names_referrer
    assert Tag("sha256-0f.sig").names_referrer
    assert not Tag("sha256").names_referrer


def test_a_digest_is_shown_short_enough_to_read_and_long_enough_to_tell_apart() -> None:
    image = Image(Repository("shop/web"), Digest("sha256:" + "0123456789abcdef" * 4))
    assert str(image) == "shop/web@sha256:0123456789ab"


@given(repositories)
def test_a_repository_survives_the_way_through_a_path_or_a_key(repository: Repository) -> None:
    assert "/" not in repository.path
    assert Repository.from_path(repository.path) == repository


@given(repositories, repositories)
def test_different_repositories_have_different_paths(one: Repository, other: Repository) -> None:
    assert (one.path == other.path) is (one == other)


@given(st.builds(Image, repositories, digests), tags)
def test_references_survive_the_way_through_json(image: Image, tag: Tag) -> None:
    assert decode(encode(image), Image) == image
    read = decode(encode([tag]), tuple[Tag])
    assert read == (tag,)
    assert isinstance(read[0], Tag)


@given(st.text(max_size=300))
def test_any_text_is_a_reference_or_an_error_never_something_else(text: str) -> None:
    for kind in (Repository, Tag, Digest):
        try:
            assert kind(text) == text
        except InvalidReferenceError as error:
            assert error.field == kind.__name__.lower()  # noqa: PT017 - either is right
