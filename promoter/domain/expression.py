"""Regular expressions that match in time proportional to the text, or are refused.

A backtracking matcher is slow where it has a choice: whether to repeat once more or to go on, and which of
several alternatives to take, although the next character fits both. Where no character fits both, the
expression is deterministic (Brüggemann-Klein and Wood, "One-Unambiguous Regular Languages", 1998), and
nothing is ever tried twice. A choice inside a repetition can double the work with every turn, so there is
none; outside, each multiplies the work by the text's length at most, so there are few. And nothing may be
empty in two ways, since no character tells those apart: not what is repeated, nor two alternatives.
"""

import re
from collections.abc import Iterator
from re import _constants as op  # type: ignore[attr-defined]  # the parser that re itself uses
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, Self

_MAX_LENGTH = 256
_MAX_CHOICES = 2
_ALL = frozenset(range(33, 127))  # what references are made of is within these
_REPEATS = {op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT}
_CATEGORIES = {
    op.CATEGORY_DIGIT: frozenset(map(ord, "0123456789")),
    op.CATEGORY_WORD: frozenset(code for code in _ALL if chr(code).isalnum() or chr(code) == "_"),
    op.CATEGORY_SPACE: frozenset[int](),
}
_OPPOSITES = {
    op.CATEGORY_NOT_DIGIT: op.CATEGORY_DIGIT,
    op.CATEGORY_NOT_WORD: op.CATEGORY_WORD,
    op.CATEGORY_NOT_SPACE: op.CATEGORY_SPACE,
}

type _Codes = frozenset[int]
type _Item = tuple[Any, Any]


class Expression(str):
    """A regular expression in Python's syntax, matched against the whole text.

    Raises:
        ValueError: It is none, uses what is not accepted, or could take more than linear time.
    """

    __slots__ = ()
    EXAMPLE = r"v\d+\.\d+\.\d+(-rc\.\d+)?"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if len(text) > _MAX_LENGTH:
            message = f"a regular expression has at most {_MAX_LENGTH} characters, not {len(text)}"
            raise ValueError(message)
        try:
            parsed = parser.parse(text)
        except (re.error, RecursionError, OverflowError) as error:
            message = f"{text!r} is not a regular expression: {error}"
            raise ValueError(message) from error
        if parsed.state.flags & ~re.UNICODE:
            message = f"{text!r} sets options, as (?i) does; they are not accepted"
            raise ValueError(message)
        choices = sum(_choices(list(parsed), frozenset(), text=text, looped=False))
        if choices > _MAX_CHOICES:
            message = (
                f"{text!r} leaves open in {choices} places how much each part matches, which takes too long; "
                f"at most {_MAX_CHOICES} are accepted: end each repetition by a character it cannot match"
            )
            raise ValueError(message)
        return super().__new__(cls, text)


def _choices(items: list[_Item], follow: _Codes, *, text: str, looped: bool) -> Iterator[int]:
    """One for each place where the next character does not say how to go on."""
    for index, item in enumerate(items):
        after = _first(items[index + 1 :], follow)
        for ambiguous, inner, inner_after, loops in _parts(item, after, text):
            if ambiguous and looped:
                message = (
                    f"{text!r} could take exponential time: inside a repetition, it leaves open how much "
                    "each part matches"
                )
                raise ValueError(message)
            yield int(ambiguous)
            yield from _choices(inner, inner_after, text=text, looped=looped or loops)


def _parts(item: _Item, after: _Codes, text: str) -> Iterator[tuple[bool, list[_Item], _Codes, bool]]:
    """An item's parts: whether there is a choice, what is inside, what may follow that, whether it loops."""
    code, argument = item
    if code in _REPEATS:
        least, most, body = argument
        inner = list(body)
        start, empty = _start_of(inner)
        if empty:
            message = f"{text!r} could take exponential time: it repeats what may be empty"
            raise ValueError(message)
        loops = most > 1
        yield least != most and bool(start & after), inner, after | (start if loops else frozenset()), loops
    elif code is op.BRANCH:
        seen: _Codes = frozenset()
        for branch in argument[1]:
            start = _first(list(branch), after)
            yield bool(start & seen), list(branch), after, False
            seen |= start
        if sum(_start_of(list(branch))[1] for branch in argument[1]) > 1:
            message = f"{text!r} could take exponential time: several of its alternatives may be empty"
            raise ValueError(message)
    elif code is op.SUBPATTERN:
        _, added, removed, inner = argument
        if added or removed:
            message = f"{text!r} sets options, as (?i:a) does; they are not accepted"
            raise ValueError(message)
        yield False, list(inner), after, False
    elif code is op.ATOMIC_GROUP:
        yield False, list(argument), after, False
    elif code not in {op.LITERAL, op.NOT_LITERAL, op.ANY, op.IN, op.AT}:
        message = f"{text!r} looks around or refers back, which is not accepted"
        raise ValueError(message)


def _first(items: list[_Item], follow: _Codes) -> _Codes:
    """The characters that a sequence may start with; where it may be empty, also those that follow it."""
    codes, empty = _start_of(items)
    return codes | follow if empty else codes


def _start_of(items: list[_Item]) -> tuple[_Codes, bool]:
    """The characters that a sequence may start with, and whether it may be empty."""
    found: _Codes = frozenset()
    for item in items:
        codes, empty = _start(item)
        found |= codes
        if not empty:
            return found, False
    return found, True


def _start(item: _Item) -> tuple[_Codes, bool]:
    """The characters that an item may start with, and whether it may be empty."""
    code, argument = item
    if code in _REPEATS:
        least, _, body = argument
        codes, empty = _start_of(list(body))
        return codes, empty or least == 0
    if code is op.BRANCH:
        starts = [_start_of(list(branch)) for branch in argument[1]]
        return frozenset().union(*(codes for codes, _ in starts)), any(empty for _, empty in starts)
    if code is op.SUBPATTERN:
        return _start_of(list(argument[3]))
    if code is op.ATOMIC_GROUP:
        return _start_of(list(argument))
    return (frozenset(), True) if code is op.AT else (_codes(item), False)


def _codes(item: _Item) -> _Codes:
    """The characters that one item matches."""
    code, argument = item
    if code is op.LITERAL:
        return frozenset({argument})
    if code is op.NOT_LITERAL:
        return _ALL - {argument}
    if code is op.RANGE:
        return _ALL & frozenset(range(argument[0], min(argument[1], 127) + 1))
    if code is op.CATEGORY:
        opposite = _OPPOSITES.get(argument)
        return _CATEGORIES[argument] if opposite is None else _ALL - _CATEGORIES[opposite]
    if code is op.IN:
        negated = argument[0][0] is op.NEGATE
        codes = frozenset[int]().union(*(_codes(each) for each in (argument[1:] if negated else argument)))
        return _ALL - codes if negated else codes
    return _ALL
