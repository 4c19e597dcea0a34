"""Where images are imported from: a registry of this emulator, or any other over HTTP."""

import re
from http import HTTPStatus
from ipaddress import ip_address
from typing import Protocol, override

import aiohttp

from emulator.arm.parameters import Credentials
from emulator.distribution.registry import Registry
from emulator.errors import ArmError
from emulator.store.blobs import BlobFiles
from emulator.store.locks import Permission
from emulator.store.manifest import ACCEPTED, LARGEST_MANIFEST, Descriptor, Manifest
from emulator.store.names import Digest, Reference, Repository

_CHUNK = 1 << 20
_MOST_MANIFESTS = 50


class Source(Protocol):
    """A repository to import from."""

    async def manifest(self, reference: Reference) -> Manifest:
        """Read a manifest.

        Raises:
            ArmError: It cannot be read.
            OciError: It cannot be read, or is not valid.
        """

    async def blob(self, descriptor: Descriptor) -> int:
        """See to it that a blob's file is in the store, and give its size.

        Raises:
            ArmError: It cannot be read.
            OciError: It is other content than its digest says.
        """


class LocalSource(Source):
    """A repository of this emulator: its blobs are in the store already."""

    def __init__(self, registry: Registry, repository: Repository) -> None:
        self._registry, self._repository = registry, repository

    @override
    async def manifest(self, reference: Reference) -> Manifest:
        self._registry.locks.require(Permission.READ, self._repository, reference)
        manifest = self._registry.content.find(self._repository, reference)
        if manifest is None:
            raise _missing(self._registry, self._repository, reference)
        return manifest

    @override
    async def blob(self, descriptor: Descriptor) -> int:
        size = self._registry.content.blob_size(self._repository, Digest.parse(descriptor.digest))
        if size is None:
            raise _missing(self._registry, self._repository, descriptor.digest)
        return size


class ForeignSource(Source):
    """A repository of another registry, read over the distribution API."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        blobs: BlobFiles,
        registry_uri: str,
        repository: Repository,
        credentials: Credentials | None,
    ) -> None:
        self._session, self._blobs = session, blobs
        self._base, self._repository = f"{base_url(registry_uri)}/v2/{repository}", repository
        self._headers = {"Accept-Encoding": "identity"}
        if credentials:
            basic = aiohttp.encode_basic_auth(credentials.username or "", credentials.password)
            self._headers["Authorization"] = basic

    @override
    async def manifest(self, reference: Reference) -> Manifest:
        headers = self._headers | {"Accept": ", ".join(ACCEPTED)}
        url = f"{self._base}/manifests/{reference}"
        try:
            async with self._session.get(url, headers=headers) as answer:
                _require_ok(answer, url)
                body = await answer.content.read(LARGEST_MANIFEST + 1)
                while not answer.content.at_eof() and len(body) <= LARGEST_MANIFEST:
                    body += await answer.content.read(LARGEST_MANIFEST + 1 - len(body))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unavailable(url, error) from None
        if len(body) > LARGEST_MANIFEST:
            reason = f"{url} is larger than 4 MiB"
            raise _failed(reason)
        return Manifest.parse(body, answer.content_type, reference if isinstance(reference, Digest) else None)

    @override
    async def blob(self, descriptor: Descriptor) -> int:
        digest = Digest.parse(descriptor.digest)
        if self._blobs.has(digest):
            return self._blobs.path(digest).stat().st_size
        url = f"{self._base}/blobs/{digest}"
        incoming = self._blobs.receive(digest.algorithm)
        try:
            async with self._session.get(url, headers=self._headers) as answer:
                _require_ok(answer, url)
                async for chunk in answer.content.iter_chunked(_CHUNK):
                    incoming.append(chunk)
            await self._blobs.keep(incoming, digest)
        except (aiohttp.ClientError, TimeoutError) as error:
            incoming.discard()
            raise _unavailable(url, error) from None
        except BaseException:
            incoming.discard()
            raise
        return incoming.size


async def read_image(source: Source, reference: Reference) -> list[Manifest]:
    """Read an image's manifests, all that an index holds, children before parents.

    Raises:
        ArmError: One is missing, or there are more than 50 (Microsoft Learn: Import container images).
        OciError: One is not valid.
    """
    found: dict[Digest, Manifest] = {}

    async def walk(reference: Reference) -> None:
        manifest = await source.manifest(reference)
        for child in manifest.children:
            digest = Digest.parse(child.digest)
            if digest not in found:
                await walk(digest)
        found[manifest.digest] = manifest
        if len(found) > _MOST_MANIFESTS:
            reason = f"the image has more than {_MOST_MANIFESTS} manifests"
            raise _failed(reason)

    await walk(reference)
    return list(found.values())


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
            raise _failed(reason)
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            message = f"The source registry refused access to {url} ({answer.status})."
            raise ArmError(HTTPStatus.BAD_REQUEST, "UnauthorizedForCredentialOperations", message)
        case status:
            raise _unavailable(url, status)


def _missing(registry: Registry, repository: Repository, reference: object) -> ArmError:
    return _failed(f"{registry.login_server}/{repository} has no {reference}")


def _failed(reason: str) -> ArmError:
    return ArmError(HTTPStatus.BAD_REQUEST, "InvalidParameters", f"The import failed: {reason}.")


def _unavailable(url: str, error: object) -> ArmError:
    return ArmError(HTTPStatus.BAD_REQUEST, "SourceUnavailable", f"{url} could not be read: {error}.")
