"""Who wants which events, and how they are to be delivered."""

from enum import StrEnum

import msgspec

from emulator.eventgrid.event import Event


class Schema(StrEnum):
    """The schema of delivery."""

    EVENT_GRID = "eventgrid"
    CLOUD_EVENTS = "cloudevents"


class Subscription(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """An event subscription with a webhook, as `PUT /emulator/subscriptions/{name}` takes it.

    Attributes:
        endpoint: The webhook's address.
        schema: How events are delivered.
        registries: Names of the registries whose events are wanted; empty is all.
        event_types: Types that are wanted; empty is all.
        subject_begins_with: What the subject must begin with, compared without case.
        subject_ends_with: What it must end with.
        max_delivery_attempts: After as many, an event is dead.
        event_time_to_live_in_minutes: As old, an event is dead.
    """

    endpoint: str
    schema: Schema = Schema.EVENT_GRID
    registries: list[str] = []
    event_types: list[str] = []
    subject_begins_with: str = ""
    subject_ends_with: str = ""
    max_delivery_attempts: int = 30
    event_time_to_live_in_minutes: float = 1440

    def __post_init__(self) -> None:
        """Check what the types do not say."""
        if not self.endpoint.startswith(("http://", "https://")):
            message = f"endpoint is not an address that begins with http:// or https://: {self.endpoint}"
            raise ValueError(message)

    def wants(self, event: Event, registry: str) -> bool:
        """Tell whether an event of a registry passes the filters."""
        subject = event.subject.lower()
        return (
            (not self.registries or registry.lower() in (name.lower() for name in self.registries))
            and (not self.event_types or event.event_type in self.event_types)
            and subject.startswith(self.subject_begins_with.lower())
            and subject.endswith(self.subject_ends_with.lower())
        )


class State(StrEnum):
    """How far a subscription is (Event Grid: provisioningState)."""

    CREATING = "Creating"  # the endpoint has not answered the handshake yet
    SUCCEEDED = "Succeeded"
