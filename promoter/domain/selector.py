"""How a rule selects images: by pattern, by regular expression, or by range of semantic versions."""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import msgspec

from promoter.domain.expression import Expression

if TYPE_CHECKING:
    from semantic_version import NpmSpec, Version

_GLOB = re.compile(r"[A-Za-z0-9._/*?-]+")
_MAX_STARS = 3  # of a pattern: what matching may cost grows with the text's length to this power
_MAX_RANGE = 256


class Glob(str):
    """A pattern: `*` is any run of characters but `/`, `**` any run, `?` one character but `/`."""

    __slots__ = ()
    EXAMPLE = "shop/*"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if not _GLOB.fullmatch(text):
            message = f"{text!r} is not a pattern: letters, digits and . _ - / with * ** ? as wildcards"
            raise ValueError(message)
        if len(re.findall(r"\*+", text)) > _MAX_STARS:
            message = f"{text!r} has too many wildcards: at most {_MAX_STARS} of * and **"
            raise ValueError(message)
        return super().__new__(cls, text)

    @property
    def expression(self) -> str:
        """The same as a regular expression, to be matched against the whole text."""
        wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
        parts = re.findall(r"\*\*|\*|\?|[^*?]+", re.sub(r"\*{3,}", "**", self))
        return "".join(wild.get(part, re.escape(part)) for part in parts)


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
            _range(text)
        except ValueError as error:
            message = f"{text[:80]!r} is not a range of semantic versions, as >=1.0.0 <2.0.0 or ^1.2 are"
            raise ValueError(message) from error
        return super().__new__(cls, text)

    def matches(self, tag: str) -> bool:
        """Whether a tag is a version in the range."""
        found = version(tag)
        return found is not None and bool(_range(self).match(found))


class TagSelector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Selects tags in one of two ways.

    Attributes:
        semver: Tags that are versions in this range; ordered by version, not by when they were pushed.
        regex: Tags that match this regular expression, from their first character to their last.
    """

    semver: SemverRange | None = None
    regex: Expression | None = None

    def __post_init__(self) -> None:
        """Refuse both ways at once, and none."""
        if (self.semver is None) == (self.regex is None):
            message = "names tags by semver or by regex: one of both"
            raise ValueError(message)

    @property
    def test(self) -> Callable[[str], object]:
        """What says whether a tag is selected."""
        if self.semver is not None:
            return self.semver.matches
        return re.compile(self.regex or "").fullmatch


def any_of(globs: Sequence[Glob]) -> Callable[[str], object]:
    """What says whether a text matches one of several patterns."""
    return re.compile("|".join(glob.expression for glob in globs)).fullmatch


@lru_cache(maxsize=4096)
def version(tag: str) -> "Version | None":
    """The semantic version that a tag is, with or without a `v` before it; None where it is none."""
    from semantic_version import Version  # noqa: PLC0415 - only a policy with versions pays for it

    try:
        return Version(tag.removeprefix("v"))
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _range(text: str) -> "NpmSpec":
    from semantic_version import NpmSpec  # noqa: PLC0415 - as above

    return NpmSpec(text)
