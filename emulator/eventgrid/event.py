"""The events of a registry, in both of Event Grid's schemas."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

import msgspec

from emulator.clock import stamp
from emulator.store.manifest import Manifest
from emulator.store.names import Repository, Tag


class Action(StrEnum):
    """What happened to an image."""

    PUSH = "push"
    DELETE = "delete"


_TYPES = {
    Action.PUSH: "Microsoft.ContainerRegistry.ImagePushed",
    Action.DELETE: "Microsoft.ContainerRegistry.ImageDeleted",
}


@dataclass(frozen=True)
class Caller:
    """The request that caused an event."""

    method: str
    user_agent: str


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """An event in the Event Grid schema (Microsoft Learn: Container Registry as an Event Grid source)."""

    id: str
    topic: str
    subject: str
    event_type: str
    event_time: str
    data: dict[str, object]
    data_version: str = "1.0"
    metadata_version: str = "1"

    def in_event_grid_schema(self) -> dict[str, object]:
        """The event as the Event Grid schema has it."""
        return {
            "id": self.id,
            "topic": self.topic,
            "subject": self.subject,
            "eventType": self.event_type,
            "eventTime": self.event_time,
            "data": self.data,
            "dataVersion": self.data_version,
            "metadataVersion": self.metadata_version,
        }

    def in_cloud_events_schema(self) -> dict[str, object]:
        """The same event as CloudEvents 1.0."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": self.topic,
            "subject": self.subject,
            "type": self.event_type,
            "time": self.event_time,
            "datacontenttype": "application/json",
            "data": self.data,
        }


@dataclass(frozen=True)
class Topic:
    """The registry that events come from."""

    resource_id: str
    login_server: str
    location: str


def image_event(
    action: Action,
    topic: Topic,
    caller: Caller,
    repository: Repository,
    manifest: Manifest,
    tag: Tag | None,
) -> Event:
    """Describe a push or a deletion. Without a tag, as for an index's children, there is no `tag` key."""
    target: dict[str, object] = {
        "mediaType": manifest.media_type,
        "digest": str(manifest.digest),
        "repository": repository,
    }
    if action is Action.PUSH:
        target |= {"size": len(manifest.body), "length": len(manifest.body)}
    if tag:
        target["tag"] = tag
    now = stamp()
    request = {
        "id": str(uuid4()),
        "host": topic.login_server,
        "method": caller.method,
        "useragent": caller.user_agent,
    }
    data: dict[str, object] = {
        "id": str(uuid4()),
        "timestamp": now,
        "action": action,
        "location": topic.location,
        "target": target,
        "request": request,
    }
    subject = _subject(action, repository, manifest, tag)
    return Event(str(uuid4()), topic.resource_id, subject, _TYPES[action], now, data)


def _subject(action: Action, repository: Repository, manifest: Manifest, tag: Tag | None) -> str:
    if action is Action.DELETE:
        return repository
    return f"{repository}:{tag}" if tag else f"{repository}@{manifest.digest}"
