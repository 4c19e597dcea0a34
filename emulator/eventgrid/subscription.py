"""Who wants which events, and how they are to be delivered."""

import re
from enum import StrEnum

import msgspec

from emulator.eventgrid.event import Event, Schema

_CONTAINER = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
_MOST_HEADERS = 10
_LONGEST_HEADER = 4096
_RANGES = {
    "max_delivery_attempts": (1, 30),
    "event_time_to_live_in_minutes": (1, 1440),
    "max_events_per_batch": (1, 5000),
    "preferred_batch_size_in_kilobytes": (1, 1024),
}


class Subscription(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An event subscription with a webhook, as `PUT /emulator/subscriptions/{name}` takes it.

    Attributes:
        endpoint: The webhook's address.
        schema: How events are delivered.
        registries: Names of the registries whose events are wanted; where `topics` are named too, none is
            none, else none is all.
        topics: Names of the custom topics whose events are wanted.
        event_types: Types that are wanted; empty is all.
        subject_begins_with: What the subject must begin with.
        subject_ends_with: What it must end with.
        is_subject_case_sensitive: Whether these two heed case.
        max_delivery_attempts: After as many, an event is dead; 1 to 30.
        event_time_to_live_in_minutes: As old, an event is dead; 1 to 1440.
        max_events_per_batch: So many events in one delivery; 1 to 5000.
        preferred_batch_size_in_kilobytes: A delivery of several events is no larger; 1 to 1024.
        delivery_headers: Headers of each delivery, by name.
        dead_letter_container: A blob container for dead letters; None is the folder.
    """

    endpoint: str
    schema: Schema = Schema.EVENT_GRID
    registries: list[str] = []
    topics: list[str] = []
    event_types: list[str] = []
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    is_subject_case_sensitive: bool = False
    max_delivery_attempts: int = 30
    event_time_to_live_in_minutes: int = 1440
    max_events_per_batch: int = 1
    preferred_batch_size_in_kilobytes: int = 64
    delivery_headers: dict[str, str] = {}
    dead_letter_container: str | None = None

    def __post_init__(self) -> None:
        """Check what the types do not say."""
        if not self.endpoint.startswith(("http://", "https://")):
            message = f"endpoint is not an address that begins with http:// or https://: {self.endpoint}"
            raise ValueError(message)
        for field, (low, high) in _RANGES.items():
            if not low <= getattr(self, field) <= high:
                message = f"{_in_camel_case(field)} is from {low} to {high}, not {getattr(self, field)}"
                raise ValueError(message)
        container = self.dead_letter_container
        if container is not None and not _CONTAINER.fullmatch(container):
            message = f"deadLetterContainer is 3 to 63 lower-case letters, digits, hyphens, not {container!r}"
            raise ValueError(message)
        self._check_headers()

    def _check_headers(self) -> None:
        if len(self.delivery_headers) > _MOST_HEADERS:
            message = f"deliveryHeaders are at most {_MOST_HEADERS}, not {len(self.delivery_headers)}"
            raise ValueError(message)
        for name, value in self.delivery_headers.items():
            if name.lower().startswith("aeg-"):
                message = f"deliveryHeaders: names that begin with aeg- are Event Grid's own: {name}"
                raise ValueError(message)
            if not (name.isascii() and name.replace("-", "").isalnum()):
                message = f"deliveryHeaders: {name!r} is no name of a header"
                raise ValueError(message)
            if len(value) > _LONGEST_HEADER or not value.isprintable():
                message = f"deliveryHeaders: {name} is one line of at most {_LONGEST_HEADER} characters"
                raise ValueError(message)

    def wants(self, event: Event) -> bool:
        """Tell whether an event passes the filters."""
        return (
            self._wants_source(event)
            and (not self.event_types or event.event_type in self.event_types)
            and self._case(event.subject).startswith(self._case(self.subject_begins_with))
            and self._case(event.subject).endswith(self._case(self.subject_ends_with))
        )

    def _wants_source(self, event: Event) -> bool:
        if not event.is_custom and not self.registries and not self.topics:
            return True
        named = self.topics if event.is_custom else self.registries
        return event.source.lower() in (name.lower() for name in named)

    def _case(self, text: str) -> str:
        return text if self.is_subject_case_sensitive else text.lower()


def _in_camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


class State(StrEnum):
    """How far a subscription is (Event Grid: provisioningState)."""

    CREATING = "Creating"  # the endpoint has not answered the handshake yet
    SUCCEEDED = "Succeeded"
