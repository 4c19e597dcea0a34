"""Events in both of Event Grid's schemas: those of a registry, and those that were published to a topic."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import uuid4

import msgspec

from emulator.clock import stamp
from emulator.store.manifest import Manifest
from emulator.store.names import Repository, Tag

CUSTOM_TOPICS = "/providers/Microsoft.EventGrid/topics/"


class Schema(StrEnum):
    """How events are written: what a topic takes, and what a subscription is sent."""

    EVENT_GRID = "eventgrid"
    CLOUD_EVENTS = "cloudevents"


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


class Event(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An event in the Event Grid schema (Microsoft Learn: Container Registry as an Event Grid source).

    One that was published as a CloudEvent is kept as it came, beside what filters look at. Event Grid
    delivers it in no other schema (Microsoft Learn: Event schema compatibility).
    """

    id: str
    topic: str
    subject: str
    event_type: str
    event_time: str
    data: object
    data_version: str = "1.0"
    metadata_version: str = "1"
    cloud_event: dict[str, object] | None = None

    @property
    def source(self) -> str:
        """The name of the registry or custom topic."""
        return self.topic.rpartition("/")[2]

    @property
    def is_custom(self) -> bool:
        """Whether it was published to a custom topic."""
        return CUSTOM_TOPICS in self.topic

    def as_published(self) -> dict[str, object]:
        """The event in the schema that it was raised or published in."""
        return self.in_event_grid_schema() if self.cloud_event is None else self.cloud_event

    def in_schema(self, schema: Schema) -> dict[str, object]:
        """The event as a subscription is sent it."""
        return self.in_cloud_events_schema() if schema is Schema.CLOUD_EVENTS else self.as_published()

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
        return self.cloud_event or {
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
