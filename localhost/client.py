"""What a user of the local stack does: push, report, promote, roll back, and look."""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue.aio import QueueClient

from emulator.sample_image import push_random_image
from localhost.local_stack import TOPIC, LocalStack

NAME = {"X-Promoter-Client": "promoter-localhost"}
_PAUSE = 0.2
_TRIES = 10
_ACCEPT = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"


class StoryError(Exception):
    """Something did not happen as it should."""


class Client:
    """Talks to a running stack as users and pipelines do: HTTP, the gates' queue, and the registries."""

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=90), headers=NAME)

    async def push(self, repository: str, tag: str) -> str:
        """Build an image that is like no other, push it to dev, and answer its digest."""
        registry = f"http://{self._stack.registry('dev')}"
        return await push_random_image(self._session, registry, repository, tag)

    async def send_verdict(self, report: dict[str, str]) -> None:
        """Report a gate result by a message on the `quality-gates` queue."""
        async with QueueClient.from_connection_string(self._stack.storage, "quality-gates") as queue:
            with contextlib.suppress(ResourceExistsError):  # the host makes it too, when it has started
                await queue.create_queue()
            await queue.send_message(json.dumps(report), time_to_live=-1)

    async def post(self, path: str, body: dict[str, str], actor: str | None = None) -> tuple[int, Any]:
        """Call the API, under somebody's name; the status and the document that it answers."""
        headers = {"X-Promoter-Actor": actor} if actor else None
        async with self._session.post(f"{self._stack.api}/{path}", json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON is whatever it is
        """Read from the API.

        Raises:
            StoryError: It does not answer with 200.
        """
        async with self._session.get(f"{self._stack.api}/{path}", params=query) as response:
            document = await response.json(content_type=None)
            if response.status != 200:  # noqa: PLR2004 - OK
                message = f"GET {path} answered {response.status}: {document}"
                raise StoryError(message)
            return document

    async def published(self) -> list[tuple[str, str]]:
        """What Promoter told its own topic, in order: type and subject of each event."""
        async with self._session.get(f"{self._stack.arm}/emulator/events") as response:
            told = (await response.json())["value"]
        return [(each["event"]["type"], each["event"]["subject"]) for each in told if each["source"] == TOPIC]

    async def digest(self, environment: str, repository: str, reference: str) -> str | None:
        """What an environment's registry serves for a tag or digest; None where it has none such.

        Raises:
            StoryError: It does not answer, however often it is asked.
        """
        url = f"http://{self._stack.registry(environment)}/v2/{repository}/manifests/{reference}"
        status = 0
        for _ in range(_TRIES):
            async with self._session.head(url, headers={"Accept": _ACCEPT}) as response:
                status = response.status
                if status in {200, 404}:
                    return response.headers.get("Docker-Content-Digest")
        message = f"{url} answered {status} {_TRIES} times"
        raise StoryError(message)

    async def until_found(self, what: str, path: str, *, seconds: float = 30, **wanted: str) -> Any:  # noqa: ANN401
        """Ask a list of the API until it has an item with these values.

        Raises:
            StoryError: It has none for that long.
        """
        deadline = time.monotonic() + seconds
        items: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            items = (await self.get(path))["items"]
            for item in items:
                if all(item[name] == value for name, value in wanted.items()):
                    return item
            await asyncio.sleep(_PAUSE)
        message = f"{what}: not within {seconds:g} s; {path} says {json.dumps(items)}"
        raise StoryError(message)

    async def until(self, what: str, happens: Callable[[], Awaitable[bool]], *, seconds: float = 30) -> None:
        """Ask until it has happened.

        Raises:
            StoryError: It has not for that long.
        """
        deadline = time.monotonic() + seconds
        while not await happens():
            if time.monotonic() > deadline:
                message = f"{what}: not within {seconds:g} s"
                raise StoryError(message)
            await asyncio.sleep(_PAUSE)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()
