"""A slot of a site: what it is told to run, and what runs."""

from enum import StrEnum
from typing import Self, override

import msgspec

from emulator.store import names
from emulator.store.names import Reference, Repository

PRODUCTION = "production"
_KIND = "DOCKER|"


class SlotId(msgspec.Struct, frozen=True):
    """Which slot of which site. Compared without case; kept in lower case."""

    site: str
    slot: str = PRODUCTION

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `web`, which is its production slot, or `web/staging`."""
        site, _, slot = text.lower().partition("/")
        return cls(site, slot or PRODUCTION)

    @property
    def is_production(self) -> bool:
        """Whether this is the slot that the site's own address leads to."""
        return self.slot == PRODUCTION

    @override
    def __str__(self) -> str:
        return self.site if self.is_production else f"{self.site}/{self.slot}"


class ContainerImage(msgspec.Struct, frozen=True):
    """What `linuxFxVersion` names: an image in a registry."""

    host: str
    repository: Repository
    reference: Reference

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `DOCKER|host/repository:tag`, or `@digest` in place of the tag.

        Raises:
            ValueError: It names no image that can be pulled here.
            OciError: The repository, tag or digest breaks the grammar.
        """
        if not text.upper().startswith(_KIND):
            message = f"linuxFxVersion is DOCKER|host/repository:tag, not {text!r}"
            raise ValueError(message)
        host, slash, path = text[len(_KIND) :].partition("/")
        if not slash or not ({".", ":"} & set(host) or host == "localhost"):
            message = f"{text!r} names no registry; images of Docker Hub are not reached from here"
            raise ValueError(message)
        name, at, digest = path.partition("@")
        repository, _, tag = name.partition(":")
        reference = digest if at else tag or "latest"
        return cls(host, names.repository(repository), names.reference(reference))


class Phase(StrEnum):
    """How far a slot is with what it is told to run."""

    EMPTY = "empty"  # it is told nothing
    STARTING = "starting"  # the image is pulled
    READY = "ready"  # it answers
    FAILED = "failed"  # the image could not be pulled, or did not answer


class Slot(msgspec.Struct, rename="camel"):
    """What is kept of a slot.

    Attributes:
        config: Its `siteConfig`, as clients wrote it.
        settings: Its application settings.
        phase: How far it is.
        digest: What it runs, while it is ready.
        trouble: Why it does not run.
        sticky: Names of settings that stay with a slot in a swap; kept by the production slot.
    """

    config: dict[str, object] = msgspec.field(default_factory=dict)
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    phase: Phase = Phase.EMPTY
    digest: str | None = None
    trouble: str | None = None
    sticky: list[str] = msgspec.field(default_factory=list)

    @property
    def wanted(self) -> str:
        """The `linuxFxVersion` that it is told; empty where it is told none."""
        return str(self.config.get("linuxFxVersion") or "")
