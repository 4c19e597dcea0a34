"""The stores in memory, which can be told to fail."""

from collections.abc import Sequence
from typing import override

from promoter.application.ports import Change
from promoter.domain.errors import PromoterError, UnavailableError
from promoter.domain.evidence import Evidence, Fact
from promoter.simulation.stores import MemoryEvidenceStore, MemoryPromotionStore


class _Faults:
    """What a store was told to do wrong."""

    def __init__(self) -> None:
        super().__init__()
        self._next: list[tuple[PromoterError | None, bool]] = []

    def fail_next(
        self, error: PromoterError | None = None, *, executed: bool = False, skipping: int = 0
    ) -> None:
        """Let the next write fail, or one after some more; `executed`: although it was carried out."""
        self._next += [(None, True)] * skipping
        self._next.append((error or UnavailableError("the store does not answer"), executed))

    def _take(self) -> tuple[PromoterError | None, bool]:
        return self._next.pop(0) if self._next else (None, True)


class FakeEvidenceStore(_Faults, MemoryEvidenceStore):
    """What is known of images, in memory."""

    @override
    async def add(self, known: Evidence, fact: Fact) -> Evidence:
        error, executed = self._take()
        if executed:
            known = await super().add(known, fact)
        if error is not None:
            raise error
        return known


class FakePromotionStore(_Faults, MemoryPromotionStore):
    """Lines, records, candidates and todos, in memory."""

    @override
    async def commit(self, changes: Sequence[Change]) -> list[str]:
        error, executed = self._take() if changes else (None, True)
        versions = await super().commit(changes) if executed else []
        if error is not None:
            raise error
        return versions
