"""Claiming: a qualified image becomes a pending promotion, in one transaction with its line."""

from datetime import datetime, timedelta

from promoter.application.app import App
from promoter.application.documents import (
    Candidate,
    Claim,
    LogEntry,
    Requested,
    drive,
    follow_up,
    record_row,
    replaced,
)
from promoter.application.ports import MAX_DELAY, Change, Delete, Put, Write
from promoter.application.publish import announced
from promoter.application.tell import tell, tell_decision
from promoter.application.work import Consider
from promoter.domain.actor import AUTOMATION
from promoter.domain.condition import Kind, Request
from promoter.domain.decision import Decision
from promoter.domain.evidence import Arrival
from promoter.domain.image import Digest, Image, Tag
from promoter.domain.line import Line
from promoter.domain.policy import PromotionRule
from promoter.domain.promotion import Failure, FailureCode, Phase, Promotion

_EARLY = timedelta(seconds=2)  # a message that comes a little early is taken for the one that was sent for


class Claimant:
    """One image under one rule and tag, and how the rows stand that a claim of it changes."""

    def __init__(
        self, app: App, rule: PromotionRule, image: Image, arrival: Arrival, line: Line, claim: Claim | None
    ) -> None:
        self.app, self.rule, self.image, self.arrival = app, rule, image, arrival
        self.line, self.claim = line, claim
        self.now = app.clock.now()

    async def wait(self, decision: Decision, requested: Requested | None = None) -> Candidate:
        """Store the image as a candidate, with what stands in its way; where time does, it is woken then.

        Args:
            decision: Why it waits.
            requested: Who has asked for it by hand; whoever was first stays.
        """
        line, overtaken = await self._overtake()
        same = self.claim if self._same else None
        claim = self._claim(phase=None, sequence=same.sequence if same else None)
        known = request_of(self.claim, self.image.digest)
        claim = replaced(
            claim,
            requested=known if requested is None or (known and stands(known, line)) else requested,
            wake_at=await self._wake(decision, same.wake_at if same else None),
        )
        candidate = replaced(self._candidate(decision, claim.since), requested=claim.requested)
        changes: list[Change] = [*overtaken, Write(claim), Put(candidate)]
        if overtaken:
            changes.append(Write(line))
        await self.app.commit(*changes)
        self._tell(decision)
        return candidate

    async def _wake(self, decision: Decision, scheduled: datetime | None) -> datetime | None:
        """Have the image judged again when time changes what it waits for, by one message at a time.

        A message cannot be delayed for as long as one likes; whoever is woken before time comes here again.
        """
        due = decision.next_change
        if due is None:
            return None
        if scheduled is not None and self.now + _EARLY < scheduled <= due:
            return scheduled
        at = min(due, self.now + MAX_DELAY)
        await self.app.scheduler.wake(Consider(self.image.repository, self.image.digest), at - self.now)
        return at

    async def promote(self, decision: Decision, requested: Requested | None) -> Promotion:
        """Claim a promotion of the image: it is pending from now on, and the line's to bring to its end.

        Args:
            decision: Why it qualifies.
            requested: Who has asked for it by hand; None where it is automation's.
        """
        line, changes = await self._overtake()
        line = line.with_claim()
        record = Promotion(
            environment=line.environment,
            repository=line.repository,
            track=line.track,
            sequence=line.sequence,
            kind=Kind.MANUAL if requested else Kind.AUTOMATIC,
            tag=self.arrival.tag,
            digest=self.image.digest,
            source=self.rule.source,
            rule=self.rule.name,
            actor=requested.actor if requested else AUTOMATION,
            reason=requested.reason if requested else None,
            created_at=self.now,
            pushed_at=self.arrival.pushed_at,
            terms=self.app.policy.part(self.rule),
            policy_hash=self.app.policy.hash,
            replaces=line.current.record if line.current else None,
            retry_of=(requested.retry_of if requested else None) or self._retry_of,
            only_forward=requested is not None and requested.only_forward,
            override=requested.override if requested else None,
            decision=decision.kept,
        )
        changes += [Write(line), Write(record), Write(drive(record)), *announced(self.app, record)]
        if not self._is_behind:
            changes.append(Write(self._claim(phase=Phase.PENDING, sequence=record.sequence)))
            if self.claim and self.claim.waits:
                changes.append(Delete(self._candidate(decision, self.now)))
        await self.app.commit(*changes)
        self._tell(decision)
        tell(record)
        return record

    def _tell(self, decision: Decision) -> None:
        image = self.image
        tell_decision(self.rule.target, image.repository, self.arrival.tag, image.digest, decision)

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
            source=self.rule.source,
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
            decision=decision.kept,
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
        if (earlier.tag, earlier.digest) != (claim.tag, claim.digest):
            return line, []  # the rule has changed its track: the number is another line's
        failure = Failure(FailureCode.OVERTAKEN, f"{self.image.digest.short} was pushed as {claim.tag} since")
        ended = earlier.ended(Phase.SUPERSEDED, self.now, failure)
        return line.without(earlier.sequence), ending(self.app, ended)


def request_of(claim: Claim | None, digest: Digest) -> Requested | None:
    """Who has asked by hand for an image that waits."""
    return claim.requested if claim and claim.waits and claim.digest == digest else None


def stands(requested: Requested, line: Line) -> bool:
    """Whether a request counts now: from before a hold, or the rollback that holds the line, it waits too."""
    hold = line.hold
    return hold is None or (requested.at > hold.at and requested.sequence >= line.barrier)


def standing_request(claim: Claim | None, digest: Digest, line: Line) -> Requested | None:
    """Who has asked by hand for an image that waits, where that counts now."""
    requested = request_of(claim, digest)
    return requested if requested and stands(requested, line) else None


def asked_for(rule: PromotionRule, tag: Tag, requested: Requested | None) -> Request:
    """What is to be judged: a person's promotion, or automation's where nobody has asked."""
    if requested is None:
        return Request(Kind.AUTOMATIC, rule.name, tag, AUTOMATION)
    forward = requested.only_forward
    return Request(Kind.MANUAL, rule.name, tag, requested.actor, requested.override, only_forward=forward)


def ending(app: App, ended: Promotion) -> list[Change]:
    """The changes, beside the line's and the claim's, that the end of a promotion is made of."""
    return [
        Write(ended),
        Write(LogEntry(promotion=replaced(ended, version=""))),
        _left_to_do(ended),
        *announced(app, ended),
    ]


def _left_to_do(ended: Promotion) -> Change:
    """That its end is to be followed up, in place of that it is to be driven."""
    if ended.failure is not None and ended.failure.code is FailureCode.OVERTAKEN:
        return Delete(drive(ended))  # the tag is the newer image's by now: nothing follows
    return Put(follow_up(ended))
