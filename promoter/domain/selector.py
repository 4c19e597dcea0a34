"""How a rule selects images: by pattern, by regular expression, or by range of semantic versions."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Self

import msgspec

from promoter.domain.expression import Expression
from promoter.domain.semver import SemverRange

_GLOB = re.compile(r"[A-Za-z0-9._/*?-]+")
_MAX_STARS = 3  # of a pattern: what matching may cost grows with the text's length to this power


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
    def start(self) -> str:
        """What every text that matches starts with."""
        return re.split(r"[*?]", self, maxsplit=1)[0]

    @property
    def expression(self) -> str:
        """The same as a regular expression, to be matched against the whole text."""
        wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
        parts = re.findall(r"\*\*|\*|\?|[^*?]+", re.sub(r"\*{3,}", "**", self))
        return "".join(wild.get(part, re.escape(part)) for part in parts)


class GlobIndex[T]:
    """Finds what may have a pattern that matches a text, by how patterns begin; nothing else is looked at."""

    def __init__(self, items: Iterable[tuple[Iterable[Glob], T]]) -> None:
        """Take things in their order, each with its patterns."""
        self._items: list[T] = []
        self._starting: dict[str, list[int]] = {}
        for globs, item in items:
            for start in dict.fromkeys(glob.start for glob in globs):
                self._starting.setdefault(start, []).append(len(self._items))
            self._items.append(item)
        self._lengths = sorted({len(start) for start in self._starting})

    def find(self, text: str) -> list[T]:
        """What may match, in its order; what is not among these does not."""
        starts = (text[:length] for length in self._lengths if length <= len(text))
        numbers = {number for start in starts for number in self._starting.get(start, ())}
        return [self._items[number] for number in sorted(numbers)]


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
