"""What docs/performance.md shows of the results."""

from typing import Any

import pytest

from benchmarks.__main__ import BEFORE, PAGE, RESULTS
from benchmarks.figure import Figure, Results, load, now
from benchmarks.page import explained, figures, written


def results(*found: Figure) -> Results:
    return Results(at=now(), machine="here", figures=found, counts={})


def test_a_row_shows_a_figure_before_and_now_with_its_goal() -> None:
    was = Figure(name="f", title="a figure", against="another", samples=(2.0, 3.0, 4.0, 5.0))
    is_now = Figure(name="f", title="a figure", against="another", samples=(1.0,), at_most=1, note="of note")
    new = Figure(name="n", title="a new one", unit="ms", samples=(7.0,), at_most=5)
    table = figures(results(was), results(is_now, new))
    assert "| a figure<br>against another | 3.5 (2.75 - 4.25) | 1 | at most 1: yes |" in table
    assert "| a new one |  | 7 ms | at most 5: [**no**](#what-is-left-and-why) |" in table
    assert "- a figure: of note." in table


def test_an_operation_that_nobody_has_explained_is_not_shown() -> None:
    counts = load(RESULTS).counts
    assert "create Evidence image" in explained(counts)
    steps: dict[str, Any] = counts["automatic, verdict by queue"]
    steps["push"]["operations"].append("read Evidence image")
    with pytest.raises(KeyError, match="not explained"):
        explained(counts)


def test_the_page_shows_the_results_that_are_committed() -> None:
    assert PAGE.read_text() == written(PAGE.read_text(), load(BEFORE), load(RESULTS)), "make docs-performance"
