"""Sites and slots as calls of Resource Manager (Microsoft.Web: Web Apps)."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from emulator.appservice.service import AppService
from emulator.appservice.slot import PRODUCTION, Slot, SlotId
from emulator.appservice.views import config_view, instance_view, settings_view, site_view
from emulator.arm.answers import error_response, running, suffer
from emulator.arm.operations import State
from emulator.arm.registries import read_body
from emulator.arm.routing import GROUP, SUBSCRIPTION, Call, Route
from emulator.errors import ArmError
from emulator.faults import Effect, Faults, Operation

_WEB = r"/providers/Microsoft\.Web"
_SITE = rf"(?P<scope>{GROUP}{_WEB}/sites/(?P<site>[^/]+))"
_SLOT = rf"(?P<scope>{GROUP}{_WEB}/sites/(?P<site>[^/]+)(?:/slots/(?P<slot>[^/]+))?)"
_ACTIONS = "Microsoft.Web/sites"
_APP_SETTINGS = "appSettings"


class _Site(msgspec.Struct):
    properties: dict[str, object] = {}


class _Settings(msgspec.Struct):
    properties: dict[str, str] = {}


class _StickyNames(msgspec.Struct, rename="camel"):
    app_setting_names: list[str] | None = None


class _Sticky(msgspec.Struct):
    properties: _StickyNames = msgspec.field(default_factory=_StickyNames)


class _Target(msgspec.Struct, rename="camel"):
    target_slot: str


class Sites:
    """What deploying needs of App Service."""

    def __init__(
        self, service: AppService, group: str, location: str, faults: Faults, poll_seconds: float
    ) -> None:
        """Take what is deployed to.

        Args:
            service: The sites.
            group: Resource id of the resource group that they are in.
            location: Their region.
            faults: What goes wrong.
            poll_seconds: How long a client is told to wait between polls.
        """
        self._service, self._group, self._location = service, group, location
        self._faults, self._poll_seconds = faults, poll_seconds

    def routes(self) -> list[Route]:
        """Name the calls."""
        read, write = f"{_ACTIONS}/read", f"{_ACTIONS}/write"
        config = f"{_SLOT}/config/web"
        return [
            Route("GET", rf"{GROUP}{_WEB}/sites", self.list_all),
            Route("GET", rf"{SUBSCRIPTION}{_WEB}/sites", self.list_all),
            Route("GET", rf"{_SITE}/slots", self.list_slots, read),
            Route("GET", _SLOT, self.get, read),
            Route("PUT", _SLOT, self.put, write),
            Route("PATCH", _SLOT, self.put, write),
            Route("DELETE", _SLOT, self.delete, f"{_ACTIONS}/delete"),
            Route("GET", config, self.config, f"{_ACTIONS}/config/read"),
            Route("PUT", config, self.change_config, f"{_ACTIONS}/config/write"),
            Route("PATCH", config, self.change_config, f"{_ACTIONS}/config/write"),
            Route(
                "POST", f"{_SLOT}/config/appsettings/list", self.settings, f"{_ACTIONS}/config/list/action"
            ),
            Route("PUT", f"{_SLOT}/config/appsettings", self.change_settings, f"{_ACTIONS}/config/write"),
            Route("GET", f"{_SITE}/config/slotConfigNames", self.sticky, f"{_ACTIONS}/config/read"),
            Route("PUT", f"{_SITE}/config/slotConfigNames", self.change_sticky, f"{_ACTIONS}/config/write"),
            Route("GET", f"{_SLOT}/instances", self.instances, f"{_ACTIONS}/instances/read"),
            Route("POST", f"{_SLOT}/publishxml", self.publish_profile, f"{_ACTIONS}/publishxml/action"),
            Route("POST", f"{_SLOT}/restart", self.restart, f"{_ACTIONS}/restart/action"),
            Route("POST", f"{_SLOT}/slotsswap", self.swap, f"{_ACTIONS}/slotsswap/action"),
            Route("GET", rf"{_SITE}/operationresults/(?P<operation>[^/]+)", self.poll, read),
        ]

    def resources(self, _call: Call) -> list[dict[str, object]]:
        """Show the sites of the subscription, as resources among others."""
        views = (self._view(each) for each in self._service.slots.all())
        keys = ("id", "name", "type", "kind", "location", "tags", "identity")
        return [{key: view[key] for key in keys} for view in views]

    # Web Apps - List, List By Resource Group
    async def list_all(self, _call: Call) -> web.Response:
        """Show the sites."""
        sites = [self._view(each) for each in self._service.slots.all() if each.is_production]
        return web.json_response({"value": sites})

    # Web Apps - List Slots
    async def list_slots(self, call: Call) -> web.Response:
        """Show the slots of a site, but for its production slot."""
        site = call.path["site"]
        self._service.slots.get(SlotId.parse(site))
        slots = [self._view(each) for each in self._service.slots.all(site) if not each.is_production]
        return web.json_response({"value": slots})

    # Web Apps - Get, Get Slot
    async def get(self, call: Call) -> web.Response:
        """Show a site or a slot."""
        return await self._troubled(Operation.SITE_READ, call) or web.json_response(self._view(_named(call)))

    # Web Apps - Create Or Update, Update, and the same of a slot
    async def put(self, call: Call) -> web.Response:
        """Make a site or a slot, or change its configuration; other properties are ignored."""
        if answer := await self._troubled(Operation.SITE_WRITE, call):
            return answer
        properties = (await read_body(call.request, _Site)).properties
        config = properties.get("siteConfig")
        identifier = _named(call)
        if call.request.method == "PATCH":
            self._service.slots.get(identifier)
        self._service.add(identifier)
        if isinstance(config, dict):
            self._service.write(identifier, _configured(self._service.slots.get(identifier), config))
        return web.json_response(self._view(identifier))

    # Web Apps - Delete, Delete Slot
    async def delete(self, call: Call) -> web.Response:
        """Drop a site with its slots, or a slot."""
        there = self._service.remove(_named(call))
        return web.Response(status=HTTPStatus.OK if there else HTTPStatus.NO_CONTENT)

    # Web Apps - Get Configuration
    async def config(self, call: Call) -> web.Response:
        """Show the configuration of a slot."""
        return await self._troubled(Operation.SITE_READ, call) or self._config(_named(call))

    # Web Apps - Create Or Update Configuration, Update Configuration
    async def change_config(self, call: Call) -> web.Response:
        """Change the configuration of a slot, which starts it anew."""
        if answer := await self._troubled(Operation.SITE_WRITE, call):
            return answer
        identifier = _named(call)
        slot = self._service.slots.get(identifier)
        changes = (await read_body(call.request, _Site)).properties
        self._service.write(identifier, _configured(slot, changes))
        return self._config(identifier)

    # Web Apps - List Application Settings
    async def settings(self, call: Call) -> web.Response:
        """Show the application settings of a slot."""
        identifier = _named(call)
        settings: dict[str, object] = {**self._service.slots.get(identifier).settings}
        return web.json_response(settings_view(self._group, identifier, "appsettings", settings))

    # Web Apps - Update Application Settings
    async def change_settings(self, call: Call) -> web.Response:
        """Set all application settings of a slot, which starts it anew."""
        if answer := await self._troubled(Operation.SITE_WRITE, call):
            return answer
        identifier = _named(call)
        settings = (await read_body(call.request, _Settings)).properties
        slot = self._service.slots.get(identifier)
        self._service.write(identifier, msgspec.structs.replace(slot, settings=settings))
        return await self.settings(call)

    # Web Apps - List Slot Configuration Names
    async def sticky(self, call: Call) -> web.Response:
        """Show which application settings stay with a slot in a swap."""
        identifier = SlotId.parse(call.path["site"])
        names: dict[str, object] = {"appSettingNames": self._service.slots.get(identifier).sticky}
        return web.json_response(settings_view(self._group, identifier, "slotConfigNames", names))

    # Web Apps - Update Slot Configuration Names
    async def change_sticky(self, call: Call) -> web.Response:
        """Set which application settings stay with a slot in a swap."""
        identifier = SlotId.parse(call.path["site"])
        names = (await read_body(call.request, _Sticky)).properties.app_setting_names or []
        slot = self._service.slots.get(identifier)
        self._service.slots.put(identifier, msgspec.structs.replace(slot, sticky=names))
        return await self.sticky(call)

    # Web Apps - List Instance Identifiers
    async def instances(self, call: Call) -> web.Response:
        """Show whether a slot answers."""
        identifier = _named(call)
        slot = self._service.slots.get(identifier)
        return web.json_response({"value": [instance_view(self._group, identifier, slot)]})

    # Web Apps - List Publishing Profile Xml With Secrets
    async def publish_profile(self, call: Call) -> web.Response:
        """Show how to publish files, which is not emulated; `az webapp show` insists on an address."""
        self._service.slots.get(_named(call))
        profile = (
            '<publishData><publishProfile publishMethod="FTP" publishUrl="ftp://localhost"/></publishData>'
        )
        return web.Response(text=profile, content_type="application/xml")

    # Web Apps - Restart
    async def restart(self, call: Call) -> web.Response:
        """Start a slot anew."""
        if answer := await self._troubled(Operation.SITE_WRITE, call):
            return answer
        self._service.restart(_named(call))
        return web.Response()

    # Web Apps - Swap Slot, Swap Slot With Production
    async def swap(self, call: Call) -> web.Response:
        """Accept a swap."""
        source = _named(call)
        drawn = self._faults.draw(Operation.SITE_SWAP, source.site, str(source))
        if answer := await suffer(drawn):
            return answer
        target = SlotId(source.site, (await read_body(call.request, _Target)).target_slot.lower())
        swap = self._service.swap(source, target)
        if Effect.LOST_LOCATION in drawn:
            return web.json_response(None, status=HTTPStatus.ACCEPTED)
        path = f"{self._group}/providers/Microsoft.Web/sites/{source.site}/operationresults/{swap.id}"
        return running(call.request, call.link(path), self._poll_seconds)

    # The Location of a swap
    async def poll(self, call: Call) -> web.Response:
        """Tell how far a swap is."""
        swap = self._service.swaps.find(call.path["operation"])
        if swap is None:
            message = f"The operation {call.path['operation']} was not found."
            raise ArmError(HTTPStatus.NOT_FOUND, "NotFound", message)
        if answer := await suffer(self._faults.draw(Operation.SITE_POLL, swap.source.site, str(swap.source))):
            return answer
        if swap.state is State.RUNNING:
            return running(call.request, call.request.path_qs, self._poll_seconds)
        if swap.state is State.SUCCEEDED:
            return web.json_response(self._view(swap.target))
        return error_response(ArmError(HTTPStatus.CONFLICT, swap.code, swap.message))

    def _view(self, identifier: SlotId) -> dict[str, object]:
        return site_view(self._group, self._location, identifier, self._service.slots.get(identifier))

    def _config(self, identifier: SlotId) -> web.Response:
        slot = self._service.slots.get(identifier)
        return web.json_response(config_view(self._group, self._location, identifier, slot))

    async def _troubled(self, operation: Operation, call: Call) -> web.Response | None:
        identifier = _named(call)
        return await suffer(self._faults.draw(operation, identifier.site, str(identifier)))


def _named(call: Call) -> SlotId:
    return SlotId(call.path["site"].lower(), (call.path.get("slot") or PRODUCTION).lower())


def _configured(slot: Slot, changes: Mapping[str, object]) -> Slot:
    """Change a configuration; the application settings in it are kept with the others."""
    config = {key: value for key, value in changes.items() if value is not None and key != _APP_SETTINGS}
    pairs = changes.get(_APP_SETTINGS)
    settings = dict(slot.settings)
    if isinstance(pairs, list):
        settings = {str(pair["name"]): str(pair["value"]) for pair in pairs if isinstance(pair, dict)}
    return msgspec.structs.replace(slot, config=slot.config | config, settings=settings)
