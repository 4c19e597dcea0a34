"""Claiming: a qualified image becomes a pending promotion, in one transaction with its line."""

from datetime import datetime

from promoter.application.app import App
from promoter.application.documents import Candidate, Claim, LogEntry, drive, follow_up, record_row, replaced
from promoter.application.ports import Change, Delete, Put, Write
from promoter.application.publish import announced
from promoter.application.tell import tell
from promoter.domain.condition import Kind
from promoter.domain.decision import Decision
from promoter.domain.evidence import Arrival
from promoter.domain.image import Image
from promoter.domain.line import Actor, Line
from promoter.domain.policy import PromotionRule
from promoter.domain.promotion import Failure, FailureCode, Phase, Promotion


class Claimant:
    """One image under one rule and tag, and how the rows stand that a claim of it changes."""

    def __init__(
        self, app: App, rule: PromotionRule, image: Image, arrival: Arrival, line: Line, claim: Claim | None
    ) -> None:
        self.app, self.rule, self.image, self.arrival = app, rule, image, arrival
        self.line, self.claim = line, claim
        self.now = app.clock.now()

    async def wait(self, decision: Decision) -> None:
        """Store the image as a candidate, with what stands in its way."""
        line, overtaken = await self._overtake()
        same = self.claim if self._same else None
        claim = self._claim(phase=None, sequence=same.sequence if same else None)
        changes: list[Change] = [*overtaken, Write(claim), Put(self._candidate(decision, claim.since))]
        if overtaken:
            changes.append(Write(line))
        await self.app.commit(*changes)

    async def promote(
        self,
        kind: Kind,
        actor: Actor,
        decision: Decision,
        reason: str | None = None,
        *,
        retry_of: str | None = None,
        only_forward: bool = False,
    ) -> Promotion:
        """Claim a promotion of the image: it is pending from now on, and the line's to bring to its end."""
        line, changes = await self._overtake()
        line = line.with_claim()
        record = Promotion(
            environment=line.environment,
            repository=line.repository,
            track=line.track,
            sequence=line.sequence,
            kind=kind,
            tag=self.arrival.tag,
            digest=self.image.digest,
            source=self.rule.source,
            rule=self.rule.name,
            actor=actor,
            reason=reason,
            created_at=self.now,
            pushed_at=self.arrival.pushed_at,
            terms=self.app.policy.part(self.rule),
            policy_hash=self.app.policy.hash,
            replaces=line.current.record if line.current else None,
            retry_of=retry_of or self._retry_of,
            only_forward=only_forward,
            decision=decision,
        )
        changes += [Write(line), Write(record), Write(drive(record)), *announced(self.app, record)]
        if not self._is_behind:
            changes.append(Write(self._claim(phase=Phase.PENDING, sequence=record.sequence)))
            if self.claim and self.claim.waits:
                changes.append(Delete(self._candidate(decision, self.now)))
        await self.app.commit(*changes)
        tell(record)
        return record

    @property
    def _same(self) -> bool:
        return self.claim is not None and self.claim.digest == self.image.digest

    @property
    def _is_behind(self) -> bool:
        """Whether the tag is a newer image's by now: then the claim stays that one's."""
        claim = self.claim
        if claim is None or self._same:
            return False
        return (claim.pushed_at, claim.digest) > (self.arrival.pushed_at, self.image.digest)

    @property
    def _retry_of(self) -> str | None:
        claim = self.claim
        if claim is None or not self._same or claim.sequence is None or not claim.retries:
            return None
        return f"{claim.environment}~{record_row(claim.repository, claim.sequence, self.rule.track)}"

    def _claim(self, phase: Phase | None, sequence: int | None) -> Claim:
        claim, arrival = self.claim, self.arrival
        same = claim if claim and self._same else None
        return Claim(
            version=claim.version if claim else "",
            environment=self.rule.target,
            repository=self.image.repository,
            rule=self.rule.name,
            tag=arrival.tag,
            digest=self.image.digest,
            pushed_at=max(arrival.pushed_at, claim.pushed_at) if claim else arrival.pushed_at,
            since=same.since if same else self.now,
            phase=phase,
            sequence=sequence,
            moved=claim is not None and (claim.moved or same is None),
            retries=same.retries if same else 0,
        )

    def _candidate(self, decision: Decision, since: datetime) -> Candidate:
        return Candidate(
            environment=self.rule.target,
            repository=self.image.repository,
            rule=self.rule.name,
            tag=self.arrival.tag,
            digest=self.image.digest,
            source=self.rule.source,
            pushed_at=self.arrival.pushed_at,
            since=since,
            decision=decision,
            policy_hash=self.app.policy.hash,
        )

    async def _overtake(self) -> tuple[Line, list[Change]]:
        """Supersede the tag's earlier promotion where it has not started: this image is newer."""
        claim, line = self.claim, self.line
        if (
            claim is None
            or claim.phase is not Phase.PENDING
            or self._same
            or self._is_behind
            or claim.sequence not in line.queue
        ):
            return line, []
        earlier = await self.app.record(line.line_key, claim.sequence)
        if earlier is None or earlier.phase is not Phase.PENDING:
            return line, []
        if (earlier.rule, earlier.tag, earlier.digest) != (claim.rule, claim.tag, claim.digest):
            return line, []  # the rule has changed its track: the number is another line's
        failure = Failure(FailureCode.OVERTAKEN, f"{self.image.digest.short} was pushed as {claim.tag} since")
        ended = earlier.ended(Phase.SUPERSEDED, self.now, failure)
        return line.without(earlier.sequence), ending(self.app, ended)


def ending(app: App, ended: Promotion) -> list[Change]:
    """The changes, beside the line's and the claim's, that the end of a promotion is made of."""
    return [
        Write(ended),
        Write(LogEntry(promotion=replaced(ended, version=""))),
        Delete(drive(ended)),
        Write(follow_up(ended)),
        *announced(app, ended),
    ]
