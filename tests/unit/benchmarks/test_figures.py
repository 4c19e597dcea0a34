"""Figures and how they are compared."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.figure import Figure, Results, load, now, number
from benchmarks.report import print_comparison, print_results


def figure(*samples: float, **more: object) -> Figure:
    return Figure(name="f", title="a figure", samples=samples, **more)  # type: ignore[arg-type]


def shown(baseline: Figure, now_: Figure) -> str:
    console = Console(width=140, record=True, file=StringIO())
    print_comparison(console, results(baseline), results(now_))
    return console.export_text(styles=True)


def results(*figures: Figure) -> Results:
    return Results(at=now(), machine="here", figures=figures, counts={"promotion": {"operations": 14}})


def test_a_figure_is_its_median_and_the_middle_half_of_its_samples() -> None:
    found = figure(1, 100, 3, 2, 4)
    assert (found.median, found.spread) == (3, (2, 4))
    assert figure(5, 1).spread == (1, 5)


@pytest.mark.parametrize(
    ("found", "reached"),
    [
        (figure(1, at_most=1), True),
        (figure(1.01, at_most=1), False),
        (figure(0.7, at_least=0.7), True),
        (figure(0.69, at_least=0.7), False),
        (figure(1), None),
    ],
)
def test_a_goal_is_reached_or_not(found: Figure, *, reached: bool | None) -> None:
    assert found.is_reached is reached


def test_results_are_read_back_as_they_were_saved_with_what_follows_from_them(tmp_path: Path) -> None:
    saved = results(figure(1.0, 2.0, 4.0, at_most=3))
    saved.save(tmp_path / "results.json")
    assert load(tmp_path / "results.json") == saved
    assert '"median": 2.0' in (tmp_path / "results.json").read_text()


def test_only_what_is_beyond_the_noise_of_both_runs_is_marked() -> None:
    red, green = "\x1b[31m", "\x1b[32m"
    before = figure(1.0, 1.05, 1.1)
    assert red in shown(before, figure(2.0, 2.1, 2.2))
    assert green in shown(before, figure(0.5, 0.51, 0.52))
    within = shown(before, figure(1.08, 1.2, 1.3))
    assert red not in within
    assert green not in within
    fast = figure(100, 101, at_least=1)
    assert green in shown(fast, figure(200, 201, at_least=1))


def test_a_table_shows_each_figure_with_its_goal() -> None:
    console = Console(width=140, record=True, file=StringIO())
    print_results(console, results(figure(1, at_most=2, note="of note")))
    text = console.export_text()
    assert "a figure" in text
    assert "at most 2" in text
    assert "of note" in text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.0123456, "0.0123"), (1234.5, "1,234"), (1.5, "1.5")]
)
def test_three_digits_count(value: float, text: str) -> None:
    assert number(value) == text
