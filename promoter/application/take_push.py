"""A push or deletion in a registry, as Event Grid tells it."""

import logging
from collections import Counter
from datetime import datetime
from enum import StrEnum

import msgspec

from promoter.application.app import App, while_it_changes
from promoter.application.consider import judge
from promoter.application.documents import replaced
from promoter.application.ports import Write
from promoter.application.records import find_record
from promoter.application.tell import say
from promoter.application.work import Work
from promoter.domain.errors import InvalidError
from promoter.domain.evidence import MAX_CLOCK_SKEW, Arrival, Evidence
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.line import Drift, Line, LineKey
from promoter.domain.policy import Environment

unknown_registries: Counter[str] = Counter()
"""How many events came to this process from registries that the policy does not name."""


class Change(StrEnum):
    """What happened to the image."""

    PUSHED = "pushed"
    DELETED = "deleted"


class RegistryEvent(msgspec.Struct, frozen=True):
    """What happened in a registry.

    Attributes:
        registry: The registry's ARM resource id.
        server: The host that was pushed to; what a registry outside the tenant is known by.
        tag: None for what has none: a child of an index, or a manifest that was deleted by its digest.
        at: When the registry did it, by its own clock.
    """

    change: Change
    registry: str
    repository: Repository
    digest: Digest
    tag: Tag | None
    at: datetime
    server: str = ""


async def take_push(app: App, event: RegistryEvent) -> list[Work]:
    """Store what happened, and act on it.

    Returns:
        The lines to be woken.

    Raises:
        InvalidError: The push is dated in the future.
    """
    environment = app.policy.environment_of_registry(event.registry, event.server)
    if environment is None:
        _tell_unknown(event.registry)
        return []
    if event.tag is not None and event.tag.names_referrer:
        return []
    if app.policy.is_target(environment.name):
        await while_it_changes(lambda: _watch(app, environment, event))
        return []
    if event.tag is None or event.change is Change.DELETED:
        return []
    if event.at > app.clock.now() + MAX_CLOCK_SKEW:
        message = f"{event.at} is ahead of now by more than {MAX_CLOCK_SKEW}; nothing could be newer"
        raise InvalidError(message, "data.timestamp")
    arrival = Arrival(environment.name, event.tag, first_at=event.at, last_at=event.at, pushed_at=event.at)
    unknown = Evidence(Image(event.repository, event.digest))  # as most that are pushed are
    evidence = await app.evidence.add(unknown, arrival)
    is_new = evidence == replaced(unknown.plus(arrival), version=evidence.version)
    return await judge(
        app, evidence, lambda rule: rule.source == environment.name, arrival if is_new else None
    )


def _tell_unknown(registry: str) -> None:
    """Count what comes from a registry that the policy does not name, and tell of each such registry once."""
    unknown_registries[registry.lower()] += 1
    if unknown_registries[registry.lower()] == 1:
        words = "events of a registry that the policy does not name are acknowledged and dropped"
        say(logging.WARNING, "unknown-registry", words, registry=registry)


async def _watch(app: App, environment: Environment, event: RegistryEvent) -> None:
    """In a target environment, what is not Promoter's own doing is drift, and shown as that."""
    lines = await app.lines(environment.name, event.repository)
    line = await _concerned(app, environment, event, lines)
    if line is None or await _is_echo(app, environment, event, lines):
        return
    drift = Drift(change=event.change, digest=event.digest, at=event.at, tag=event.tag)
    drifted = line.with_drift(drift)
    if drifted is not line:
        await app.commit(Write(drifted))
        say(
            logging.WARNING,
            "drift",
            f"{line.line_key}: drift: {event.digest.short} was {event.change}",
            trace=event.digest.trace,
            environment=environment.name,
            repository=event.repository,
            tag=event.tag,
            digest=event.digest,
            change=event.change,
        )


async def _concerned(
    app: App, environment: Environment, event: RegistryEvent, lines: tuple[Line, ...]
) -> Line | None:
    """The line that an event is about; None where it is about none."""
    if event.change is Change.DELETED:
        return next((line for line in lines if line.current and line.current.digest == event.digest), None)
    if event.tag is None:
        return None
    for line in lines:
        if event.tag == environment.pointer_of(line.track):
            return line
    for rule in app.policy.rules_to(environment.name, event.repository, event.tag):
        return await app.line(LineKey(environment.name, event.repository, rule.track))
    return None


async def _is_echo(app: App, environment: Environment, event: RegistryEvent, lines: tuple[Line, ...]) -> bool:
    """Whether an event tells of what Promoter itself has done, or is doing, in that registry."""
    if event.change is Change.DELETED or event.tag is None:
        return False
    for line in lines:
        current, pointer = line.current, environment.pointer_of(line.track)
        if current and current.digest == event.digest and event.tag in {current.tag, pointer}:
            return True
        if line.queue:
            flying = await app.record(line.line_key, line.queue[0])
            if flying and flying.digest == event.digest and event.tag in {flying.tag, pointer}:
                return True
        if event.tag == pointer:
            return await _is_past(app, line, event.at)
    for rule in app.policy.rules_to(environment.name, event.repository, event.tag):
        claim = await app.claim(rule, event.repository, event.tag)
        if claim is not None and claim.digest == event.digest and claim.sequence is not None:
            return True  # also where what was claimed has failed halfway, and waits to be tried again
    evidence = await app.evidence.load(Image(event.repository, event.digest))
    return evidence.arrival(environment.name, event.tag) is not None


async def _is_past(app: App, line: Line, at: datetime) -> bool:
    """Whether the pointer was read, and right, since: what was done to it before has no effect any more."""
    if line.current is None:
        return False
    verified_at = (await find_record(app, line.current.record)).completed_at
    return verified_at is not None and at <= verified_at
