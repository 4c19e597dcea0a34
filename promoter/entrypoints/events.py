"""Event Grid: what happens in the registries."""

import json
import logging
from datetime import datetime
from typing import Any

import azure.functions as func
import msgspec

from promoter import bootstrap
from promoter.application.reject import reject
from promoter.application.take_push import Change, RegistryEvent, take_push
from promoter.domain.codec import convert
from promoter.domain.errors import InvalidError
from promoter.domain.image import Digest, Repository, Tag
from promoter.entrypoints.messages import CONNECTION, WORK_QUEUE, Wake, send

log = logging.getLogger("promoter")
bp = func.Blueprint()

_PREFIX = "Microsoft.ContainerRegistry."
_CHANGES = {"ImagePushed": Change.PUSHED, "ImageDeleted": Change.DELETED}


class _Target(msgspec.Struct):
    repository: Repository
    digest: Digest
    tag: Tag | None = None


class _Request(msgspec.Struct):
    host: str | None = None


class _Data(msgspec.Struct):
    """The part of the event's data that matters here; the rest varies with the registry and the client."""

    timestamp: datetime
    target: _Target
    request: _Request | None = None


class _Event(msgspec.Struct):
    data: _Data


@bp.function_name("image_pushed")
@bp.event_grid_trigger(arg_name="event")
@bp.queue_output(arg_name="wake", queue_name=WORK_QUEUE, connection=CONNECTION)
async def image_pushed(event: func.EventGridEvent, wake: Wake) -> None:
    """A registry tells of a push or deletion, in the Event Grid or the CloudEvents schema."""
    app = bootstrap.app()
    try:
        taken = registry_event(event)
        if taken is not None:
            send(wake, [*await take_push(app, taken), *await bootstrap.woken_by_policy()])
    except InvalidError as error:
        at = f"{error.field}: " if error.field else ""
        await reject(app, "image_pushed", json.dumps(event.to_dict()), f"malformed event: {at}{error}")


def registry_event(event: Any) -> RegistryEvent | None:  # noqa: ANN401 - the class follows the payload
    """What an event tells, in either schema; None where it tells of no image.

    Args:
        event: An EventGridEvent, or a CloudEvent where the payload has a `specversion`.

    Raises:
        InvalidError: It tells of an image, but not which.
    """
    kind, topic = (
        (event.type, event.source) if hasattr(event, "specversion") else (event.event_type, event.topic)
    )
    change = _CHANGES.get(str(kind).removeprefix(_PREFIX))
    if change is None:
        log.debug("%s is no event about an image", kind)
        return None
    data = convert({"data": event.get_json()}, _Event).data
    if not isinstance(topic, str) or not topic:
        message = "the event does not say which registry it comes from"
        raise InvalidError(message, "topic")
    if data.timestamp.tzinfo is None:
        message = "data.timestamp has no time zone"
        raise InvalidError(message, "data.timestamp")
    target = data.target
    server = _storable((data.request.host if data.request else None) or "")
    image = (target.repository, target.digest, target.tag)
    return RegistryEvent(change, _storable(topic), *image, data.timestamp, server)


def _storable(text: str) -> str:
    """The text with half characters replaced: JSON can write them, and Python lets them in."""
    return text.encode(errors="replace").decode()
