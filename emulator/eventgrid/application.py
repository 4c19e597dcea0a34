"""Event Grid over HTTP: topics to publish to, and the emulator's own routes for all the rest."""

from collections.abc import Iterable
from http import HTTPStatus

import msgspec
from aiohttp import web

from emulator.clock import stamp
from emulator.errors import PublishError, SubscribeError
from emulator.eventgrid.event import Schema
from emulator.eventgrid.grid import Choice, EventGrid
from emulator.eventgrid.outbox import Told
from emulator.eventgrid.publishing import LARGEST
from emulator.eventgrid.subscription import Subscription
from emulator.eventgrid.topic import CustomTopic


class TopicBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What `PUT /emulator/topics/{name}` takes."""

    schema: Schema = Schema.EVENT_GRID


class Replay(Choice, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What `POST /emulator/events/replay` takes: which events, and to whom.

    Attributes:
        subscription: To it alone; None is to all who want them.
    """

    subscription: str | None = None


class EventGridRoutes:
    """The routes."""

    def __init__(self, grid: EventGrid, base_url: str) -> None:
        """Serve a grid at an address."""
        self._grid, self._base_url = grid, base_url

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        subscription, topic = "/emulator/subscriptions/{name}", "/emulator/topics/{name}"
        return [
            web.post("/topics/{name}/api/events", self.publish),
            web.get("/emulator/topics", self.topics),
            web.put(topic, self.add_topic),
            web.delete(topic, self.remove_topic),
            web.get("/emulator/events", self.events),
            web.post("/emulator/events/replay", self.replay),
            web.get("/emulator/subscriptions", self.subscriptions),
            web.put(subscription, self.subscribe),
            web.delete(subscription, self.unsubscribe),
            web.get(subscription + "/validate", self.validate),
        ]

    async def publish(self, request: web.Request) -> web.Response:
        """Publish to a custom topic (Event Grid data plane: Publish Events, Publish Cloud Events)."""
        try:
            _require_version(request)
            self._grid.publish(request.match_info["name"], request.headers, await _head(request, LARGEST + 1))
        except PublishError as error:
            one = {"code": error.code, "message": error.message}
            return web.json_response({"error": {**one, "details": [one]}}, status=error.status)
        return web.Response()

    async def topics(self, _request: web.Request) -> web.Response:
        """Show the custom topics, with their keys."""
        return web.json_response({"value": [self._shown(topic) for topic in self._grid.topics()]})

    async def add_topic(self, request: web.Request) -> web.Response:
        """Create or change a custom topic."""
        body = await _read(request, TopicBody)
        try:
            topic = self._grid.add_topic(request.match_info["name"], body.schema)
        except ValueError as error:
            raise _bad_request(error) from None
        return web.json_response(self._shown(topic))

    async def remove_topic(self, request: web.Request) -> web.Response:
        """Drop a custom topic."""
        return _gone(there=self._grid.remove_topic(request.match_info["name"]))

    def _shown(self, topic: CustomTopic) -> dict[str, object]:
        first, second = topic.keys
        return {
            "name": topic.name,
            "schema": topic.schema,
            "id": topic.resource_id,
            "endpoint": self._base_url + topic.path,
            "key1": first,
            "key2": second,
        }

    async def events(self, request: web.Request) -> web.Response:
        """Show the latest events, and what became of them."""
        query = {
            "ids": request.query.getall("id", []),
            **{key: value for key, value in request.query.items() if key != "id"},
        }
        try:
            choice = msgspec.convert(query, Choice, strict=False)
        except msgspec.ValidationError as error:
            raise _bad_request(error) from None
        return web.json_response({"value": [_told(told) for told in self._grid.events(choice)]})

    async def replay(self, request: web.Request) -> web.Response:
        """Deliver events once more."""
        body = await _read(request, Replay)
        try:
            replayed = self._grid.replay(body, body.subscription)
        except SubscribeError as error:
            raise _bad_request(error) from None
        value = [_told(told) | {"to": names} for told, names in replayed]
        return web.json_response({"value": value}, status=HTTPStatus.ACCEPTED)

    async def subscriptions(self, _request: web.Request) -> web.Response:
        """Show the event subscriptions."""
        return web.json_response({"value": self._grid.view()})

    async def subscribe(self, request: web.Request) -> web.Response:
        """Create or change an event subscription."""
        name = request.match_info["name"]
        try:
            self._grid.subscribe(name, await _read(request, Subscription))
        except SubscribeError as error:
            raise _bad_request(error) from None
        return web.json_response(next(view for view in self._grid.view() if view["name"] == name))

    async def unsubscribe(self, request: web.Request) -> web.Response:
        """Drop an event subscription."""
        return _gone(there=self._grid.unsubscribe(request.match_info["name"]))

    async def validate(self, request: web.Request) -> web.Response:
        """Validate an event subscription by hand."""
        if not self._grid.validate(request.match_info["name"], request.query.get("code", "")):
            return web.Response(status=HTTPStatus.NOT_FOUND, text="No such validation is waited for.")
        return web.Response(text="The event subscription is validated.")


def _require_version(request: web.Request) -> None:
    if not request.query.get("api-version"):
        message = "The query parameter api-version is missing, as in ?api-version=2018-01-01."
        raise PublishError(HTTPStatus.BAD_REQUEST, "BadRequest", message)


async def _head(request: web.Request, size: int) -> bytes:
    """The body's first bytes, so that none is held that is too large anyway."""
    body = b""
    while len(body) < size and (more := await request.content.read(size - len(body))):
        body += more
    return body


def _told(told: Told) -> dict[str, object]:
    return {
        "published": stamp(told.published),
        "source": told.event.source,
        "event": told.event.as_published(),
        "deliveries": [msgspec.to_builtins(trace) for trace in told.traces],
    }


def _gone(*, there: bool) -> web.Response:
    return web.Response(status=HTTPStatus.NO_CONTENT if there else HTTPStatus.NOT_FOUND)


async def _read[T](request: web.Request, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read() or b"{}", type=shape)
    except msgspec.MsgspecError as error:
        raise _bad_request(error) from None


def _bad_request(error: Exception) -> web.HTTPBadRequest:
    body = msgspec.json.encode({"error": {"code": "BadRequest", "message": str(error)}}).decode()
    return web.HTTPBadRequest(text=body, content_type="application/json")
