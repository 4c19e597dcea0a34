"""`push`: a made-up image, to try things with."""

import argparse
import asyncio

import aiohttp

from emulator.commands import Commands
from emulator.errors import StartError
from emulator.sample_image import push_random_image


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
