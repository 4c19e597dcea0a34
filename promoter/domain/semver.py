"""Semantic versions, and ranges of them in npm's syntax and meaning (github.com/npm/node-semver, "Ranges").

The library's own ranges take 2.0.0-rc.1 for a part of `<2`, and 2.0.0 for one of `>=2.0.0-rc.1 <2.0.0`; so
only its versions, and their order, are used here.
"""

import operator
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from semantic_version import Version

_MAX_RANGE = 256
_SIGN = re.compile(r"([<>]=?|[=^~]|)v?(.*)", re.DOTALL)
_NUMBER = re.compile(r"0|[1-9][0-9]{0,15}")
_OPEN = {"x", "X", "*"}
_WHOLE = 3  # numbers of a version
_COMPARISONS = {
    "": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

type _Bound = tuple[Callable[[Version, Version], bool], Version]


class SemverRange(str):
    """A range of semantic versions in npm's syntax, as in `>=1.0.0`, `1.x` or `^2.3 || 3.0.0`.

    A tag is a version with or without a `v` before it. As in npm, a pre-release is in a range only where
    the range names one of the same major, minor and patch version.
    """

    __slots__ = ()
    EXAMPLE = ">=1.0.0"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if not text.strip() or len(text) > _MAX_RANGE:
            message = f"{text[:40]!r} is not a range of semantic versions; every version is *"
            raise ValueError(message)
        try:
            _alternatives(text)
        except ValueError as error:
            message = f"{text[:80]!r} is not a range of semantic versions, as >=1.0.0 <2.0.0 or ^1.2 are"
            raise ValueError(message) from error
        return super().__new__(cls, text)

    def matches(self, tag: str) -> bool:
        """Whether a tag is a version in the range."""
        found = version(tag)
        return found is not None and any(_contains(bounds, found) for bounds in _alternatives(self))


@lru_cache(maxsize=4096)
def version(tag: str) -> "Version | None":
    """The semantic version that a tag is, with or without a `v` before it; None where it is none."""
    try:
        return _version(tag.removeprefix("v"))
    except ValueError:
        return None


def _version(text: str) -> "Version":
    from semantic_version import Version  # noqa: PLC0415 - only a policy with versions pays for it

    return Version(text)


def _contains(bounds: "Sequence[_Bound]", found: "Version") -> bool:
    named = any(limit.prerelease and limit.truncate() == found.truncate() for _, limit in bounds)
    return (named or not found.prerelease) and all(keeps(found, limit) for keeps, limit in bounds)


@lru_cache(maxsize=256)
def _alternatives(text: str) -> "tuple[list[_Bound], ...]":
    """For each part between `||`, the bounds that a version has to keep all of."""
    parts = (_comparators(part) for part in text.split("||"))
    return tuple([bound for comparator in part for bound in _bounds(comparator)] for part in parts)


def _comparators(part: str) -> list[str]:
    low, hyphen, high = part.strip().partition(" - ")
    return [f">={low}", f"<={high}"] if hyphen else part.split() or ["*"]


def _bounds(comparator: str) -> "list[_Bound]":
    """What one comparator asks for; what it leaves open of a version may be anything."""
    sign, rest = _SIGN.fullmatch(comparator).groups()  # type: ignore[union-attr]  # everything matches
    core, dash, pre = rest.partition("-")
    parts = core.split(".")
    given = [int(part) for part in takewhile(_NUMBER.fullmatch, parts)]
    is_whole = len(given) == _WHOLE
    if len(parts) > _WHOLE or not _OPEN.issuperset(parts[len(given) :]) or (dash and not is_whole):
        message = f"{comparator!r} compares with no version"
        raise ValueError(message)
    floor = _padded(given, dash + pre)
    if sign in {"^", "~"} or (sign in {"", "="} and not is_whole):
        kept = _kept(sign, given)
        return [(operator.ge, floor), *([(operator.lt, _beyond(kept, "-0"))] if kept else [])]
    if is_whole:
        return [(_COMPARISONS[sign], floor)]
    return [_open_ended(sign, given)]


def _open_ended(sign: str, given: list[int]) -> "_Bound":
    """A comparison with all versions that start with these numbers: `<1.2` is before each, `>1.2` beyond."""
    if not given and sign in {"<", ">"}:
        message = f"{sign}* is no version at all"
        raise ValueError(message)
    if sign == ">":
        return operator.ge, _beyond(given)
    if sign == ">=" or not given:
        return operator.ge, _padded(given)
    return operator.lt, _padded(given, "-0") if sign == "<" else _beyond(given, "-0")


def _kept(sign: str, given: list[int]) -> list[int]:
    """The numbers that a version has in common with the comparator's."""
    if sign == "~":
        return given[:2]
    first = next((place for place, number in enumerate(given, 1) if number), len(given))
    return given[:first] if sign == "^" else given


def _beyond(given: list[int], pre: str = "") -> "Version":
    """The first version behind all that start with these numbers."""
    return _padded([*given[:-1], given[-1] + 1], pre)


def _padded(given: list[int], pre: str = "") -> "Version":
    numbers = [*given, 0, 0, 0][:_WHOLE]
    return _version(".".join(map(str, numbers)) + pre)
