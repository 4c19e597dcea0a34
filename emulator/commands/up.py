"""`up`: serve until Ctrl-C."""

import argparse
import asyncio
import signal
import tempfile
from contextlib import ExitStack
from pathlib import Path

import msgspec

from emulator.commands import Commands, values
from emulator.commands.banner import banner
from emulator.distribution.switches import Auth
from emulator.errors import StartError
from emulator.eventgrid.courier import Pace
from emulator.eventgrid.event import Schema
from emulator.eventgrid.subscription import Subscription
from emulator.faults import Switches
from emulator.server import Emulator
from emulator.settings import (
    DEFAULT_REGISTRIES,
    FIRST_PORT,
    TLS_OFFSET,
    RegistrySettings,
    Settings,
)
from emulator.store.collector import Spare

_DEFAULTS = Settings(data=Path(".local/emulator"))
_DEFAULT = "default: %(default)s"


def add(commands: Commands) -> None:
    """Add the command."""
    up = commands.add_parser("up", help="serve until Ctrl-C")
    up.set_defaults(run=_run)
    where = up.add_mutually_exclusive_group()
    where.add_argument(
        "--data", type=Path, default=_DEFAULTS.data, metavar="DIR", help=f"keeps everything ({_DEFAULT})"
    )
    where.add_argument("--ephemeral", action="store_true", help="keep nothing")
    up.add_argument(
        "--arm-port",
        type=values.port,
        default=_DEFAULTS.arm_port,
        metavar="PORT",
        help=f"of Resource Manager; 0 takes a free one ({_DEFAULT})",
    )
    _add_registries(up)
    up.add_argument(
        "--site",
        action="append",
        default=[],
        metavar="NAME[/SLOT]",
        help="a site of App Service, or one of its slots",
    )
    for option, default, metavar in (
        ("--subscription-id", _DEFAULTS.subscription_id, "ID"),
        ("--resource-group", _DEFAULTS.resource_group, "NAME"),
    ):
        up.add_argument(
            option, type=values.id_part, default=default, metavar=metavar, help=f"of it all ({_DEFAULT})"
        )
    for option, seconds, what in (
        ("--import-seconds", _DEFAULTS.import_seconds, "that an import takes"),
        ("--poll-seconds", _DEFAULTS.poll_seconds, "that clients are told to wait between polls"),
        ("--spare-blobs", _DEFAULTS.spare.blobs, "before a blob that no manifest names is collected"),
        ("--spare-uploads", _DEFAULTS.spare.uploads, "before an upload that receives nothing expires"),
    ):
        up.add_argument(
            option, type=values.seconds, default=seconds, metavar="SECONDS", help=f"{what} ({_DEFAULT})"
        )
    up.add_argument(
        "--seed", type=int, default=_DEFAULTS.seed, metavar="N", help=f"of injected faults ({_DEFAULT})"
    )
    up.add_argument("--faults", type=Path, metavar="FILE", help="what PUT /emulator/faults would take")
    up.add_argument(
        "--tls", action="store_true", help=f"serve over TLS too, {TLS_OFFSET} ports higher, for the real az"
    )
    _add_events(up)


def _add_registries(up: argparse.ArgumentParser) -> None:
    up.add_argument(
        "--registry",
        action="append",
        metavar="NAME[=PORT]",
        help=f"a registry; repeat for several, which get ports from {FIRST_PORT} on "
        f"(default: {', '.join(one.name for one in DEFAULT_REGISTRIES)})",
    )
    up.add_argument(
        "--auth",
        action="append",
        default=[],
        metavar="[NAME=]MODE",
        help=f"whom a registry lets in, or all of them: {', '.join(Auth)} (default: {Auth.ANONYMOUS})",
    )
    up.add_argument(
        "--no-referrers", action="append", default=[], metavar="NAME", help="a registry without that API"
    )


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
        help=f"storage account whose containers take dead letters ({_DEFAULT})",
    )
    up.add_argument(
        "--event-schema",
        type=Schema,
        choices=list(Schema),
        default=Schema.EVENT_GRID,
        help=f"of events to --event-grid ({_DEFAULT})",
    )
    up.add_argument(
        "--event-time-scale",
        type=values.factor,
        default=_DEFAULTS.pace.scale,
        metavar="FACTOR",
        help=f"on Event Grid's retry schedule and times to live ({_DEFAULT})",
    )


def _run(options: argparse.Namespace) -> None:
    with ExitStack() as stack:
        if options.ephemeral:
            folder = tempfile.TemporaryDirectory(prefix="emulator-", ignore_cleanup_errors=True)
            options.data = Path(stack.enter_context(folder))
        settings = _settings(options)
        asyncio.run(_up(settings, _faults(options, settings)))


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
        sites=tuple(values.site(text) for text in options.site),
        topics=dict(values.topic(text) for text in options.topic),
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


def _faults(options: argparse.Namespace, settings: Settings) -> Switches:
    switches = _read(options.faults, Switches, "--faults", Switches())
    if name := switches.unknown_registry(one.name for one in settings.registries):
        message = f"--faults {options.faults}: there is no registry {name!r}"
        raise StartError(message)
    return switches


def _registries(options: argparse.Namespace) -> tuple[RegistrySettings, ...]:
    named = [_registry(position, text) for position, text in enumerate(options.registry or [])]
    registries = {one.name.lower(): one for one in named or DEFAULT_REGISTRIES}
    if named and len(registries) < len(named):
        message = "two registries have one name: --registry " + " --registry ".join(options.registry)
        raise StartError(message)
    for text in options.auth:
        name, _, mode = text.rpartition("=")
        for one in _meant(registries, name, f"--auth {text}"):
            registries[one.name.lower()] = _switched(one, auth=values.auth(mode))
    for name in options.no_referrers:
        for one in _meant(registries, name, f"--no-referrers {name}"):
            registries[one.name.lower()] = _switched(one, referrers=False)
    return tuple(registries.values())


def _registry(position: int, text: str) -> RegistrySettings:
    name, equals, port = text.partition("=")
    return RegistrySettings(name, values.port(port) if equals else FIRST_PORT + position)


def _meant(registries: dict[str, RegistrySettings], name: str, option: str) -> list[RegistrySettings]:
    meant = [one for key, one in registries.items() if name.lower() in ("", key)]
    if not meant:
        message = f"{option}: there is no registry {name!r}"
        raise StartError(message)
    return meant


def _switched(one: RegistrySettings, **changes: object) -> RegistrySettings:
    return RegistrySettings(one.name, one.port, msgspec.structs.replace(one.switches, **changes))


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


def _read[T](path: Path | None, shape: type[T], option: str, default: T) -> T:
    try:
        return msgspec.json.decode(path.read_bytes(), type=shape) if path else default
    except (OSError, msgspec.MsgspecError) as error:
        message = f"{option} {path}: {error}"
        raise StartError(message) from None
