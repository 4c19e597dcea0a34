"""The one place where ports meet adapters: one application for each process, made when it is first needed."""

import contextlib
import logging
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from promoter.adapters.acr import AzureRegistry
from promoter.adapters.eventgrid import TopicPublisher
from promoter.adapters.identity import Identity
from promoter.adapters.policy_file import load_policy
from promoter.adapters.queue import Queue, QueueScheduler
from promoter.adapters.settings import Access, Settings, SystemClock, load_access, load_settings
from promoter.adapters.tables import Tables
from promoter.application.app import App
from promoter.application.reconcile import notice_policy
from promoter.application.work import Work
from promoter.domain.errors import (
    ConcurrentChangeError,
    PolicyError,
    PromoterError,
    SettingsError,
    UnavailableError,
)

log = logging.getLogger("promoter")

# They log every request with its headers, and Azure's worker passes on whatever is logged: ADR 32.
_TALKATIVE = ("azure.core", "azure.identity")
FOLDER = Path(__file__).resolve().parent.parent


class NotReadyError(PromoterError):
    """The app does not run, since its settings or its policy have problems; it never runs with half a policy.

    Attributes:
        problems: All of them; none for a caller who is not known to be a reader.
    """

    def __init__(self, problems: list[str]) -> None:
        listed = f"{len(problems)} problems" if problems else "the log of its start says why"
        super().__init__(f"Promoter is not ready: {listed}")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Process:
    """What this process works with.

    Attributes:
        settings: The app settings; None where they have problems.
        app: The application; None where the settings or the policy have problems.
        problems: What is wrong; empty where all is well.
        access: How callers are known; None where that cannot be told, and nobody is let in.
        queues: The queues that messages were put back on, by their names.
        noticed: The hash of the policy, once what waits under another one has been woken.
    """

    settings: Settings | None
    identity: Identity | None
    app: App | None
    problems: list[str]
    access: Access | None
    queues: dict[str, Queue] = field(default_factory=dict)
    noticed: set[str] = field(default_factory=set)

    def ready(self) -> App:
        """The application.

        Raises:
            NotReadyError: There is none.
        """
        if self.app is None:
            raise NotReadyError(self.problems)
        return self.app

    def queue(self, name: str) -> Queue:
        """A queue of the app's storage, for a message that cannot be acted upon yet.

        Raises:
            NotReadyError: The settings do not say where the storage is.
        """
        if self.settings is None or self.identity is None:
            raise NotReadyError(self.problems)
        if name not in self.queues:
            self.queues[name] = Queue(self.settings.storage, self.identity, name)
        return self.queues[name]


_process: Process | None = None


def process() -> Process:
    """What this process works with."""
    global _process  # noqa: PLW0603 - a Functions app has no other place for what lives as long as it
    if _process is None:
        _process = _start()
    return _process


def app() -> App:
    """The application.

    Raises:
        NotReadyError: The settings or the policy have problems.
    """
    return process().ready()


async def woken_by_policy() -> list[Work]:
    """What a changed policy wakes: once a process, by the first event or message that it takes."""
    ready, noticed = process().ready(), process().noticed
    if noticed:
        return []
    noticed.add(ready.policy.hash)
    try:
        return await notice_policy(ready)
    except (ConcurrentChangeError, UnavailableError) as error:  # `reconcile` notices it, too
        log.warning("whether the policy has changed is not known yet: %s", error)
        noticed.clear()
        return []


def _start() -> Process:
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    made = _made()
    for problem in made.problems:
        log.error("Promoter is not ready: %s", problem)
    return made


def _made() -> Process:
    access = load_access(os.environ)
    try:
        settings = load_settings(os.environ, FOLDER)
    except SettingsError as error:
        return Process(None, None, None, error.problems, access)
    identity = Identity(settings.client_id, managed=settings.in_azure)
    try:
        policy = load_policy(settings.policy, os.environ)
    except PolicyError as error:
        return Process(settings, identity, None, error.problems, access)
    tables = Tables(settings.storage, identity)
    registry = AzureRegistry(settings.arm_url, identity, os.environ)
    scheduler = QueueScheduler(settings.storage, identity)
    publisher = TopicPublisher(settings.topic, identity) if settings.topic else None
    made = App(
        policy=policy,
        evidence=tables.evidence,
        promotions=tables.promotions,
        registry=registry,
        scheduler=scheduler,
        clock=SystemClock(),
        publisher=publisher,
    )
    process = Process(settings, identity, made, [], access)
    told = [publisher] if publisher else []
    _close_with_the_loop(process, tables, registry, scheduler, *told, identity)
    return process


class _Closable(Protocol):
    async def aclose(self) -> None: ...


_open: list[AsyncGenerator[None]] = []


def _close_with_the_loop(process: Process, *parts: _Closable) -> None:
    """Close every connection when the event loop ends; its generators are the hook that it gives for that."""

    async def open_until_then() -> AsyncGenerator[None]:
        try:
            yield
        finally:
            for part in (*process.queues.values(), *parts):
                await part.aclose()

    generator = open_until_then()
    with contextlib.suppress(StopIteration):
        generator.__anext__().send(None)  # runs to its yield, which makes the loop know it
    _open.append(generator)
