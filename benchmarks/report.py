"""Figures as tables for a terminal."""

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.figure import Figure, Results, number

_MARKS = {True: "[green]yes[/]", False: "[red]no[/]", None: ""}
_NOISE = 1.1


def print_results(console: Console, results: Results) -> None:
    """Show one run."""
    table = Table("figure", "median", "middle half", "n", "goal", "reached", title=results.machine)
    for figure in results.figures:
        low, high = figure.spread
        spread = f"{number(low)} - {number(high)}" if len(figure.samples) > 1 else ""
        goal = figure.goal
        table.add_row(
            _title(figure), _shown(figure), spread, str(len(figure.samples)), goal, _MARKS[figure.is_reached]
        )
    console.print(table)
    for figure in results.figures:
        if figure.note:
            console.print(f"[dim]{escape(figure.title)}: {escape(figure.note)}[/]", soft_wrap=True)


def print_comparison(console: Console, baseline: Results, results: Results) -> None:
    """Show one run beside an earlier one."""
    before = {figure.name: figure for figure in baseline.figures}
    title = f"baseline: {baseline.machine}, {baseline.at:%Y-%m-%d}\nnow: {results.machine}"
    table = Table("figure", "baseline", "now", "change", "goal", "reached", title=title)
    for figure in results.figures:
        was = before.get(figure.name)
        cells = (
            ("", _shown(figure), "") if was is None else (_shown(was), _shown(figure), _change(was, figure))
        )
        table.add_row(_title(figure), *cells, figure.goal, _MARKS[figure.is_reached])
    console.print(table)
    missing = [each.title for each in _missing(baseline.figures, results.figures)]
    if missing:
        console.print(f"[dim]Not measured now: {escape(', '.join(missing))}[/]", soft_wrap=True)


def _title(figure: Figure) -> str:
    against = f"\n[dim]against {escape(figure.against)}[/]" if figure.against else ""
    return f"{escape(figure.title)}{against}"


def _shown(figure: Figure) -> str:
    return f"{number(figure.median)} {figure.unit}".rstrip()


def _change(was: Figure, figure: Figure) -> str:
    """How the medians differ; what lies within the noise of both runs is not coloured."""
    if not was.median:
        return ""
    ratio = figure.median / was.median
    text = f"{ratio:.2f} x"
    (low, high), (was_low, was_high) = figure.spread, was.spread
    overlap = low <= was_high and was_low <= high
    if overlap or 1 / _NOISE < ratio < _NOISE:
        return text
    better = (ratio < 1) == (figure.at_least is None)
    return f"[green]{text}[/]" if better else f"[red]{text}[/]"


def _missing(wanted: Iterable[Figure], found: Iterable[Figure]) -> list[Figure]:
    names = {figure.name for figure in found}
    return [figure for figure in wanted if figure.name not in names]
