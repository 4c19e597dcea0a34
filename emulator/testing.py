"""An emulator inside a test: `async with Azure(registries=("dev", "prod"), data=tmp_path) as azure: ...`."""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

import aiohttp

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.eventgrid.courier import Pace
from emulator.eventgrid.event import Schema
from emulator.eventgrid.outbox import Told
from emulator.eventgrid.subscription import Subscription
from emulator.eventgrid.topic import CustomTopic
from emulator.faults import Faults
from emulator.identity.assignments import Assignment
from emulator.identity.principal import Principal
from emulator.sample_image import push_random_image
from emulator.server import Emulator
from emulator.settings import RegistrySettings, Settings
from emulator.store.collector import Collected, Spare
from emulator.store.credentials import Password
from emulator.store.manifest import ACCEPTED

_LOOK_AGAIN = 0.01


@dataclass(frozen=True)
class RunningRegistry:
    """One registry of a running emulator.

    Attributes:
        name: Its name.
        url: Where it serves, `http://127.0.0.1:<port>`.
        login_server: The same as Azure names it, `127.0.0.1:<port>`.
        resource_id: Its resource id, which is also the topic of its events.
        session: Sends the requests of the methods.
    """

    name: str
    url: str
    login_server: str
    resource_id: str
    session: aiohttp.ClientSession

    async def push(self, image: str, platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")) -> str:
        """Push a new random image.

        Args:
            image: `repository:tag`.
            platforms: What it is for.

        Returns:
            Its digest.
        """
        repository, _, tag = image.partition(":")
        return await push_random_image(
            self.session, self.url, repository, tag, platforms=platforms, layer_bytes=256
        )

    async def digest(self, image: str) -> str | None:
        """Read which digest `repository:tag` or `repository@digest` has; None where there is none."""
        repository, _, reference = image.partition("@") if "@" in image else image.partition(":")
        address = f"{self.url}/v2/{repository}/manifests/{reference}"
        async with self.session.head(address, headers={"Accept": ", ".join(ACCEPTED)}) as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            answer.raise_for_status()
            return answer.headers["Docker-Content-Digest"]

    async def delete(self, image: str) -> None:
        """Delete `repository@digest` with its tags, or the tag `repository:tag` alone."""
        repository, _, reference = image.partition("@") if "@" in image else image.partition(":")
        address = f"{self.url}/v2/{repository}/manifests/{reference}"
        async with self.session.delete(address, raise_for_status=True):
            pass


class Azure:
    """An emulator in this process, on ports that were free. Enter it again on the same data for a restart."""

    def __init__(
        self,
        *,
        registries: tuple[str, ...] = ("dev", "staging", "prod"),
        data: Path | None = None,
        import_seconds: float = 0.0,
        poll_seconds: float = 0.01,
        event_time_scale: float = 0.0001,
        seed: int = 0,
        topics: Mapping[str, Schema] | None = None,
        storage: str = Settings.storage,
        tls: bool = False,
        sites: tuple[str, ...] = (),
        auth: Auth = Auth.ANONYMOUS,
        spare: Spare | None = None,
    ) -> None:
        """Describe it.

        Args:
            registries: Names.
            data: Folder that keeps everything; None takes a new one, which is removed at the end.
            import_seconds: How long an import takes.
            poll_seconds: How long clients are told to wait between polls.
            event_time_scale: Factor on Event Grid's retry schedule and time to live.
            seed: Of the faults' draws.
            topics: Custom topics: the schema that each takes, by name.
            tls: Whether everything serves over TLS too.
            sites: Sites of App Service and their slots, as `web` and `web/staging`.
            storage: Connection string of the storage account whose containers take dead letters.
            auth: Whom the registries let in.
            spare: What garbage collections leave alone; they run every minute, and by `collect`.
        """
        self._topics, self._storage = dict(topics or {}), storage
        self._tls, self._sites = tls, sites
        self._names, self._data = registries, data
        self._import_seconds, self._poll_seconds = import_seconds, poll_seconds
        self._pace = Pace(scale=event_time_scale, handshake_every=0.02)
        self._seed, self._switches = seed, RegistrySwitches(auth)
        self._spare = spare or Spare()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def __aenter__(self) -> Self:
        if self._data is None:
            self._folder = tempfile.TemporaryDirectory(prefix="emulator-", ignore_cleanup_errors=True)
        settings = Settings(
            data=self._data or Path(self._folder.name if self._folder else ""),
            registries=tuple(RegistrySettings(name, 0, self._switches) for name in self._names),
            arm_port=0,
            pace=self._pace,
            import_seconds=self._import_seconds,
            poll_seconds=self._poll_seconds,
            spare=self._spare,
            seed=self._seed,
            topics=self._topics,
            storage=self._storage,
            tls=self._tls,
            sites=self._sites,
            grace=0.5,
        )
        self._emulator = Emulator(settings)
        await self._emulator.start()
        self.session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.session.close()
        await self._emulator.stop()
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    @property
    def arm_url(self) -> str:
        """Where Resource Manager serves."""
        return self._emulator.arm_url

    @property
    def arm_tls_url(self) -> str:
        """Where Resource Manager serves over TLS."""
        assert self._emulator.arm_tls_url, "it was started without tls"  # noqa: S101 - a test asks
        return self._emulator.arm_tls_url

    @property
    def authority(self) -> Path:
        """The certificate authority that clients over TLS must trust."""
        return self._emulator.settings.data / "tls" / "ca.pem"

    @property
    def subscription_id(self) -> str:
        """The Azure subscription of the registries."""
        return self._emulator.settings.subscription_id

    @property
    def resource_group(self) -> str:
        """The resource group of the registries."""
        return self._emulator.settings.resource_group

    @property
    def faults(self) -> Faults:
        """The switchboard."""
        return self._emulator.faults

    @property
    def dead_letters(self) -> Path:
        """The folder of dead letters."""
        return self._emulator.settings.data / "dead-letters"

    def registry(self, name: str) -> RunningRegistry:
        """Get one of the registries."""
        registry = self._emulator.registries[name.lower()]
        url = f"http://{registry.login_server}"
        return RunningRegistry(name, url, registry.login_server, str(registry.resource_id), self.session)

    def topic(self, name: str) -> CustomTopic:
        """Get one of the custom topics; `topic_url` is where to publish, `.keys` with what."""
        topic = self._emulator.grid.topic(name)
        assert topic is not None, f"there is no topic {name!r}"  # noqa: S101 - a test asks
        return topic

    def topic_url(self, name: str) -> str:
        """Where events are published to a custom topic."""
        return self.arm_url + self.topic(name).path

    def switch(self, registry: str, switches: RegistrySwitches) -> None:
        """Set the switches of a registry."""
        self._emulator.registries[registry.lower()].switches = switches

    def password(self, registry: str, name: Password = Password.FIRST) -> str:
        """Read a password of the admin user of a registry; its name is the registry's."""
        return self._emulator.registries[registry.lower()].credentials.password(name)

    def assign(self, principal: str, **roles: str) -> None:
        """Put a principal under check, with a role on each registry that is named, as `dev="AcrPull"`."""
        assignments = [Assignment(role, self.registry(name).resource_id) for name, role in roles.items()]
        self._emulator.assignments.check(Principal(principal), assignments)

    async def collect(self, spare: Spare | None = None) -> Collected:
        """Collect garbage now."""
        return await self._emulator.collector.collect(spare or self._spare)

    async def subscribe(
        self, name: str, endpoint: str, schema: Schema = Schema.EVENT_GRID, *, wait: bool = True
    ) -> None:
        """Subscribe a webhook to the events of all registries.

        Args:
            name: The subscription's name.
            endpoint: The webhook's address.
            schema: How events are delivered.
            wait: Whether to wait until the endpoint has passed the handshake.
        """
        await self.add_subscription(name, Subscription(endpoint, schema), wait=wait)

    async def add_subscription(self, name: str, subscription: Subscription, *, wait: bool = True) -> None:
        """Subscribe a webhook, with filters and limits."""
        self._emulator.grid.subscribe(name, subscription)
        if wait:
            await self._emulator.grid.ready(name)

    def subscriptions(self) -> list[dict[str, object]]:
        """Show the subscriptions, their state and what became of their events."""
        return self._emulator.grid.view()

    def events(self) -> list[dict[str, object]]:
        """Show what registries raised and what was published, the oldest first, as it was."""
        return [told.event.as_published() for told in self.told()]

    def told(self) -> list[Told]:
        """Show the same, with what became of each."""
        return self._emulator.grid.events()

    @property
    def busy(self) -> bool:
        """Whether an import runs, a slot starts or an event is on its way."""
        return not self._emulator.idle

    async def settled(self) -> None:
        """Wait until no import runs, no slot starts and no event is on its way."""
        while self.busy:  # noqa: ASYNC110 - what is idle is read from disk, nothing signals it
            await asyncio.sleep(_LOOK_AGAIN)
