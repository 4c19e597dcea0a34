"""What the API answers, as people read it.

Fields that a server does not know yet are left out, and ones that are new are not shown. Texts come from
whoever reported, pushed or promoted: no control character of theirs reaches the terminal.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from promoter.cli.ends import Json
from promoter.cli.times import local, relative, span

STYLES = {
    "succeeded": "green",
    "qualified": "green",
    "met": "green",
    "pending": "yellow",
    "importing": "yellow",
    "waiting": "yellow",
    "failed": "red",
    "refused": "red",
    "overridden": "red",
    "superseded": "dim",
}
_STATES = {
    "met": ("✔", "met"),
    "pending": ("…", "not yet"),
    "refused": ("✘", "refused"),
    "overridden": ("!", "overridden"),
}
_DIGITS = 12
_SHORT = {"ENVIRONMENT", "CURRENT", "DIGEST", "TO", "SINCE", "WHEN", "BY"}


def clean(value: object) -> str:
    """A text of the server's, with what would steer the terminal made visible."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(value)
    )


def short(digest: str) -> str:
    """Enough of a digest to tell two apart."""
    algorithm, _, digits = clean(digest).partition(":")
    return f"{algorithm}:{digits[:_DIGITS]}"


def image(document: Json) -> str:
    """The image of a record or a candidate, by its tag."""
    return clean(f"{document['repository']}:{document['tag']}")


def path(repository: str) -> str:
    """A repository as one segment of a URL's path."""
    return repository.replace("/", ":")


def lines(items: Sequence[Json], now: datetime) -> RenderableType:
    """What runs where."""
    if not items:
        return Text("Nothing runs anywhere yet, as far as Promoter knows: `promoter adopt` names what does.")
    table = _table("ENVIRONMENT", "REPOSITORY", "CURRENT", "DIGEST", "STATE")
    for each in items:
        current = each.get("current")
        table.add_row(
            clean(each["environment"]),
            _on_track(each),
            clean(current["tag"]) if current else "-",
            short(current["digest"]) if current else "-",
            Text("\n").join(_state(each, now)) or Text("-", "dim"),
        )
    return table


def records(items: Sequence[Json], now: datetime, cursor: str | None) -> RenderableType:
    """The history, newest first, and how to see more of it."""
    if not items:
        return Text("Nothing has been promoted there yet.")
    table = _table("WHEN", "IMAGE", "WHAT", "BY", "RECORD")
    for each in items:
        when = relative(each.get("completedAt") or each["createdAt"], now, 1)
        table.add_row(when, image(each), _what(each), clean(_by(each)), clean(each["id"]))
    if cursor is None:
        return table
    return Group(table, Text(f"There is more: --cursor {clean(cursor)}, or a higher --limit", "dim"))


def candidates(items: Sequence[Json], now: datetime) -> RenderableType:
    """What waits, and for what."""
    if not items:
        return Text("Nothing waits.")
    table = _table("TO", "IMAGE", "DIGEST", "SINCE", "WAITS FOR")
    for each in items:
        table.add_row(
            clean(each["environment"]),
            image(each),
            short(each["digest"]),
            relative(each["since"], now, 1),
            Text("\n").join(_wants(each, now)),
        )
    return table


def record(document: Json, now: datetime) -> RenderableType:
    """One record, whole."""
    grid = Table.grid(padding=(0, 2))
    for name, value in _facts(document, now):
        grid.add_row(Text(name, "dim"), value)
    decision_ = document.get("decision")
    return Group(grid, Text(), decision(decision_, now, "Decided on")) if decision_ else grid


def decision(document: Json, now: datetime, title: str) -> RenderableType:
    """A decision, condition by condition."""
    outcome, rule = clean(document["outcome"]), document.get("rule")
    head = Text.assemble(clean(title), ": ", (outcome, STYLES.get(outcome, "")))
    if rule:
        head.append(f" (rule {clean(rule)})")
    told: list[RenderableType] = [head, *conditions(document["conditions"], now)]
    if earliest := document.get("earliest"):
        told.append(Text(f"  Earliest: {local(earliest)}, {relative(earliest, now)}"))
    return Group(*told)


def conditions(items: Iterable[Json], now: datetime) -> Iterator[RenderableType]:
    """Conditions as a list: how each stands, in a symbol and in words."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    for each in items:
        state = "overridden" if each.get("overridden") else each["state"]
        symbol, word = _STATES.get(state, ("?", clean(state)))
        known = {"from": each.get("earliest"), "until": each.get("until")}
        times = [f"{word} {local(at)}, {relative(at, now)}" for word, at in known.items() if at]
        text = Text(clean(each["text"]) + (f" ({'; '.join(times)})" if times else ""))
        if found := _evidence(each.get("evidence")):
            text.append(f"\n{found}", "dim")
        grid.add_row(Text(f"  {symbol} {word}", STYLES.get(state, "")), text)
    yield grid


def moved(document: Json, *, already: bool = False) -> Text:
    """How a promotion stands, in a few words."""
    text = (
        Text(f"{clean(document['environment'])} runs {image(document)} already")
        if already
        else going(document)
    )
    if failure := document.get("failure"):
        text.append(f": {clean(failure['message'])}")
    elif document.get("completedAt") and not already:
        text.append(f" after {_took(document)}")
    return text.append(f" (record {clean(document['id'])})", "dim")


def going(document: Json) -> Text:
    """What a promotion is at."""
    return Text.assemble(f"{image(document)} to {clean(document['environment'])}: ", _what(document))


def waits(document: Json, now: datetime) -> Text:
    """What a candidate waits for, in one line."""
    head = Text(f"{image(document)} to {clean(document['environment'])} ")
    text = head.append_text(unmet(document["decision"], now))
    return text.append(f"; {requested}", "dim") if (requested := _requested(document)) else text


def unmet(decision: Json, now: datetime) -> Text:
    """What stands in the way, in one line."""
    outcome = clean(decision["outcome"])
    told = "; ".join(_sentence(each, now) for each in _unmet(decision))
    return Text.assemble((outcome, STYLES.get(outcome, "")), f": {told}" if told else "")


def reported(document: Json) -> Text:
    """A gate result as it was taken."""
    result = document["result"]
    text = Text(
        f"{clean(result['gate'])} in {clean(result['environment'])} {clean(result['verdict'])}: "
        f"{clean(document['repository'])}@{short(document['digest'])}"
    )
    if note := document.get("note"):
        text.append(f"\n{clean(note)}", "yellow")
    return text


def _facts(document: Json, now: datetime) -> Iterator[tuple[str, Text]]:
    yield "record", Text(clean(document["id"]))
    yield "image", Text(f"{image(document)}\n{clean(document['digest'])}")
    source = document.get("from")
    yield "to", Text(clean(document["environment"]) + (f", from {clean(source)}" if source else ""))
    yield "what", _what(document)
    if failure := document.get("failure"):
        yield "failure", Text(f"{clean(failure['message'])} ({clean(failure['code'])})", STYLES["failed"])
    yield "by", Text(clean(_by(document)))
    if override := document.get("override"):
        yield "override", Text(clean(f"{', '.join(override['conditions'])}: {override['reason']}"), "red")
    if reason := document.get("reason"):
        yield "reason", Text(clean(reason))
    yield "asked", Text(f"{local(document['createdAt'])}, {relative(document['createdAt'], now)}")
    if completed := document.get("completedAt"):
        yield "ended", Text(f"{local(completed)}, after {_took(document)}")
    for name, key in (("replaces", "replaces"), ("rolls back to", "rollbackOf"), ("retries", "retryOf")):
        if value := document.get(key):
            yield name, Text(clean(value))


def _table(*columns: str) -> Table:
    """A table that loses nothing where it is narrow: what people copy is broken last, and never cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in _SHORT)
    return table


def _on_track(line: Json) -> str:
    track = line.get("track", "main")
    return clean(line["repository"]) + ("" if track == "main" else f" (track {clean(track)})")


def _state(line: Json, now: datetime) -> Iterator[Text]:
    current = line.get("current") or {}
    if since := current.get("since"):
        yield Text(f"came {relative(since, now, 1)}, by {clean(_by(current))}", "dim")
    if hold := line.get("hold"):
        since = f"on hold, {relative(hold['at'], now, 1)}, by {clean(hold['actor']['name'])}: "
        yield Text(since + clean(hold["reason"]), "yellow")
    if flying := line.get("inFlight"):
        yield Text(f"{clean(flying)} under way")
    for veto in line.get("vetoes") or ():
        yield Text(f"{short(veto['digest'])} is vetoed, {relative(veto['at'], now, 1)}", "dim")
    for drift in line.get("drift") or ():
        tag = f" {clean(drift['tag'])}" if drift.get("tag") else ""
        text = (
            f"drift, {relative(drift['at'], now, 1)}: {clean(drift['change'])}{tag} {short(drift['digest'])}"
        )
        yield Text(text, "red")


def _what(document: Json) -> Text:
    phase = clean(document["phase"])
    return Text.assemble(f"{clean(document['kind'])} ", (phase, STYLES.get(phase, "")))


def _by(document: Json) -> str:
    return str((document.get("actor") or {}).get("name", "-"))


def _took(document: Json) -> str:
    start, end = (datetime.fromisoformat(document[key]) for key in ("createdAt", "completedAt"))
    return span(end - start)


def _unmet(decision: Json) -> list[Json]:
    return [each for each in decision["conditions"] if each["state"] != "met" and not each.get("overridden")]


def _wants(candidate: Json, now: datetime) -> Iterator[Text]:
    for each in _unmet(candidate["decision"]):
        yield Text(_sentence(each, now), STYLES.get(each["state"], ""))
    if requested := _requested(candidate):
        yield Text(requested, "dim")


def _requested(candidate: Json) -> str:
    requested = candidate.get("requested")
    return f"asked for by {clean(requested['actor']['name'])}: it goes ahead by itself" if requested else ""


def _sentence(condition: Json, now: datetime) -> str:
    """A condition in a few words: as it was judged then, and how far away its time is now."""
    earliest = condition.get("earliest")
    return clean(condition["text"]) + (f" ({relative(earliest, now)})" if earliest else "")


def _evidence(found: Json | list[Json] | None) -> str:
    """What a gate has reported beside what its condition's sentence says; approvals say all there."""
    if not isinstance(found, dict):
        return ""
    return clean(" · ".join(str(found[key]) for key in ("evidence", "url") if found.get(key)))
