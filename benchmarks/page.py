"""What docs/performance.md shows of a run: figures before and after, and each storage operation with why."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.figure import Figure, Results, number
from localhost.pages import with_parts

_SCENARIO = "automatic, verdict by queue"
_REACHED = {True: ": yes", False: ": [**no**](#what-is-left-and-why)", None: ""}
_STEPS = {
    "push": "A push that waits for its gate",
    "verdict": "The verdict that qualifies it",
    "drive": "From there to `succeeded`, in one execution of `advance`",
    "after": "What follows in the same execution",
}
_WHY: Mapping[str, Sequence[tuple[str, str]]] = {
    "push": (
        (
            "create Evidence image",
            "The arrival. An image is taken to be unknown; if it is not, this is refused.",
        ),
        (
            "query Promotions line",
            "Holds, vetoes and what is current, on every track of the target: one range.",
        ),
        (
            "transaction Promotions: create claim, update candidate",
            "It waits, and for what; the tag is its own.",
        ),
    ),
    "verdict": (
        ("read Evidence image", "What is known of the image, and its version."),
        ("update Evidence image", "The verdict. The answer is all that is known: nothing is read again."),
        (
            "read Promotions claim",
            "Is it the newest image of its tag, does it wait, has somebody asked for it?",
        ),
        ("query Promotions line", "As above: it is judged anew."),
        (
            "transaction Promotions: create line, create record, create todo, update claim, delete candidate",
            "The promotion is pending: line, record and what is left to do, or nothing of it.",
        ),
        ("put promoter-work", "Wakes the line; the output binding writes it when all is stored."),
    ),
    "drive": (
        ("query Promotions line", "Which promotion is first on the line."),
        ("read Promotions record", "That promotion."),
        ("read Evidence image", "It is judged once more, now that the target was read."),
        (
            "transaction Promotions: update line, update record",
            "Importing, with the first attempt, before it is submitted; refused where a hold came meanwhile.",
        ),
        (
            "transaction Promotions: update line, update record, create log, update todo",
            "Succeeded: the environment's current image, the record, the history, and what follows.",
        ),
    ),
    "after": (
        ("update Evidence image", "The arrival in the target, on the version that was read above."),
        ("query Promotions line", "The next rule: the lines of the environment that it has arrived in ..."),
        ("query Promotions line", "... and of the one that it goes to."),
        ("transaction Promotions: create claim, update candidate", "There it waits for the next gate."),
        ("delete Promotions todo", "Nothing is left to do."),
    ),
}


def written(page: str, before: Results, results: Results) -> str:
    """The page with both parts anew.

    Raises:
        KeyError: An operation has no reason here, or one that has is made no more.
    """
    return with_parts(page, {"figures": figures(before, results), "operations": explained(results.counts)})


def figures(before: Results, results: Results) -> str:
    """The figures as Markdown, each with the median and the middle half of its samples."""
    earlier = {figure.name: figure for figure in before.figures}
    rows = ["| figure | before | now | goal |", "|---|---|---|---|"]
    for figure in results.figures:
        was = earlier.get(figure.name)
        title = f"{figure.title}<br>against {figure.against}" if figure.against else figure.title
        shown = _shown(was) if was else ""
        rows.append(f"| {title} | {shown} | {_shown(figure)} | {figure.goal}{_REACHED[figure.is_reached]} |")
    notes = [f"- {figure.title}: {figure.note}." for figure in results.figures if figure.note]
    measured = (
        f"Before: {before.at:%Y-%m-%d %H:%M}, now: {results.at:%Y-%m-%d %H:%M} UTC, on {results.machine}."
    )
    return "\n".join([*rows, "", measured, "Of the run of now:", "", *notes])


def explained(counts: Mapping[str, Any]) -> str:
    """The storage operations of one automatic promotion, one by one, as Markdown.

    Raises:
        KeyError: They are not those that are explained here.
    """
    return "\n".join(_operations(counts[_SCENARIO]))


def _operations(steps: Mapping[str, Any]) -> Iterator[str]:
    total = 0
    for step, what in _STEPS.items():
        made, whys = steps[step]["operations"], _WHY[step]
        if made != [name for name, _ in whys]:
            message = f"{step}: {made} are not explained in benchmarks/page.py"
            raise KeyError(message)
        yield from ("", f"**{what}: {len(made)}**", "", "| | operation | why |", "|---|---|---|")
        for name, why in whys:
            total += 1
            yield f"| {total} | {name} | {why} |"
        if triggers := steps[step]["trigger"]:
            yield from ("", f"Its trigger's own: {', '.join(triggers)}.")


def _shown(figure: Figure) -> str:
    low, high = figure.spread
    spread = f" ({number(low)} - {number(high)})" if len(figure.samples) > 1 else ""
    return f"{number(figure.median)} {figure.unit}".rstrip() + spread
