"""What an emulator is started with."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from emulator.distribution.switches import RegistrySwitches
from emulator.errors import StartError
from emulator.eventgrid.courier import Pace
from emulator.eventgrid.event import Schema
from emulator.eventgrid.subscription import Subscription
from emulator.store.collector import Spare

ARM_PORT, FIRST_PORT = 5300, 5301
TLS_OFFSET = 100
HIGHEST_PORT = 65535
_REGISTRY_NAME = re.compile(r"[a-zA-Z0-9]{2,50}")


@dataclass(frozen=True)
class RegistrySettings:
    """One registry.

    Attributes:
        name: 2 to 50 letters and digits. Azure wants at least 5.
        port: On 127.0.0.1; 0 takes one that is free.
        switches: Whom it lets in, and what it has.
    """

    name: str
    port: int = 0
    switches: RegistrySwitches = field(default_factory=RegistrySwitches)

    def __post_init__(self) -> None:
        """Check the name.

        Raises:
            StartError: It is none.
        """
        if not _REGISTRY_NAME.fullmatch(self.name):
            message = f"a registry's name has 2 to 50 letters and digits, this one is {self.name!r}"
            raise StartError(message)


DEFAULT_REGISTRIES = (
    RegistrySettings("devacr", FIRST_PORT),
    RegistrySettings("stagingacr", FIRST_PORT + 1),
    RegistrySettings("prodacr", FIRST_PORT + 2),
)


@dataclass(frozen=True)
class Settings:
    """One emulator.

    Attributes:
        data: Folder that keeps everything.
        registries: What to serve.
        arm_port: Port of Resource Manager and of the emulator's own routes; 0 takes one that is free.
        subscription_id: The Azure subscription that the registries are in.
        resource_group: Their resource group.
        location: Their region.
        topics: Custom topics that are there from the start: the schema that each takes, by name.
        sites: Sites of App Service that are there from the start, and slots, as `web` and `web/staging`.
        subscriptions: Event subscriptions that are there from the start, by name.
        storage: Connection string of the storage account whose containers take dead letters.
        pace: How fast events go.
        import_seconds: How long an import takes.
        poll_seconds: How long a client is told to wait between polls.
        collect_every: Seconds between garbage collections.
        spare: What they leave alone.
        seed: Of the faults' draws.
        tls: Whether everything serves over TLS too, at its port and a hundred.
        grace: Seconds that running work has to end when the emulator stops.
    """

    data: Path
    registries: tuple[RegistrySettings, ...] = DEFAULT_REGISTRIES
    arm_port: int = ARM_PORT
    subscription_id: str = "00000000-0000-0000-0000-000000000001"
    resource_group: str = "promoter"
    location: str = "local"
    topics: dict[str, Schema] = field(default_factory=dict)
    sites: tuple[str, ...] = ()
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    storage: str = "UseDevelopmentStorage=true"
    pace: Pace = field(default_factory=Pace)
    import_seconds: float = 0.2
    poll_seconds: float = 0.1
    collect_every: float = 60.0
    spare: Spare = field(default_factory=Spare)
    seed: int = 0
    tls: bool = False
    grace: float = 3.0
