"""Semantic versions: which are in a range, and which is newer."""

from datetime import timedelta

import pytest

from promoter.domain.image import Repository, Tag
from promoter.domain.line import Current, Line, LineKey
from promoter.domain.semver import SemverRange, version
from tests.unit.domain.strategies import NOW, digest

WEB = Repository("shop/web")


@pytest.mark.parametrize(
    ("asked", "tag", "fits"),
    [
        (">=1.0.0", "v1.2.3", True),
        (">=1.0.0", "1.2.3", True),
        (">=1.0.0", "v0.9.0", False),
        (">=1.0.0", "v2.0.0-rc.1", False),
        (">=2.0.0-0", "v2.0.0-rc.1", True),
        ("^1.2 || 3.x", "v3.9.9", True),
        ("1.x", "v2.0.0", False),
        ("*", "latest", False),
        ("*", "v1.2", False),
        ("*", "vv1.2.3", False),
        ("<2", "v1.9.9", True),
        ("<2", "v2.0.0-rc.1", False),
        ("<2.0.0", "v2.0.0-rc.1", False),
        ("<=1", "v2.0.0-rc.1", False),
        (">=2.0.0-rc.1 <2.0.0", "v2.0.0", False),
        (">=2.0.0-rc.1 <2.0.0", "v2.0.0-rc.2", True),
        ("<1.2.3-beta", "v1.2.3-rc.1", False),
        ("~1.2.0-rc.1", "v1.2.9", True),
        ("~1.2.0-rc.1", "v1.3.0-rc.1", False),
        ("^0.2.3", "v0.3.0", False),
        ("^0.0", "v0.0.9", True),
        (">1.2", "v1.2.9", False),
        (">1", "v2.0.0", True),
        (">1", "v2.0.0-rc.1", False),
        (">=1.2", "v1.2.0", True),
        ("<=1.2", "v1.2.9", True),
        ("1.0.0 - 1.2", "v1.2.9", True),
        ("1.0.0 - 1.2", "v1.3.0", False),
        ("=v1.x.*", "v1.5.0", True),
        (">=*", "v1.5.0", True),
    ],
)
def test_a_range_selects_tags_that_are_versions_in_it(asked: str, tag: str, fits: bool) -> None:  # noqa: FBT001
    assert SemverRange(asked).matches(tag) is fits


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "foo", ">= 1.0.0", "1.0.0 -", "x" * 300, "<=X -  - ", "<*", ">x", "1.2.3.4", "x.1"),
        *("1.x-rc", "1.0.0-", "1.0.0-rc..1", "01.0.0", "1.0.0 - 2.0.0 - 3.0.0", "==1", "1.0.0-01", "9" * 20),
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a range of semantic versions"):
        SemverRange(text)


def test_versions_are_ordered_as_versions_and_the_rest_by_time() -> None:
    line = Line.new(LineKey("staging", WEB)).with_current(
        Current("record", digest(1), Tag("v1.10.0"), NOW), sequence=1
    )
    late = NOW + timedelta(days=1)
    assert not line.is_newer(digest(2), late, Tag("v1.9.0"))
    assert line.is_newer(digest(2), NOW - timedelta(days=1), Tag("v1.11.0"))
    assert line.is_newer(digest(2), late, Tag("v1.10.0"))
    assert not line.is_newer(digest(1), NOW, Tag("v1.10.0"))
    assert line.is_newer(digest(2), late)
    unversioned = line.with_current(Current("record", digest(1), Tag("latest"), NOW), sequence=2)
    assert unversioned.is_newer(digest(2), NOW - timedelta(days=1), Tag("v0.0.1"))


def test_a_pre_release_is_older_than_its_release() -> None:
    rc, release = version("v1.0.0-rc.2"), version("v1.0.0")
    assert rc is not None
    assert release is not None
    assert rc < release
