"""Images of a registry that is not this emulator's, read over the distribution API."""

import asyncio
import re
from collections.abc import Iterable
from http import HTTPStatus
from ipaddress import ip_address
from typing import override

import aiohttp

from emulator.arm.parameters import Credentials
from emulator.arm.sign_in import SignedIn
from emulator.arm.sources import Source, import_failed
from emulator.errors import ArmError, OciError
from emulator.store.blobs import BlobFiles, IncomingFile
from emulator.store.manifest import ACCEPTED, LARGEST_MANIFEST, Descriptor, Manifest
from emulator.store.names import Digest, Reference, Repository

_CHUNK = 1 << 20
_AT_ONCE = 4
_HEADERS = {"Accept-Encoding": "identity"}


class ForeignSource(Source):
    """A repository of another registry."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        blobs: BlobFiles,
        registry_uri: str,
        repository: Repository,
        credentials: Credentials | None,
    ) -> None:
        self._blobs, self._base = blobs, f"{base_url(registry_uri)}/v2/{repository}"
        self._signed_in = SignedIn(session, credentials, f"repository:{repository}:pull")

    @override
    async def manifest(self, reference: Reference) -> Manifest:
        headers = _HEADERS | {"Accept": ", ".join(ACCEPTED)}
        url = f"{self._base}/manifests/{reference}"
        try:
            async with self._signed_in.get(url, headers) as answer:
                _require_ok(answer, url)
                body = await answer.content.read(LARGEST_MANIFEST + 1)
                while not answer.content.at_eof() and len(body) <= LARGEST_MANIFEST:
                    body += await answer.content.read(LARGEST_MANIFEST + 1 - len(body))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unavailable(url, error) from None
        if len(body) > LARGEST_MANIFEST:
            reason = f"{url} is larger than 4 MiB"
            raise import_failed(reason)
        return Manifest.parse(body, answer.content_type, reference if isinstance(reference, Digest) else None)

    @override
    async def blobs(self, descriptors: Iterable[Descriptor]) -> dict[Digest, int]:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def fetch(descriptor: Descriptor) -> tuple[Digest, int]:
            async with gate:
                return Digest.parse(descriptor.digest), await self._blob(descriptor)

        tasks: list[asyncio.Task[tuple[Digest, int]]] = []
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(fetch(each)) for each in descriptors]
        except* (ArmError, OciError) as errors:
            raise _first(errors) from None
        return dict(task.result() for task in tasks)

    async def _blob(self, descriptor: Descriptor) -> int:
        digest = Digest.parse(descriptor.digest)
        if self._blobs.has(digest):
            return self._blobs.path(digest).stat().st_size
        incoming = self._blobs.receive(digest.algorithm)
        try:
            await self._receive(incoming, descriptor)
            await self._blobs.keep(incoming, digest)
        except BaseException:
            incoming.discard()
            raise
        return incoming.size

    async def _receive(self, incoming: IncomingFile, descriptor: Descriptor) -> None:
        url = f"{self._base}/blobs/{descriptor.digest}"
        try:
            async with self._signed_in.get(url, _HEADERS) as answer:
                _require_ok(answer, url)
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    incoming.append(chunk)
                    if incoming.size > descriptor.size:
                        reason = f"{url} is larger than the manifest says"
                        raise import_failed(reason)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unavailable(url, error) from None


def base_url(registry_uri: str) -> str:
    """Make an address of a registry's URI. Without a scheme it is http on loopback, else https."""
    if re.match(r"https?://", registry_uri):
        return registry_uri.rstrip("/")
    host = registry_uri.strip("/")
    return f"{'http' if _is_loopback(host.rpartition(':')[0] or host) else 'https'}://{host}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _require_ok(answer: aiohttp.ClientResponse, url: str) -> None:
    match answer.status:
        case HTTPStatus.OK:
            return
        case HTTPStatus.NOT_FOUND:
            reason = f"{url} was not found"
            raise import_failed(reason)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            message = f"The source registry refused access to {url} ({answer.status})."
            raise ArmError(HTTPStatus.BAD_REQUEST, "UnauthorizedForCredentialOperations", message)
        case status:
            raise _unavailable(url, status)


def _first(errors: BaseExceptionGroup[ArmError | OciError]) -> ArmError | OciError:
    error = errors.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


def _unavailable(url: str, error: object) -> ArmError:
    return ArmError(HTTPStatus.BAD_REQUEST, "SourceUnavailable", f"{url} could not be read: {error}.")
