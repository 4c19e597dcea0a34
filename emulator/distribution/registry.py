"""One registry: its content, and the events that changing it raises."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Self, override

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.eventgrid.event import Action, Caller, Event, Topic, image_event
from emulator.store.blobs import BlobFiles
from emulator.store.content import Content
from emulator.store.credentials import Credentials
from emulator.store.database import Database
from emulator.store.listing import Listing
from emulator.store.locks import Locks, Permission
from emulator.store.manifest import Manifest
from emulator.store.names import Digest, Repository, Tag
from emulator.store.uploads import Uploads

type Raise = Callable[[Event], None]

_RESOURCE_ID = re.compile(
    r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/Microsoft\.ContainerRegistry/registries/([^/]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class ResourceId:
    """Which Azure resource a registry is. Compared without case."""

    subscription: str
    resource_group: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read a registry's resource id; None where it is none."""
        match = _RESOURCE_ID.fullmatch(text.rstrip("/"))
        return cls(*match.groups()) if match else None

    def same_as(self, other: Self) -> bool:
        """Compare as Resource Manager does."""
        return str(self).lower() == str(other).lower()

    @override
    def __str__(self) -> str:
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.ContainerRegistry/registries/{self.name}"
        )


class Registry:
    """A registry. Whatever changes in it is written in one transaction with the event that tells of it."""

    def __init__(
        self,
        resource_id: ResourceId,
        topic: Topic,
        switches: RegistrySwitches,
        database: Database,
        blobs: BlobFiles,
        raise_event: Raise,
    ) -> None:
        self.resource_id, self.name = resource_id, resource_id.name
        self.switches = switches
        self.tls_login_server: str | None = None
        self.credentials = Credentials(self.name, database)
        self.topic, self.login_server, self.location = topic, topic.login_server, topic.location
        self.blobs = blobs
        self.locks = Locks(self.name, database)
        self.content = Content(self.name, database, self.locks)
        self.listing = Listing(self.name, database)
        self.uploads = Uploads(self.name, database, blobs)
        self._database, self._raise = database, raise_event

    @property
    def auth(self) -> Auth:
        """Whom the registry lets in."""
        return self.switches.auth

    @property
    def referrers(self) -> bool:
        """Whether it has the referrers API."""
        return self.switches.referrers

    @property
    def login_servers(self) -> set[str]:
        """The names that it goes by, in lower case."""
        return {self.login_server.lower(), (self.tls_login_server or self.login_server).lower()}

    def login_server_for(self, scheme: str) -> str:
        """Give the login server that serves by `http` or `https`."""
        return self.tls_login_server if scheme == "https" and self.tls_login_server else self.login_server

    def push(self, repository: Repository, manifest: Manifest, tags: list[Tag], caller: Caller) -> None:
        """Store a manifest that is complete, let tags hold it, and raise ImagePushed for each, or once.

        Raises:
            OciError: 405, where something is locked; nothing is changed.
        """
        with self._database.transaction():
            self.content.put(repository, manifest)
            for tag in tags:
                self.content.put_tag(repository, tag, manifest.digest)
            self.announce_push(repository, manifest, tags, caller)

    def announce_push(
        self, repository: Repository, manifest: Manifest, tags: list[Tag], caller: Caller
    ) -> None:
        """Raise ImagePushed for each tag, or once without a tag."""
        named: Sequence[Tag | None] = tags or [None]
        for tag in named:
            self._raise(image_event(Action.PUSH, self.topic, caller, repository, manifest, tag))

    def delete(self, repository: Repository, digest: Digest, caller: Caller) -> None:
        """Delete a manifest with its tags, and raise ImageDeleted.

        Deleting a tag alone raises nothing (Microsoft Learn: container registry webhook reference).

        Raises:
            OciError: MANIFEST_UNKNOWN; 405 where something is locked.
        """
        with self._database.transaction():
            manifest = self.content.delete(repository, digest)
            self._raise(image_event(Action.DELETE, self.topic, caller, repository, manifest, None))

    def delete_repository(self, repository: Repository, caller: Caller) -> tuple[list[Digest], list[Tag]]:
        """Delete all that a repository holds, and give what that was.

        Raises:
            OciError: NAME_UNKNOWN; 405 where something is locked; then nothing is deleted.
        """
        with self._database.transaction():
            self.listing.require(repository)
            self.locks.require(Permission.DELETE, repository)
            tags, digests = self.content.tags(repository), self.content.digests(repository)
            for digest in digests:
                self.delete(repository, digest, caller)
            self.content.delete_blobs(repository)
            self.locks.forget(repository, None)
        return digests, tags


def without_tls(uri: str, registries: Iterable[Registry]) -> str:
    """Write the address of a registry of this emulator without TLS, so that none needs to trust it."""
    host = uri.removeprefix("https://").strip("/").lower()
    mine = (registry for registry in registries if registry.tls_login_server == host)
    return next((f"http://{registry.login_server}" for registry in mine), uri)
