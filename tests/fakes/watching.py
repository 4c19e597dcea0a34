"""A promotion store that sees every change, and holds it against what must always hold."""

from collections.abc import Callable, Sequence
from typing import override

from promoter.application.documents import PREFIX, row_key
from promoter.application.ports import Change, Delete
from promoter.domain.codec import decode
from promoter.domain.condition import Kind
from promoter.domain.document import Document
from promoter.domain.image import Digest
from promoter.domain.line import Line
from promoter.domain.promotion import Phase, Promotion
from tests.fakes.stores import FakePromotionStore

type Serves = Callable[[Promotion], Digest | None]


class WatchingStore(FakePromotionStore):
    """Asserts I1, I4, I5 and I6 of the design at the moment of each commit."""

    def __init__(self, serves: Serves) -> None:
        """Watch; `serves` tells what a promotion's target registry has under its tag now."""
        super().__init__()
        self._serves = serves

    @override
    def _apply(self, changes: Sequence[Change]) -> list[str]:
        before = {id(change): self._stored(change) for change in changes}
        versions = super()._apply(changes)
        lines = [change.row for change in changes if isinstance(change.row, Line)]
        for change in changes:
            was = before[id(change)]
            if isinstance(change.row, Promotion):
                assert not isinstance(change, Delete), "history is append-only"
                self._check_record(was if isinstance(was, Promotion) else None, change.row, lines)
            if isinstance(change.row, Line):
                records = [each.row for each in changes if isinstance(each.row, Promotion)]
                _check_line(
                    was if isinstance(was, Line) else Line.new(change.row.line_key), change.row, records
                )
        return versions

    def _stored(self, change: Change) -> Document | None:
        stored = self._partitions.get(change.row.environment, {})
        found = stored.get(f"{PREFIX[type(change.row)]}~{row_key(change.row)}")
        return decode(found.text, type(change.row)) if found else None

    def _check_record(self, was: Promotion | None, record: Promotion, lines: list[Line]) -> None:
        if was is not None and was.phase is not record.phase:
            assert was.phase.may_become(record.phase), f"{record.id}: {was.phase} became {record.phase}"
        if was is not None:
            assert not was.phase.is_terminal, f"{record.id} was {was.phase}, and was written again"
        started = record.phase is Phase.IMPORTING and (was is None or was.phase is Phase.PENDING)
        if record.kind is Kind.AUTOMATIC:
            assert record.decision is not None
            assert record.decision.qualified, f"{record.id} was not qualified"
        if was is None:
            _check_claim(record)
        if started and record.kind is Kind.AUTOMATIC:
            [line] = lines
            assert line.hold is None, f"{record.id} passed a hold"
            assert line.vetoed(record.digest) is None, f"{record.id} is vetoed"
        if record.phase is Phase.SUCCEEDED and record.kind is not Kind.ROLLBACK:
            assert self._serves(record) == record.digest, f"{record.id} is not served"


def _check_claim(record: Promotion) -> None:
    """A promotion is claimed outside of freezes, on the word of enough people who had not asked for it."""
    rule, overridden = record.rule_terms, record.override.conditions if record.override else ()
    if rule is None or record.decision is None or record.kind is Kind.ROLLBACK:
        return
    frozen = [window.name for window in rule.freeze if window.end(record.created_at) is not None]
    assert not frozen or "freeze" in overridden, f"{record.id} was claimed in {frozen}"
    if rule.approvals is not None and "approval" not in overridden:
        said = [each.evidence for each in record.decision.conditions if each.kind == "approval"]
        approvers = {each.actor.id for found in said if isinstance(found, tuple) for each in found}
        assert len(approvers) >= rule.approvals.count, f"{record.id} was approved by {approvers}"
        assert record.actor.id not in approvers, f"{record.id} was approved by who had asked for it"


def _check_line(was: Line, line: Line, records: list[Promotion]) -> None:
    assert line.sequence >= was.sequence
    if line.current == was.current or line.current is None:
        return
    [record] = [each for each in records if each.id == line.current.record]
    assert record.phase is Phase.SUCCEEDED
    if record.kind is Kind.AUTOMATIC or record.only_forward:
        versioned = record.rule_terms.versioned(record.tag) if record.rule_terms else None
        assert was.is_newer(record.digest, record.pushed_at, versioned), f"{record.id} moved current back"
