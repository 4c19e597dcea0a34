"""The emulator's own routes, below `/emulator` on the port of Resource Manager."""

from collections.abc import Iterable, Mapping

import msgspec
from aiohttp import web

from emulator.faults import Faults, Switches


class Control:
    """Health and faults. Event Grid's own stand in `eventgrid/application.py`."""

    def __init__(self, faults: Faults, registries: Mapping[str, str]) -> None:
        """Take what is controlled.

        Args:
            faults: The switchboard.
            registries: Address by name.
        """
        self._faults, self._registries = faults, registries

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        return [
            web.get("/emulator/health", self.health),
            web.get("/emulator/faults", self.show_faults),
            web.put("/emulator/faults", self.set_faults),
            web.delete("/emulator/faults", self.clear_faults),
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


async def _read[T](request: web.Request, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except msgspec.MsgspecError as error:
        body = msgspec.json.encode({"error": {"code": "BadRequest", "message": str(error)}}).decode()
        raise web.HTTPBadRequest(text=body, content_type="application/json") from None
