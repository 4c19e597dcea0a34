"""The emulator's own routes, below `/emulator` on the port of Resource Manager."""

from collections.abc import Iterable, Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from emulator.appservice.service import AppService
from emulator.appservice.slot import Phase, SlotId
from emulator.appservice.views import running_view
from emulator.distribution.registry import Registry
from emulator.distribution.switches import RegistrySwitches
from emulator.faults import Fault, Faults, Switches
from emulator.identity.assignments import Assignment, Assignments
from emulator.identity.principal import Principal
from emulator.store.collector import Collector, Spare


class Control:
    """Health, faults, principals, switches, garbage. Event Grid's own stand in `eventgrid/application.py`."""

    def __init__(
        self,
        faults: Faults,
        registries: Mapping[str, Registry],
        assignments: Assignments,
        collector: Collector,
        sites: AppService,
    ) -> None:
        """Take what is controlled.

        Args:
            faults: The switchboard.
            registries: The registries, by lower-case name.
            assignments: Who may do what.
            collector: The garbage collection.
            sites: The sites.
        """
        self._faults, self._registries = faults, registries
        self._assignments, self._collector, self._sites = assignments, collector, sites

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        principal = "/emulator/principals/{name}"
        return [
            web.get("/emulator/health", self.health),
            web.get("/emulator/faults", self.show_faults),
            web.put("/emulator/faults", self.set_faults),
            web.post("/emulator/faults", self.add_fault),
            web.delete("/emulator/faults", self.clear_faults),
            web.get("/emulator/principals", self.principals),
            web.put(principal, self.check_principal),
            web.delete(principal, self.uncheck_principal),
            web.get("/emulator/registries", self.registries),
            web.put("/emulator/registries/{name}", self.switch_registry),
            web.post("/emulator/collect", self.collect),
            web.get("/emulator/sites", self.sites),
            web.get("/emulator/sites/{site}", self.site),
            web.get("/emulator/sites/{site}/{slot}", self.site),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        """Say that everything is up, and where."""
        urls = {registry.name: f"http://{registry.login_server}" for registry in self._registries.values()}
        return web.json_response({"status": "ok", "registries": urls})

    async def show_faults(self, _request: web.Request) -> web.Response:
        """Show the switchboard."""
        return web.json_response(self._faults.view())

    async def set_faults(self, request: web.Request) -> web.Response:
        """Set the whole switchboard."""
        switches = await _read(request, Switches)
        self._require_registries(switches)
        self._faults.replace(switches)
        return web.json_response(self._faults.view())

    async def add_fault(self, request: web.Request) -> web.Response:
        """Let one thing more go wrong."""
        fault = await _read(request, Fault)
        self._require_registries(Switches([fault]))
        self._faults.add(fault)
        return web.json_response(self._faults.view())

    def _require_registries(self, switches: Switches) -> None:
        """Refuse what would never strike."""
        if name := switches.unknown_registry(self._registries):
            self._registry(name)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Let nothing go wrong."""
        self._faults.clear()
        return web.json_response(self._faults.view())

    async def principals(self, _request: web.Request) -> web.Response:
        """Show the principals under check."""
        return web.json_response({"value": self._assignments.view()})

    async def check_principal(self, request: web.Request) -> web.Response:
        """Put a principal under check, with exactly the assignments in the body."""
        wanted = await _read(request, _Assignments)
        assignments = [Assignment(one.role, self._scope(one.scope)) for one in wanted.assignments]
        self._assignments.check(Principal(request.match_info["name"]), assignments)
        return await self.principals(request)

    async def uncheck_principal(self, request: web.Request) -> web.Response:
        """Let a principal do anything again."""
        name = request.match_info["name"]
        if not self._assignments.uncheck(Principal(name)):
            message = f"{name!r} is not under check: it may do anything already"
            raise _not_found(message)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    def _scope(self, text: str) -> str:
        if text.startswith("/"):
            return text
        return str(self._registry(text).resource_id)

    async def registries(self, _request: web.Request) -> web.Response:
        """Show the registries and their switches."""
        there = [
            {"name": registry.name, "url": f"http://{registry.login_server}"}
            | msgspec.to_builtins(registry.switches)
            for registry in self._registries.values()
        ]
        return web.json_response({"value": there})

    async def switch_registry(self, request: web.Request) -> web.Response:
        """Set the switches of a registry."""
        self._registry(request.match_info["name"]).switches = await _read(request, RegistrySwitches)
        return await self.registries(request)

    def _registry(self, name: str) -> Registry:
        if registry := self._registries.get(name.lower()):
            return registry
        known = ", ".join(each.name for each in self._registries.values())
        message = f"there is no registry {name!r}; these are: {known}"
        raise _bad_request(message)

    async def collect(self, request: web.Request) -> web.Response:
        """Collect garbage now; the body, if there is one, says what to spare."""
        spare = await _read(request, Spare) if request.can_read_body else Spare()
        return web.json_response(msgspec.to_builtins(await self._collector.collect(spare)))

    async def sites(self, _request: web.Request) -> web.Response:
        """Show what every slot of every site is told to run, and what runs."""
        slots = self._sites.slots
        return web.json_response({"value": [running_view(each, slots.get(each)) for each in slots.all()]})

    async def site(self, request: web.Request) -> web.Response:
        """Answer as the slot does: what it runs, or 503."""
        path = request.match_info
        identifier = SlotId.parse(f"{path['site']}/{path.get('slot', '')}")
        slot = self._sites.slots.get(identifier)
        status = HTTPStatus.OK if slot.phase is Phase.READY else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(running_view(identifier, slot), status=status)


class _Assignments(msgspec.Struct, forbid_unknown_fields=True):
    assignments: list[Assignment]


async def _read[T](request: web.Request, shape: type[T]) -> T:
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except msgspec.MsgspecError as error:
        raise _bad_request(str(error)) from None


def _bad_request(message: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=_error("BadRequest", message), content_type="application/json")


def _not_found(message: str) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=_error("NotFound", message), content_type="application/json")


def _error(code: str, message: str) -> str:
    return msgspec.json.encode({"error": {"code": code, "message": message}}).decode()
