"""The local stack: Azurite, the emulator and the Functions host, started, watched and stopped together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from emulator.eventgrid.event import Schema
from emulator.eventgrid.topic import CustomTopic
from localhost.ports import check_free, free_ports
from localhost.programs import ROOT, azurite, emulator, functions_host, storage_connection_string

POLICY = Path(__file__).with_name("policy.yaml")
SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP = "promoter"
REGISTRIES = {"dev": "devacr", "staging": "stagingacr", "prod": "prodacr"}
"""The registry of each environment."""
EVENT_FUNCTION = "image_pushed"
TOPIC = "promoter-events"
"""The custom topic that Promoter tells of every change of phase."""

_WATCH_PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens."""

    hosts: Sequence[int] = (7071,)
    blob: int = 10000
    queue: int = 10001
    table: int = 10002
    arm: int = 5300
    registries: Mapping[str, int] = field(
        default_factory=lambda: {"devacr": 5301, "stagingacr": 5302, "prodacr": 5303}
    )

    @classmethod
    def free(cls, hosts: int = 1) -> "Ports":
        """Ports that nothing uses, for so many hosts."""
        blob, queue, table, arm, *rest = free_ports(4 + len(REGISTRIES) + hosts)
        registries = dict(zip(REGISTRIES.values(), rest, strict=False))
        return cls(rest[len(registries) :], blob, queue, table, arm, registries)

    def users(self) -> dict[int, str]:
        """Who wants each port."""
        return {
            **dict.fromkeys(self.hosts, "the Functions host"),
            self.blob: "Azurite (blobs)",
            self.queue: "Azurite (queues)",
            self.table: "Azurite (tables)",
            self.arm: "the emulator (ARM)",
            **{port: f"the emulator (registry {name})" for name, port in self.registries.items()},
        }


class LocalStack:
    """All parts of the local stack; as a context, up and ready inside, and stopped whatever happens.

    Attributes:
        ports: Where the parts listen.
        state: The folder of their data and logs.
        settings: The app's settings.
        azurite: Storage.
        emulator: The registries, ARM and Event Grid.
        hosts: The Functions hosts, all on the same storage; events are delivered to the first.
        parts: All of these.
    """

    def __init__(
        self,
        state: Path = ROOT / ".local",
        *,
        ports: Ports | None = None,
        policy: Path = POLICY,
        settings: Mapping[str, str] | None = None,
        emulator_options: Sequence[str] = (),
        host_options: Sequence[str] = (),
        reload: bool = False,
    ) -> None:
        """Describe a stack.

        Args:
            state: What an earlier stack left in this folder is taken up.
            ports: The documented ports, unless others are given; as many hosts as it has ports for them.
            policy: The policy file.
            settings: App settings on top of, or in place of, those that the stack gives.
            emulator_options: More options of `python -m emulator up`.
            host_options: More options of `python -m localhost.host`.
            reload: Whether the hosts take up changes of the app, its policy and its settings.
        """
        self.ports = ports or Ports()
        self.state = state.resolve()
        self.settings = {**self._settings(policy), **(settings or {})}
        self.azurite = azurite(
            *(self.ports.blob, self.ports.queue, self.ports.table),
            data=self.state / "azurite",
            log=self._log("azurite"),
        )
        self.emulator = emulator(
            self.ports.arm,
            self.ports.registries,
            webhooks={RESOURCE_GROUP: self._webhook()},
            topics={TOPIC: Schema.CLOUD_EVENTS},
            data=self.state / "emulator",
            log=self._log("emulator"),
            options=["--import-seconds", "0.2", *emulator_options],
        )
        self.hosts = [
            functions_host(
                ROOT,
                port,
                log=self._log("host" if number == 1 else f"host-{number}"),
                settings=self.settings,
                options=[*host_options, *(["--reload", "--watch", str(policy.resolve())] if reload else [])],
            )
            for number, port in enumerate(self.ports.hosts, 1)
        ]
        self.parts = [self.azurite, self.emulator, *self.hosts]

    @property
    def api(self) -> str:
        """The address of the app's HTTP API, at the first host."""
        return f"http://127.0.0.1:{self.ports.hosts[0]}/api"

    @property
    def arm(self) -> str:
        """The address of the emulator's ARM."""
        return f"http://127.0.0.1:{self.ports.arm}"

    @property
    def storage(self) -> str:
        """The connection string of Azurite."""
        return storage_connection_string(self.ports.blob, self.ports.queue, self.ports.table)

    def registry(self, environment: str) -> str:
        """The `host:port` of an environment's registry, as in `{host:port}/shop/web:v1`."""
        return f"127.0.0.1:{self.ports.registries[REGISTRIES[environment]]}"

    async def start(self) -> None:
        """Start all parts at once, and wait until all are ready.

        Raises:
            PortsTakenError: a port is in use; nothing was started.
            PartFailedError: a part did not become ready; the others are stopped.
        """
        check_free(self.ports.users())
        try:
            for part in self.parts:
                part.start()
            await self._ready()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop the hosts, which finish what they are at, and then what they work with."""
        try:
            await asyncio.gather(*(host.stop() for host in self.hosts))
            await asyncio.gather(self.azurite.stop(10), self.emulator.stop(10))
        finally:
            for part in self.parts:
                part.kill()

    async def watch(self) -> None:
        """Never return; a part that was stopped or killed through its object is not missed.

        Raises:
            PartFailedError: a part ended by itself.
        """
        while True:
            for part in self.parts:
                part.check()
            await asyncio.sleep(_WATCH_PAUSE)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _ready(self) -> None:
        waits = [asyncio.create_task(part.ready()) for part in self.parts]
        try:
            await asyncio.gather(*waits)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def _webhook(self) -> str:
        path = f"runtime/webhooks/eventgrid?functionName={EVENT_FUNCTION}"
        return f"http://127.0.0.1:{self.ports.hosts[0]}/{path}"

    def _log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    def _settings(self, policy: Path) -> dict[str, str]:
        group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}"
        registries = f"{group}/providers/Microsoft.ContainerRegistry/registries"
        topic = CustomTopic(TOPIC, Schema.CLOUD_EVENTS, group)
        return {
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "AzureWebJobsStorage": self.storage,
            "PromoterStorage": self.storage,
            "PROMOTER_AUTH": "local",
            "PROMOTER_ARM_URL": self.arm,
            "PROMOTER_EVENTS_TOPIC": self.arm + topic.path,
            "PROMOTER_EVENTS_KEY": topic.keys[0],
            "PROMOTER_POLICY": str(policy.resolve()),
            "PROMOTER_RECONCILE_SCHEDULE": "*/15 * * * * *",
            **{
                f"{name.upper()}_REGISTRY_ID": f"{registries}/{registry}"
                for name, registry in REGISTRIES.items()
            },
        }
