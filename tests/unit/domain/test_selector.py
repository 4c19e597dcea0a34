"""How rules select: by regular expressions that stay fast; and lengths of time."""

import re
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promoter.domain.duration import Duration
from promoter.domain.expression import Expression
from promoter.domain.image import Repository, Tag
from promoter.domain.selector import Glob, GlobIndex, any_of
from tests.unit.domain.strategies import fits, policy_of

WEB = Repository("shop/web")


@pytest.mark.parametrize(
    "text",
    [
        r"v\d+\.\d+\.\d+(-rc\.\d+)?",
        r"v\d+(\.\d+)*",
        r"([a-z]+-)*[0-9]+",
        r"release-[0-9]{4}\.[0-9]{2}",
        r"(rc|beta|alpha)\.?\d*",
        r".*-rc.*",
        r"^v1$",
        r"[^-]+-\w+",
        r"a{3}b{2,5}c?",
        r"(?P<name>v)(?:1|2)\D\S",
        "",
    ],
)
def test_an_expression_that_is_fast_is_taken(text: str) -> None:
    assert Expression(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+$",
        "(a*)*",
        "(a|a)*b",
        "(a|ab|b)*c",
        "(.*)*",
        r"(\w+\d)+",
        "(a?){30}a{30}",
        "(a*,a*)*",
        "(?:(?:a*)b?)*",
        "((a+)b?)+c",
        "([a-z]+)*-",
        # What is empty in two ways, between characters or at the end.
        "".join(f"({letter}?)?" for letter in "abcdefghijklmnopqrstuvwxy") + "z",
        "a" + "(|)" * 30,
        "(^|$)?" * 30 + "b",
        "(^)?" * 40 + "b",
        "a(|){30}",
        "(^){4000000000}b",
        "((^){9999}){9999}b",
        r"(\d()??)*",
        r"(?>((\b)*?)+)+",
        # Nested so deeply that looking at each level twice would never end.
        "(" * 40 + "a?" + ")?x" * 40,
    ],
)
def test_an_expression_that_could_take_exponential_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="exponential time"):
        Expression(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("(", "is not a regular expression"),
        ("[z-a]", "is not a regular expression"),
        ("(?i)abc", "sets options"),
        ("((?i:a)|A)*", "sets options"),
        (r"(a)\1", "looks around or refers back"),
        ("a(?=b)", "looks around or refers back"),
        ("a(?<!b)c", "looks around or refers back"),
        (".*.*.*x", "leaves open in 3 places"),
        ("(" * 20 + "a" + ")?x" * 20, "leaves open in 19 places"),
        ("a?" * 20 + "a" * 20, "leaves open in 20 places"),
        ("x" * 257, "at most 256 characters"),
        ("(" * 200 + ")" * 200, "at most 256 characters"),
    ],
)
def test_what_is_no_expression_or_is_not_accepted_says_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        Expression(text)


_atoms = st.sampled_from(["a", "b", "[ab]", "[^a]", ".", r"\w", "-", "^", "$", r"\b", r"\B", ""])
_repeats = st.sampled_from(["*", "+", "?", "{2}", "{0,3}", "{2,}", "*?", "+?", "??", "*+"])
_expressions = st.recursive(
    _atoms,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"({'|'.join(parts)})")
        | st.tuples(st.sampled_from(["({})", "(?>{})"]), inner, _repeats).map(
            lambda parts: parts[0].format(parts[1]) + parts[2]
        )
    ),
    max_leaves=8,
)


@given(_expressions.filter(lambda text: fits(Expression, text)))
def test_whatever_is_taken_answers_at_once_on_the_worst_text(text: str) -> None:
    """The suite's own time limit is the assertion: what takes exponential time does not come back."""
    expression = re.compile(text)
    for unit, end in product(("a", "b", "ab", "aab", "a-", "0"), ("", "-", "!", "b")):
        expression.fullmatch((unit * 128)[: 128 - len(end)] + end)


_globs = st.text("ab/*?", min_size=1, max_size=6).filter(lambda text: fits(Glob, text)).map(Glob)


@given(st.lists(st.lists(_globs, min_size=1, max_size=3), max_size=8), st.text("ab/", max_size=6))
def test_the_index_finds_all_that_match_in_their_order_and_little_else(
    patterns: list[list[Glob]], text: str
) -> None:
    index = GlobIndex((globs, number) for number, globs in enumerate(patterns))
    matching = [number for number, globs in enumerate(patterns) if any_of(globs)(text)]

    found = index.find(text)

    assert found == sorted(found)
    assert set(matching) <= set(found)
    assert all(any(text.startswith(glob.start) for glob in patterns[number]) for number in found)


def test_the_index_does_not_look_at_other_repositories() -> None:
    index = GlobIndex(([Glob(f"team-{number}/*"), Glob("shared?")], number) for number in range(100))
    assert index.find("team-7/web") == [7]
    assert index.find("shared1") == list(range(100))


def test_rules_select_by_version_and_by_expression() -> None:
    policy = policy_of(
        {"name": "releases", "tags": {"semver": ">=1.0.0"}},
        {"name": "builds", "tags": {"regex": r"build-\d+"}},
    )

    def rule(tag: str) -> list[str]:
        return [each.name for each in policy.rules_from("dev", WEB, Tag(tag))]

    assert (rule("v1.0.0"), rule("build-7"), rule("build-x"), rule("v0.1.0")) == (
        ["releases"],
        ["builds"],
        [],
        [],
    )


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("36h", 129600), ("1d12h", 129600), ("2w", 1209600)]
)
def test_a_duration_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert Duration(text).delta == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "0s", "0h", "2", "h", "-1h", "1.5h", "1 h", "1y", "99999w", "1h " * 9])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|must be longer than nothing"):
        Duration(text)
