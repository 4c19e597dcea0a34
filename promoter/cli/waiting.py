"""Waiting for the server, with `--wait`, and saying meanwhile how it goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

from rich.text import Text

from promoter.cli import view
from promoter.cli.api import TRIES
from promoter.cli.ends import CommandError, Exit, Json
from promoter.cli.session import Session

_ROUND = (
    20.0  # seconds that the server is asked to wait for: at most 60, and soon enough to tell of a new phase
)
_SOONEST = 1.0  # seconds between two questions to a server that answers at once
_ASK_AGAIN = 10.0  # seconds
_RECENT = 20  # records
_ENDS = {"succeeded": Exit.DONE, "failed": Exit.FAILED, "superseded": Exit.FAILED}
_OUTCOMES = {"qualified": Exit.DONE, "waiting": Exit.WAITING, "refused": Exit.FAILED}

type Written = tuple[int, Json]


class Patience:
    """How long may still be waited.

    Attributes:
        given: Whether there is any at all: whether `--wait` was given.
    """

    def __init__(self, seconds: int | None) -> None:
        """Start now."""
        self.given = seconds is not None
        self._until = time.monotonic() + (seconds or 0)

    @property
    def left(self) -> float:
        """Seconds; 0 when it has run out."""
        return max(self._until - time.monotonic(), 0.0)


def end_of(record: Json) -> Exit:
    """The exit code that a promotion's phase means."""
    return _ENDS.get(record["phase"], Exit.WAITING)


def outcome_of(decision: Json) -> Exit:
    """The exit code that a decision's outcome means."""
    return _OUTCOMES.get(decision["outcome"], Exit.WAITING)


def until_ended(session: Session, record: Json, patience: Patience) -> Json:
    """Follow a promotion while it has not ended; the record as it is then."""

    def read(wait: float) -> Json:
        return session.api.get("promotions", record["id"], wait=wait, tries=TRIES)

    return _follow(session, record, read, end_of, view.going, patience)


def until_decided(session: Session, query: Json, patience: Patience) -> Json:
    """Follow a decision while it waits; the decision as it is then."""

    def read(wait: float) -> Json:
        return session.api.get("decisions", query=query, wait=wait, tries=TRIES)

    first = session.api.get("decisions", query=query)
    return _follow(session, first, read, outcome_of, lambda found: view.unmet(found, session.now), patience)


def until_taken(session: Session, ask: Callable[[], Written], patience: Patience) -> Written:
    """Ask for a promotion until nothing is missing that may still come; the answer, or the last one.

    Raises:
        CommandError: It is refused; or it waits for what cannot be foreseen, and patience has run out.
    """
    with _progress(session) as tell:
        while True:
            answer = _asked(ask)
            waits = (answer.answer or {}) if isinstance(answer, CommandError) else answer[1]
            if "phase" in waits or outcome_of(waits["decision"]) is not Exit.WAITING or not patience.left:
                break
            tell(view.unmet(waits["decision"], session.now))
            session.around.pause(min(_ASK_AGAIN, patience.left))
            if (record := _gone_ahead(session, waits)) is not None:
                return HTTPStatus.ACCEPTED, record
    if isinstance(answer, CommandError):
        raise answer
    return answer


def _asked(ask: Callable[[], Written]) -> Written | CommandError:
    """What was answered; also a refusal for want of what may still come."""
    try:
        return ask()
    except CommandError as error:
        if error.exit is Exit.WAITING:
            return error
        raise


def _gone_ahead(session: Session, candidate: Json) -> Json | None:
    """The promotion that a candidate has become by itself: what was asked for is not asked for twice."""
    if not (requested := candidate.get("requested")):
        return None
    where = {name: candidate[name] for name in ("environment", "repository")}
    records: list[Json] = session.api.items("promotions", limit=_RECENT, **where)["items"]
    for record in records:
        is_same = all(record[name] == candidate[name] for name in ("digest", "tag", "rule"))
        if is_same and record["createdAt"] >= requested["at"]:
            return record
    return None


def _follow(
    session: Session,
    document: Json,
    read: Callable[[float], Json],
    end: Callable[[Json], Exit],
    said: Callable[[Json], Text],
    patience: Patience,
) -> Json:
    with _progress(session) as tell:
        while end(document) is Exit.WAITING and patience.left:
            tell(said(document))
            began = time.monotonic()
            document = read(min(patience.left, _ROUND))
            if end(document) is Exit.WAITING and time.monotonic() - began < _SOONEST:
                session.around.pause(min(patience.left, _SOONEST))
    return document


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[Text], None]]:
    """A line that changes in place, on a terminal; elsewhere a line for each change."""
    console, told = session.aside, Text()

    def tell(text: Text) -> None:
        nonlocal told
        if text != told:
            told = text
            console.print(text)

    if not console.is_terminal or console.is_dumb_terminal:
        yield tell
        return
    with console.status("") as status:
        yield status.update
