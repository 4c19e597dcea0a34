"""What is published to a custom topic: read, and checked as Event Grid checks it.

Sources: Microsoft Learn, Event Grid event schema, Post events to a custom topic; CloudEvents 1.0, its JSON
format and its HTTP binding.
"""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from emulator.errors import PublishError
from emulator.eventgrid.event import Event, Schema
from emulator.eventgrid.topic import CustomTopic

LARGEST = 1024 * 1024
"""Bytes in one request; Azure's limit for an array, and for one event in it."""

_STRUCTURED = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_JSON = "application/json"
_ATTRIBUTE = re.compile(r"[a-z0-9]+|data_base64")
_ATTRIBUTE_HEADER = "ce-"

type _Text = Annotated[str, Meta(min_length=1)]
_Json = dict[str, Any]


class _Published(msgspec.Struct, rename="camel"):
    """An event in the Event Grid schema; what Event Grid itself fills in may be left out."""

    id: _Text
    subject: str
    event_type: _Text
    event_time: datetime
    data_version: str
    data: object = None
    topic: str | None = None


class _CloudEvent(msgspec.Struct):
    """What every CloudEvent must have."""

    id: _Text
    source: _Text
    type: _Text
    specversion: _Text
    subject: str | None = None
    time: datetime | None = None


def read_events(topic: CustomTopic, headers: Mapping[str, str], body: bytes) -> list[Event]:
    """Read what a request publishes.

    Raises:
        PublishError: 413 where it is too large; 400 where it is not what the topic takes.
    """
    if len(body) > LARGEST:
        message = f"The request has more than {LARGEST} bytes."
        raise PublishError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "PayloadTooLarge", message)
    media_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    is_binary = any(name.lower() == "ce-specversion" for name in headers)
    if topic.schema is Schema.CLOUD_EVENTS:
        documents = [_binary(headers, body)] if is_binary else _structured(topic, media_type, body)
        return [_from_cloud_event(topic, document) for document in documents]
    if is_binary or media_type in {_STRUCTURED, _BATCH}:
        raise _refused(topic, f"it came as a CloudEvent ({media_type or 'binary'})")
    return [_from_event_grid(topic, document) for document in _array(topic, body)]


def _from_event_grid(topic: CustomTopic, document: object) -> Event:
    event = _converted(topic, document, _Published)
    if event.topic and event.topic.lower() != topic.resource_id.lower():
        raise _refused(topic, f"its topic is {event.topic}, and must be left out or {topic.resource_id}")
    return Event(
        id=event.id,
        topic=topic.resource_id,
        subject=event.subject,
        event_type=event.event_type,
        event_time=_converted(topic, document, _Json)["eventTime"],
        data=event.data,
        data_version=event.data_version,
    )


def _from_cloud_event(topic: CustomTopic, document: object) -> Event:
    event = _converted(topic, document, _CloudEvent)
    attributes = _converted(topic, document, _Json)
    if event.specversion != "1.0":
        raise _refused(topic, f"its specversion is {event.specversion}, and must be 1.0")
    strange = [name for name in attributes if not _ATTRIBUTE.fullmatch(name)]
    if strange:
        raise _refused(topic, f"attributes have names of lower-case letters and digits, unlike {strange[0]}")
    return Event(
        id=event.id,
        topic=topic.resource_id,
        subject=event.subject or "",
        event_type=event.type,
        event_time=attributes.get("time") or "",
        data=None,
        data_version="",
        cloud_event=attributes,
    )


def _structured(topic: CustomTopic, media_type: str, body: bytes) -> list[object]:
    if media_type == _BATCH:
        return _array(topic, body)
    if media_type == _STRUCTURED:
        return [_decoded(topic, body)]
    raise _refused(topic, f"its Content-Type is {media_type or 'missing'}, not {_STRUCTURED} or {_BATCH}")


def _binary(headers: Mapping[str, str], body: bytes) -> _Json:
    """A CloudEvent whose attributes are headers, and whose data is the body (HTTP binding, 3.1)."""
    event: _Json = {
        name.lower().removeprefix(_ATTRIBUTE_HEADER): unquote(value)
        for name, value in headers.items()
        if name.lower().startswith(_ATTRIBUTE_HEADER)
    }
    content_type = headers.get("Content-Type", _JSON)
    event["datacontenttype"] = content_type
    try:
        event["data"] = msgspec.json.decode(body) if _JSON in content_type else body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        event["data_base64"] = base64.b64encode(body).decode()
    return event


def _array(topic: CustomTopic, body: bytes) -> list[object]:
    return _converted(topic, _decoded(topic, body), list[object])


def _decoded(topic: CustomTopic, body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refused(topic, str(error)) from None


def _converted[T](topic: CustomTopic, document: object, shape: type[T]) -> T:
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        raise _refused(topic, str(error)) from None


def _refused(topic: CustomTopic, reason: str) -> PublishError:
    name = "CloudEventV10" if topic.schema is Schema.CLOUD_EVENTS else "EventGridEvent"
    message = (
        f"This resource is configured to receive event in '{name}' schema. "
        f"The JSON received does not conform to the expected schema: {reason}."
    )
    return PublishError(HTTPStatus.BAD_REQUEST, "BadRequest", message)
