"""Where images are imported from. Here: a registry of this emulator."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Protocol, override

from emulator.distribution.registry import Registry
from emulator.errors import ArmError
from emulator.store.locks import Permission
from emulator.store.manifest import Descriptor, Manifest
from emulator.store.names import Digest, Reference, Repository

_MOST_MANIFESTS = 50


class Source(Protocol):
    """A repository to import from."""

    async def manifest(self, reference: Reference) -> Manifest:
        """Read a manifest.

        Raises:
            ArmError: It cannot be read.
            OciError: It cannot be read, or is not valid.
        """

    async def blobs(self, descriptors: Iterable[Descriptor]) -> dict[Digest, int]:
        """See to it that the files of blobs are in the store, and give their sizes.

        Raises:
            ArmError: One cannot be read.
            OciError: One is other content than its digest says.
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
    async def blobs(self, descriptors: Iterable[Descriptor]) -> dict[Digest, int]:
        return {digest: self._size(digest) for digest in map(_digest, descriptors)}

    def _size(self, digest: Digest) -> int:
        size = self._registry.content.blob_size(self._repository, digest)
        if size is None:
            raise _missing(self._registry, self._repository, digest)
        return size


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
            raise import_failed(reason)

    await walk(reference)
    return list(found.values())


def _digest(descriptor: Descriptor) -> Digest:
    return Digest.parse(descriptor.digest)


def _missing(registry: Registry, repository: Repository, reference: object) -> ArmError:
    return import_failed(f"{registry.login_server}/{repository} has no {reference}")


def import_failed(reason: str) -> ArmError:
    """Describe why an image cannot be had."""
    return ArmError(HTTPStatus.BAD_REQUEST, "InvalidParameters", f"The import failed: {reason}.")
