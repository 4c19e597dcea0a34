"""One emulator: registries, Resource Manager and Event Grid in one process, on loopback."""

import asyncio
import contextlib
import logging

import aiohttp
from aiohttp import web

from emulator.appservice.calls import Sites
from emulator.appservice.service import AppService
from emulator.appservice.slot import SlotId
from emulator.appservice.warm_up import Puller
from emulator.arm.answers import answer_errors
from emulator.arm.application import ResourceManager
from emulator.arm.cloud import Cloud
from emulator.arm.event_subscriptions import EventSubscriptions
from emulator.arm.import_calls import ImportCalls
from emulator.arm.imports import Imports
from emulator.arm.registries import Registries
from emulator.arm.subscriptions import Subscriptions
from emulator.background import Background
from emulator.control import Control
from emulator.distribution.application import registry_application
from emulator.distribution.registry import Registry, ResourceId
from emulator.doors import Door, open_door, serve
from emulator.errors import STORAGE_TROUBLE, StartError, SubscribeError
from emulator.eventgrid.application import EventGridRoutes
from emulator.eventgrid.dead_letter import DeadLetters
from emulator.eventgrid.event import Topic
from emulator.eventgrid.grid import EventGrid
from emulator.faults import Faults
from emulator.identity.assignments import Assignments
from emulator.settings import RegistrySettings, Settings
from emulator.store.blobs import BlobFiles
from emulator.store.collector import Collector
from emulator.store.database import Database
from emulator.tls import certificates

_log = logging.getLogger(__name__)


class Emulator:
    """An emulator, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.faults = Faults(settings.seed)
        self.registries: dict[str, Registry] = {}
        self.arm_url = ""
        self.arm_tls_url: str | None = None
        self._exit = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Open the data, take up what was left, and listen.

        Raises:
            StartError: A port is taken, or the data is in use or cannot be.
        """
        try:
            await self._start()
        except STORAGE_TROUBLE as error:
            message = f"{self.settings.data} cannot be used: mend that, or give another --data ({error})"
            raise StartError(message) from error

    async def _start(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            sockets = stack.enter_context(contextlib.ExitStack())
            tls = self.settings.tls
            arm_door = open_door(sockets, self.settings.arm_port, "Resource Manager", tls=tls)
            doors = [open_door(sockets, one.port, one.name, tls=tls) for one in self.settings.registries]
            self.arm_url = f"http://{arm_door.address}"
            self.arm_tls_url = arm_door.tls_address and f"https://{arm_door.tls_address}"
            database, blobs = self._open_data(stack)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200))
            )
            dead_letters = DeadLetters(self.settings.data / "dead-letters", self.settings.storage)
            self.grid = EventGrid(
                database, session, self.faults, self.settings.pace, dead_letters, self._scope
            )
            stack.push_async_callback(self.grid.stop, self.settings.grace)
            for one, door in zip(self.settings.registries, doors, strict=True):
                self._add_registry(one, door, database, blobs)
                stack.callback(self.registries[one.name.lower()].uploads.close)
            self.imports = Imports(
                self.registries, database, blobs, session, self.faults, self.settings.import_seconds
            )
            stack.push_async_callback(self.imports.stop, self.settings.grace)
            self.assignments = Assignments(database)
            self.collector = Collector(database, blobs, [each.uploads for each in self.registries.values()])
            self.sites = AppService(database, Puller(session, blobs, self.registries), self.faults)
            stack.push_async_callback(self.sites.stop)
            for name in self.settings.sites:
                self.sites.add(SlotId.parse(name))
            self.grid.start(self.arm_url)
            self._set_up_events()
            self.imports.start()
            sweeping = Background()
            stack.push_async_callback(sweeping.stop, 0)
            sweeping.start(self._sweep(), "garbage collection")
            await self._serve(stack, arm_door, doors)
            self.sites.start()
            self._exit = stack.pop_all()

    async def stop(self) -> None:
        """Stop listening, end what runs, and leave the rest on disk."""
        await self._exit.aclose()

    @property
    def idle(self) -> bool:
        """Whether no import runs, no slot starts and no event is on its way."""
        return self.imports.idle and self.sites.idle and self.grid.idle

    @property
    def _scope(self) -> str:
        return f"/subscriptions/{self.settings.subscription_id}/resourceGroups/{self.settings.resource_group}"

    def _set_up_events(self) -> None:
        for name, schema in self.settings.topics.items():
            self.grid.add_topic(name, schema)
        for name, subscription in self.settings.subscriptions.items():
            try:
                self.grid.subscribe(name, subscription)
            except SubscribeError as error:
                message = f"the event subscription {name}: {error}"
                raise StartError(message) from None

    def _open_data(self, stack: contextlib.AsyncExitStack) -> tuple[Database, BlobFiles]:
        self.settings.data.mkdir(parents=True, exist_ok=True)
        database = Database(self.settings.data / "emulator.db")
        stack.callback(database.close)
        blobs = BlobFiles(self.settings.data)
        blobs.sweep({str(row[0]) for row in database.all("select id from uploads")})
        return database, blobs

    def _add_registry(self, one: RegistrySettings, door: Door, database: Database, blobs: BlobFiles) -> None:
        settings = self.settings
        resource_id = ResourceId(settings.subscription_id, settings.resource_group, one.name)
        topic = Topic(str(resource_id), door.address, settings.location)
        registry = Registry(resource_id, topic, one.switches, database, blobs, self.grid.raise_event)
        registry.tls_login_server = door.tls_address
        self.registries[one.name.lower()] = registry

    async def _sweep(self) -> None:
        while True:
            try:
                await self.collector.collect(self.settings.spare)
            except STORAGE_TROUBLE as error:
                _log.error("no garbage was collected (%s)", error)
            await asyncio.sleep(self.settings.collect_every)

    async def _serve(self, stack: contextlib.AsyncExitStack, arm_door: Door, doors: list[Door]) -> None:
        context = certificates(self.settings.data / "tls").context if self.settings.tls else None
        arm = web.Application(middlewares=[answer_errors])
        control = Control(self.faults, self.registries, self.assignments, self.collector, self.sites)
        arm.add_routes(control.routes())
        arm.add_routes(EventGridRoutes(self.grid, self.arm_url).routes())
        arm.add_routes(Cloud().routes())
        arm.add_routes(self._resource_manager().routes())
        apps = [(arm, arm_door)]
        for registry, door in zip(self.registries.values(), doors, strict=True):
            apps.append((registry_application(registry, self.faults, self.assignments), door))
        await serve(stack, apps, context, self.settings.grace)

    def _resource_manager(self) -> ResourceManager:
        registries = Registries(self.registries, self.assignments, self.faults)
        imports = ImportCalls(
            registries, self.imports, self.assignments, self.faults, self.settings.poll_seconds
        )
        settings = self.settings
        sites = Sites(self.sites, self._scope, settings.location, self.faults, settings.poll_seconds)
        above = Subscriptions(
            settings.subscription_id, settings.resource_group, settings.location, [registries, sites]
        )
        subscriptions = EventSubscriptions(registries, self.grid)
        return ResourceManager([registries, imports, subscriptions, sites, above], self.assignments)
