"""The command line: `python -m emulator up`, `push` for an image to try it with, `events` to look at."""

import argparse
import asyncio
import logging
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import msgspec

from emulator.errors import StartError
from emulator.eventgrid import commands as events
from emulator.eventgrid.courier import Pace
from emulator.eventgrid.event import Schema
from emulator.eventgrid.subscription import Subscription
from emulator.faults import Switches
from emulator.sample_image import push_random_image
from emulator.server import Emulator
from emulator.settings import DEFAULT_REGISTRIES, FIRST_PORT, RegistrySettings, Settings

_DEFAULTS = Settings(data=Path(".local/emulator"))
_HIGHEST_PORT = 65535
_TOPIC_NAME = re.compile(r"[A-Za-z0-9-]{3,50}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and give the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    try:
        options = _parser().parse_args(arguments)
        if options.command == "push":
            print(asyncio.run(_push(options.image)))
        elif options.command == "events":
            events.run(options)
        else:
            switches = _read(options.faults, Switches, "--faults", Switches())
            asyncio.run(_up(_settings(options), switches))
    except StartError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1
    return 0


async def _up(settings: Settings, switches: Switches) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    emulator = Emulator(settings)
    emulator.faults.replace(switches)
    await emulator.start()
    print(_banner(emulator), flush=True)
    await stopping.wait()
    print("Stopping ...", flush=True)
    await emulator.stop()


async def _push(image: str) -> str:
    """Push a made-up image of two platforms, and give it by its digest."""
    registry, _, path = image.partition("/")
    repository, _, tag = path.partition(":")
    if not repository or not tag:
        message = f"an image is HOST:PORT/REPOSITORY:TAG, this one is {image!r}"
        raise StartError(message)
    try:
        async with aiohttp.ClientSession() as session:
            digest = await push_random_image(session, f"http://{registry}", repository, tag)
    except aiohttp.ClientError as error:
        message = f"{registry} did not take {path}: {error}"
        raise StartError(message) from None
    return f"{registry}/{repository}@{digest}"


def _banner(emulator: Emulator) -> str:
    settings = emulator.settings
    lines = ["Azure Container Registry and Event Grid, emulated. Stop with Ctrl-C.", ""]
    lines += [
        f"  {registry.name:<16} http://{registry.login_server:<22} push and pull with any OCI client"
        for registry in emulator.registries.values()
    ]
    group = f"resource group {settings.resource_group}, subscription {settings.subscription_id}"
    lines += [
        f"  {'Resource Manager':<16} {emulator.arm_url:<29} {group}",
        f"  {'faults':<16} {emulator.arm_url}/emulator/faults",
        f"  {'events':<16} {emulator.arm_url}/emulator/events",
    ]
    lines += [
        f"  {'topic':<16} {emulator.arm_url}{topic.path}  takes {topic.schema}, key {topic.keys[0]}"
        for topic in emulator.grid.topics()
    ]
    lines += [f"  {'events go to':<16} {one.endpoint}" for one in settings.subscriptions.values()]
    return "\n".join([*lines, f"  {'data':<16} {settings.data}", ""])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m emulator", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    push = commands.add_parser("push", help="push a made-up image, to try things with")
    push.add_argument("image", metavar="HOST:PORT/REPOSITORY:TAG")
    events.add_parser(commands, _DEFAULTS.arm_port)
    up = commands.add_parser(
        "up", help="serve until Ctrl-C", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    up.add_argument("--data", type=Path, default=_DEFAULTS.data, metavar="DIR", help="keeps everything")
    up.add_argument("--arm-port", type=_port, default=_DEFAULTS.arm_port, metavar="PORT")
    up.add_argument(
        "--registry",
        action="append",
        metavar="NAME[=PORT]",
        help="a registry; repeat for several (default: devacr=5301 stagingacr=5302 prodacr=5303)",
    )
    up.add_argument("--subscription-id", default=_DEFAULTS.subscription_id, metavar="ID")
    up.add_argument("--resource-group", default=_DEFAULTS.resource_group, metavar="NAME")
    up.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="NAME[=SCHEMA]",
        help="a custom topic that takes events in this schema, eventgrid or cloudevents",
    )
    up.add_argument("--event-grid", action="append", default=[], metavar="NAME=URL", help="a webhook")
    up.add_argument(
        "--event-subscriptions",
        type=Path,
        metavar="FILE",
        help="webhooks with filters, by name",
    )
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
        type=float,
        default=_DEFAULTS.pace.scale,
        metavar="FACTOR",
        help="on Event Grid's retry schedule",
    )
    up.add_argument("--import-seconds", type=float, default=_DEFAULTS.import_seconds, metavar="SECONDS")
    up.add_argument("--seed", type=int, default=_DEFAULTS.seed, metavar="N", help="of injected faults")
    up.add_argument("--faults", type=Path, metavar="FILE", help="what PUT /emulator/faults would take")
    up.add_argument("--require-token", action="store_true", help="no anonymous access to registries")
    return parser


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        data=options.data,
        registries=_registries(options.registry),
        arm_port=options.arm_port,
        subscription_id=options.subscription_id,
        resource_group=options.resource_group,
        topics=dict(_topic(text) for text in options.topic),
        subscriptions={
            **_subscriptions(options.event_grid, options.event_schema),
            **_read(options.event_subscriptions, dict[str, Subscription], "--event-subscriptions", {}),
        },
        storage=options.storage,
        pace=Pace(scale=options.event_time_scale),
        import_seconds=options.import_seconds,
        anonymous=not options.require_token,
        seed=options.seed,
    )


def _registries(texts: list[str] | None) -> tuple[RegistrySettings, ...]:
    if not texts:
        return DEFAULT_REGISTRIES
    registries = []
    for position, text in enumerate(texts):
        name, equals, port = text.partition("=")
        registries.append(RegistrySettings(name, _port(port) if equals else FIRST_PORT + position))
    return tuple(registries)


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


def _topic(text: str) -> tuple[str, Schema]:
    name, equals, schema = text.partition("=")
    if not _TOPIC_NAME.fullmatch(name):
        message = f"--topic {text}: a topic's name has 3 to 50 letters, digits and hyphens"
        raise StartError(message)
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
    if not text.isdecimal() or int(text) > _HIGHEST_PORT:
        message = f"a port is a number from 0 to {_HIGHEST_PORT}, not {text!r}"
        raise StartError(message)
    return int(text)
