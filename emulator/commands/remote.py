"""Speaking with an emulator that is up."""

import argparse
import asyncio
import os
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from emulator.errors import StartError

_DEFAULT = "http://127.0.0.1:5300"


def add_url(parser: argparse.ArgumentParser) -> None:
    """Add the option that tells which emulator is meant."""
    parser.add_argument(
        "--url",
        default=os.environ.get("EMULATOR_URL", _DEFAULT),
        help="where its Resource Manager serves (default: EMULATOR_URL, else %(default)s)",
    )


def ask(url: str, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401
    """Send one request to the emulator's own routes, and give the JSON that it answers; None without any.

    Raises:
        StartError: It is not up, or does not take that.
    """
    return asyncio.run(_ask(f"{url.rstrip('/')}/emulator/{path}", method, body))


async def _ask(url: str, method: str, body: Mapping[str, object] | None) -> Any:  # noqa: ANN401
    try:
        async with aiohttp.ClientSession() as session, session.request(method, url, json=body) as answer:
            content = await answer.read()
    except (aiohttp.ClientError, ValueError) as error:
        message = f"no emulator answers: {error}. Start one (python -m emulator up), or name its --url"
        raise StartError(message) from None
    if answer.status >= HTTPStatus.BAD_REQUEST:
        raise StartError(_reason(content) or f"{method} {url} was answered with {answer.status}")
    return msgspec.json.decode(content) if content else None


def _reason(content: bytes) -> str | None:
    try:
        return str(msgspec.json.decode(content)["error"]["message"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return None
