"""`push`: a made-up image, to try things with."""

import argparse
import asyncio
import re

import aiohttp

from emulator.commands import Commands
from emulator.errors import OciError, StartError
from emulator.sample_image import push_random_image
from emulator.store import names


def add(commands: Commands) -> None:
    """Add the command."""
    push = commands.add_parser("push", help="push a made-up image, to try things with")
    push.add_argument("image", metavar="HOST:PORT/REPOSITORY:TAG")
    push.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    print(asyncio.run(_push(options.image)))


async def _push(image: str) -> str:
    """Push a made-up image of two platforms, and give it by its digest."""
    registry, _, path = image.partition("/")
    repository, _, tag = path.partition(":")
    _check(image, registry, repository, tag)
    try:
        async with aiohttp.ClientSession() as session:
            digest = await push_random_image(session, f"http://{registry}", repository, tag)
    except aiohttp.ClientConnectorError as error:
        message = (
            f"no registry answers at {registry}: start it, or mend the address ({error.os_error.strerror})"
        )
        raise StartError(message) from None
    except aiohttp.ClientError as error:
        message = f"{registry} did not take {path}: {error}"
        raise StartError(message) from None
    return f"{registry}/{repository}@{digest}"


def _check(image: str, registry: str, repository: str, tag: str) -> None:
    """Refuse what names no image in a registry, which has a port or a domain."""
    if not re.search(r"[.:]|^localhost$", registry) or not repository or not tag:
        message = f"an image is HOST:PORT/REPOSITORY:TAG, this one is {image!r}"
        raise StartError(message)
    try:
        names.repository(repository)
        names.tag(tag)
    except OciError as error:
        message = f"{image!r} cannot be pushed: {error}"
        raise StartError(message) from None
