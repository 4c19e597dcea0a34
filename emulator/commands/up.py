"""`up`: serve until Ctrl-C."""

import argparse
import asyncio
import re
import signal
import tempfile
from contextlib import ExitStack
from math import isfinite
from pathlib import Path

import msgspec

from emulator.commands import Commands
from emulator.commands.banner import banner
from emulator.distribution.switches import Auth
from emulator.errors import StartError
from emulator.eventgrid.courier import Pace
from emulator.eventgrid.event import Schema
from emulator.eventgrid.subscription import Subscription
from emulator.eventgrid.topic import topic_name
from emulator.faults import Switches
from emulator.server import Emulator
from emulator.settings import (
    DEFAULT_REGISTRIES,
    FIRST_PORT,
    HIGHEST_PORT,
    TLS_OFFSET,
    RegistrySettings,
    Settings,
)
from emulator.store.collector import Spare

_DEFAULTS = Settings(data=Path(".local/emulator"))
_ID_PART = re.compile(r"[\w.()-]{1,90}")
_SITE_NAME = re.compile(r"[A-Za-z0-9-]{1,60}(?:/[A-Za-z0-9-]{1,59})?")


def add(commands: Commands) -> None:
    """Add the command."""
    up = commands.add_parser(
        "up", help="serve until Ctrl-C", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    up.set_defaults(run=_run)
    where = up.add_mutually_exclusive_group()
    where.add_argument("--data", type=Path, default=_DEFAULTS.data, metavar="DIR", help="keeps everything")
    where.add_argument("--ephemeral", action="store_true", help="keep nothing")
    up.add_argument("--arm-port", type=_port, default=_DEFAULTS.arm_port, metavar="PORT")
    up.add_argument(
        "--registry",
        action="append",
        metavar="NAME[=PORT]",
        help="a registry; repeat for several (default: devacr=5301 stagingacr=5302 prodacr=5303)",
    )
    up.add_argument(
        "--auth",
        action="append",
        default=[],
        metavar="[NAME=]MODE",
        help=f"whom a registry lets in, or all of them: {', '.join(Auth)}",
    )
    up.add_argument(
        "--no-referrers", action="append", default=[], metavar="NAME", help="a registry without that API"
    )
    up.add_argument(
        "--site",
        action="append",
        default=[],
        metavar="NAME[/SLOT]",
        help="a site of App Service, or one of its slots",
    )
    up.add_argument("--subscription-id", type=_part, default=_DEFAULTS.subscription_id, metavar="ID")
    up.add_argument("--resource-group", type=_part, default=_DEFAULTS.resource_group, metavar="NAME")
    up.add_argument("--import-seconds", type=_seconds, default=_DEFAULTS.import_seconds, metavar="SECONDS")
    up.add_argument(
        "--poll-seconds",
        type=_seconds,
        default=_DEFAULTS.poll_seconds,
        metavar="SECONDS",
        help="that clients are told to wait between polls",
    )
    up.add_argument(
        "--spare-blobs",
        type=_seconds,
        default=_DEFAULTS.spare.blobs,
        metavar="SECONDS",
        help="before a blob that no manifest names is collected",
    )
    up.add_argument(
        "--spare-uploads",
        type=_seconds,
        default=_DEFAULTS.spare.uploads,
        metavar="SECONDS",
        help="before an upload that receives nothing expires",
    )
    up.add_argument("--seed", type=int, default=_DEFAULTS.seed, metavar="N", help="of injected faults")
    up.add_argument("--faults", type=Path, metavar="FILE", help="what PUT /emulator/faults would take")
    up.add_argument(
        "--tls", action="store_true", help=f"serve over TLS too, {TLS_OFFSET} ports higher, for the real az"
    )
    _add_events(up)


def _add_events(up: argparse.ArgumentParser) -> None:
    up.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="NAME[=SCHEMA]",
        help="a custom topic that takes events in this schema, eventgrid or cloudevents",
    )
    up.add_argument("--event-grid", action="append", default=[], metavar="NAME=URL", help="a webhook")
    up.add_argument("--event-subscriptions", type=Path, metavar="FILE", help="webhooks with filters, by name")
    up.add_argument(
        "--storage",
        default=_DEFAULTS.storage,
        metavar="CONNECTION",
        help="storage account whose containers take dead letters",
    )
    up.add_argument(
        "--event-schema", type=Schema, choices=list(Schema), default=Schema.EVENT_GRID, help="of events"
    )
    up.add_argument(
        "--event-time-scale",
        type=_factor,
        default=_DEFAULTS.pace.scale,
        metavar="FACTOR",
        help="on Event Grid's retry schedule",
    )


def _run(options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        if options.ephemeral:
            folder = tempfile.TemporaryDirectory(prefix="emulator-", ignore_cleanup_errors=True)
            options.data = Path(stack.enter_context(folder))
        switches = _read(options.faults, Switches, "--faults", Switches())
        asyncio.run(_up(_settings(options), switches))


async def _up(settings: Settings, switches: Switches) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    emulator = Emulator(settings)
    emulator.faults.replace(switches)
    await emulator.start()
    print(banner(emulator), flush=True)
    await stopping.wait()
    print("Stopping ...", flush=True)
    await emulator.stop()


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        data=options.data,
        registries=_registries(options),
        arm_port=options.arm_port,
        subscription_id=options.subscription_id,
        resource_group=options.resource_group,
        sites=tuple(_site(text) for text in options.site),
        topics=dict(_topic(text) for text in options.topic),
        subscriptions={
            **_subscriptions(options.event_grid, options.event_schema),
            **_read(options.event_subscriptions, dict[str, Subscription], "--event-subscriptions", {}),
        },
        storage=options.storage,
        pace=Pace(scale=options.event_time_scale),
        import_seconds=options.import_seconds,
        poll_seconds=options.poll_seconds,
        spare=Spare(options.spare_blobs, options.spare_uploads),
        tls=options.tls,
        seed=options.seed,
    )


def _registries(options: argparse.Namespace) -> tuple[RegistrySettings, ...]:
    named = [_registry(position, text) for position, text in enumerate(options.registry or [])]
    registries = {one.name.lower(): one for one in named or DEFAULT_REGISTRIES}
    if named and len(registries) < len(named):
        message = "two registries have one name: --registry " + " --registry ".join(options.registry)
        raise StartError(message)
    for text in options.auth:
        name, _, mode = text.rpartition("=")
        for one in _meant(registries, name, f"--auth {text}"):
            registries[one.name.lower()] = _switched(one, auth=_auth(mode))
    for name in options.no_referrers:
        for one in _meant(registries, name, f"--no-referrers {name}"):
            registries[one.name.lower()] = _switched(one, referrers=False)
    return tuple(registries.values())


def _registry(position: int, text: str) -> RegistrySettings:
    name, equals, port = text.partition("=")
    return RegistrySettings(name, _port(port) if equals else FIRST_PORT + position)


def _meant(registries: dict[str, RegistrySettings], name: str, option: str) -> list[RegistrySettings]:
    meant = [one for key, one in registries.items() if name.lower() in ("", key)]
    if not meant:
        message = f"{option}: there is no registry {name!r}"
        raise StartError(message)
    return meant


def _switched(one: RegistrySettings, **changes: object) -> RegistrySettings:
    return RegistrySettings(one.name, one.port, msgspec.structs.replace(one.switches, **changes))


def _auth(mode: str) -> Auth:
    try:
        return Auth(mode)
    except ValueError:
        message = f"--auth {mode}: a mode is one of {', '.join(Auth)}"
        raise StartError(message) from None


def _subscriptions(texts: list[str], schema: Schema) -> dict[str, Subscription]:
    subscriptions = {}
    for text in texts:
        name, _, endpoint = text.partition("=")
        try:
            subscriptions[name] = Subscription(endpoint, schema)
        except ValueError as error:
            message = f"--event-grid {text}: {error}"
            raise StartError(message) from None
    return subscriptions


def _site(text: str) -> str:
    if not _SITE_NAME.fullmatch(text):
        message = f"--site {text}: a site is NAME or NAME/SLOT, of letters, digits and hyphens"
        raise StartError(message)
    return text


def _topic(text: str) -> tuple[str, Schema]:
    name, equals, schema = text.partition("=")
    try:
        topic_name(name)
    except ValueError as error:
        message = f"--topic {text}: {error}"
        raise StartError(message) from None
    try:
        return name, Schema(schema) if equals else Schema.EVENT_GRID
    except ValueError:
        message = f"--topic {text}: the schema is {' or '.join(Schema)}"
        raise StartError(message) from None


def _read[T](path: Path | None, shape: type[T], option: str, default: T) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape) if path else default
    except (OSError, msgspec.MsgspecError) as error:
        message = f"{option} {path}: {error}"
        raise StartError(message) from None


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        message = f"a port is a number from 0 to {HIGHEST_PORT}, not {text!r}"
        raise StartError(message)
    return int(text)


def _seconds(text: str) -> float:
    if (seconds := _number(text)) < 0:
        message = f"a time is a number of seconds, not {text!r}"
        raise StartError(message)
    return seconds


def _factor(text: str) -> float:
    if (factor := _number(text)) <= 0:
        message = f"a factor is a number above 0, not {text!r}"
        raise StartError(message)
    return factor


def _number(text: str) -> float:
    """Read a finite number; -1 where it is none."""
    try:
        number = float(text)
    except ValueError:
        return -1
    return number if isfinite(number) else -1


def _part(text: str) -> str:
    """Read what is one part of a resource id."""
    if not _ID_PART.fullmatch(text):
        message = f"a subscription or a resource group has letters, digits and .()_-, this one is {text!r}"
        raise StartError(message)
    return text
