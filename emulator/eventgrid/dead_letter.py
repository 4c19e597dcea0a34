"""Dead letters: events that were given up, as files.

Layout and properties: Microsoft Learn, Event Grid message delivery and retry. Azure writes them five minutes
after the last attempt; here they are written at once.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import msgspec

from emulator.clock import stamp
from emulator.eventgrid.outbox import Delivery
from emulator.eventgrid.subscription import Schema


@dataclass(frozen=True)
class Outcome:
    """How the last attempt ended. Without an answer, the status is 0."""

    status: int
    name: str


def write_dead_letter(
    folder: Path, name: str, schema: Schema, delivery: Delivery, reason: str, outcome: Outcome
) -> Path:
    """Write one dead letter below `folder`, and give the file."""
    facts: dict[str, object] = {
        "deadLetterReason": reason,
        "deliveryAttempts": delivery.attempts,
        "lastDeliveryOutcome": outcome.name,
        "lastHttpStatusCode": outcome.status,
        "publishTime": stamp(delivery.published),
        "lastDeliveryAttemptTime": stamp(),
    }
    if schema is Schema.CLOUD_EVENTS:  # names of CloudEvents attributes are lower case
        event = delivery.event.in_cloud_events_schema()
        facts = {key.lower(): value for key, value in facts.items()}
    else:
        event = delivery.event.in_event_grid_schema()
    now = datetime.fromtimestamp(time.time(), UTC)
    path = folder / name.upper() / f"{now.year}/{now.month}/{now.day}/{now.hour}" / f"{uuid4()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode([event | facts]))
    return path
