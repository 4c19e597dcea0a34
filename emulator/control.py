"""The emulator's own routes, below `/emulator` on the port of Resource Manager."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from emulator.eventgrid.grid import EventGrid
from emulator.eventgrid.subscription import Subscription
from emulator.faults import Faults, Switches


class Control:
    """Health, faults and event subscriptions."""

    def __init__(self, faults: Faults, grid: EventGrid, registries: Mapping[str, str]) -> None:
        """Take what is controlled.

        Args:
            faults: The switchboard.
            grid: Event Grid.
            registries: Address by name.
        """
        self._faults, self._grid, self._registries = faults, grid, registries

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        subscription = "/emulator/subscriptions/{name}"
        return [
            web.get("/emulator/health", self.health),
            web.get("/emulator/faults", self.show_faults),
            web.put("/emulator/faults", self.set_faults),
            web.delete("/emulator/faults", self.clear_faults),
            web.get("/emulator/events", self.events),
            web.get("/emulator/subscriptions", self.subscriptions),
            web.put(subscription, self.subscribe),
            web.delete(subscription, self.unsubscribe),
            web.get(subscription + "/validate", self.validate),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        """Say that everything is up, and where."""
        return web.json_response({"status": "ok", "registries": dict(self._registries)})

    async def show_faults(self, _request: web.Request) -> web.Response:
        """Show the switchboard."""
        return web.json_response(self._faults.view())

    async def set_faults(self, request: web.Request) -> web.Response:
        """Set the whole switchboard."""
        self._faults.replace(await _read(request, Switches))
        return web.json_response(self._faults.view())

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Let nothing go wrong."""
        self._faults.clear()
        return web.json_response(self._faults.view())

    async def events(self, _request: web.Request) -> web.Response:
        """Show the latest events."""
        return web.json_response({"value": [event.in_event_grid_schema() for event in self._grid.events()]})

    async def subscriptions(self, _request: web.Request) -> web.Response:
        """Show the event subscriptions."""
        return web.json_response({"value": self._grid.view()})

    async def subscribe(self, request: web.Request) -> web.Response:
        """Create or change an event subscription."""
        name = request.match_info["name"]
        self._grid.subscribe(name, await _read(request, Subscription))
        return web.json_response(next(view for view in self._grid.view() if view["name"] == name))

    async def unsubscribe(self, request: web.Request) -> web.Response:
        """Drop an event subscription."""
        there = self._grid.unsubscribe(request.match_info["name"])
        return web.Response(status=HTTPStatus.NO_CONTENT if there else HTTPStatus.NOT_FOUND)

    async def validate(self, request: web.Request) -> web.Response:
        """Validate an event subscription by hand."""
        if not self._grid.validate(request.match_info["name"], request.query.get("code", "")):
            return web.Response(status=HTTPStatus.NOT_FOUND, text="No such validation is waited for.")
        return web.Response(text="The event subscription is validated.")


async def _read[T](request: web.Request, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except msgspec.MsgspecError as error:
        body = msgspec.json.encode({"error": {"code": "BadRequest", "message": str(error)}}).decode()
        raise web.HTTPBadRequest(text=body, content_type="application/json") from None
