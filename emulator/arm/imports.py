"""Importing images: accepted, run beside the requests, and taken up again after a restart."""

import asyncio
import logging
import sqlite3
from collections.abc import Iterable, Mapping
from http import HTTPStatus

import aiohttp

from emulator.arm.foreign import ForeignSource
from emulator.arm.operations import ImportOperation, Operations, State
from emulator.arm.parameters import ImageImport, ImportParameters, Target, image_import
from emulator.arm.registries import find_registry
from emulator.arm.sources import LocalSource, Source, read_image
from emulator.background import Background
from emulator.distribution.intruder import intrude
from emulator.distribution.registry import Registry, ResourceId, without_tls
from emulator.errors import ArmError, OciError, unexpected
from emulator.eventgrid.event import Caller
from emulator.faults import Effect, Fault, Faults, Operation, SameDigest
from emulator.store.blobs import BlobFiles
from emulator.store.database import Database
from emulator.store.manifest import Manifest
from emulator.store.names import Digest

_log = logging.getLogger(__name__)

_AT_ONCE = 16
_RECORD_AGAIN = 1  # seconds
_CALLER = Caller("PUT", "ACR-Import")


class Imports:
    """The imports into all registries of this emulator."""

    def __init__(
        self,
        registries: Mapping[str, Registry],
        database: Database,
        blobs: BlobFiles,
        session: aiohttp.ClientSession,
        faults: Faults,
        seconds: float,
    ) -> None:
        """Take what imports work on.

        Args:
            registries: The registries, by lower-case name.
            database: Where operations and content are written together.
            blobs: Where foreign blobs go.
            session: Reads foreign registries.
            faults: What goes wrong.
            seconds: How long an import takes.
        """
        self.operations = Operations(database)
        self._registries, self._database, self._blobs = registries, database, blobs
        self._session, self._faults, self._seconds = session, faults, seconds
        self._background = Background()
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._waiting: set[str] = set()

    def start(self) -> None:
        """Take up what the last process left unfinished."""
        for operation in self.operations.unfinished():
            self._run_beside(operation)

    async def stop(self, grace: float) -> None:
        """End what is being copied, within `grace` seconds. The rest is taken up by the next process."""
        for identifier in self._waiting:
            self._running[identifier].cancel()
        await self._background.stop(grace)

    @property
    def idle(self) -> bool:
        """Whether no import is running."""
        return not self._running

    def submit(self, target: Registry, parameters: ImportParameters) -> ImportOperation:
        """Accept an import, and start it.

        Raises:
            ArmError: 400 not valid; 404 no such source registry; 409 a target tag is taken.
        """
        wanted = image_import(parameters)
        self._source(parameters, wanted)
        self._require_free(target, wanted, self._known_digest(parameters, wanted))
        operation = self.operations.add(target.name, parameters)
        self._run_beside(operation)
        return operation

    async def finished(self, operation: ImportOperation) -> ImportOperation:
        """Wait for an import's end."""
        if task := self._running.get(operation.id):
            await asyncio.wait({task})
        return self.operations.find(operation.id) or operation

    def _run_beside(self, operation: ImportOperation) -> None:
        task = self._background.start(self._run(operation), f"import {operation.id}")
        self._running[operation.id] = task
        task.add_done_callback(lambda _: self._running.pop(operation.id, None))

    async def _run(self, operation: ImportOperation) -> None:
        wanted = image_import(operation.parameters)
        drawn = self._faults.draw(Operation.IMPORT_RUN, operation.registry, wanted.subject)
        delay = drawn.get(Effect.DELAY)
        await self._pause(operation, self._seconds + (delay.seconds if delay else 0))
        if Effect.STUCK in drawn:
            await self._pause(operation, None)
        for effect, state in ((Effect.FAIL, State.FAILED), (Effect.FAILED_BODY, State.FAILED_QUIETLY)):
            if fault := drawn.get(effect):
                error = ArmError(fault.status, fault.code or "InjectedFault", fault.message)
                await self._fail(operation, error, state)
                return
        try:
            async with self._gate:
                await self._copy(operation, wanted, drawn)
        except ArmError as error:
            await self._fail(operation, error)
        except OciError as error:
            message = f"{error.message} {error.detail or ''}".strip()
            await self._fail(operation, ArmError(error.status, error.code, message))
        except Exception as error:
            await self._fail(operation, unexpected(error))
            raise

    async def _fail(self, operation: ImportOperation, error: ArmError, state: State = State.FAILED) -> None:
        """Record a failure, as soon as it can be: on a full disk, who polls waits until there is room."""
        while True:
            try:
                self.operations.fail(operation, error, state)
            except sqlite3.Error as full:
                _log.error("%s: its failure cannot be kept (%s)", operation.id, full)
                await self._pause(operation, _RECORD_AGAIN)
            else:
                return

    async def _pause(self, operation: ImportOperation, seconds: float | None) -> None:
        if seconds == 0:
            return
        self._waiting.add(operation.id)
        try:
            async with asyncio.timeout(seconds):
                await asyncio.Event().wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(operation.id)

    async def _copy(
        self, operation: ImportOperation, wanted: ImageImport, drawn: Mapping[Effect, Fault]
    ) -> None:
        registry = self._registries.get(operation.registry.lower())
        if registry is None:  # it was served before a restart
            message = f"The registry {operation.registry} is not there any more."
            raise ArmError(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)
        source = self._source(operation.parameters, wanted)
        manifests = await read_image(source, wanted.reference)
        descriptors = {blob.digest: blob for manifest in manifests for blob in manifest.blobs}
        with self._blobs.holding(Digest.parse(digest) for digest in descriptors):
            blobs = await source.blobs(list(descriptors.values()))
            if Effect.TAG_TAKEN in drawn:
                await _race(registry, wanted)
            with self._database.transaction():
                self._write(registry, wanted, manifests, blobs)
                self.operations.succeed(operation)
        if Effect.TAG_MOVED in drawn:
            await _race(registry, wanted)

    def _write(
        self, registry: Registry, wanted: ImageImport, manifests: list[Manifest], blobs: Mapping[Digest, int]
    ) -> None:
        image = manifests[-1]
        self._require_free(registry, wanted, image.digest)
        for repository in {target.repository for target in wanted.targets}:
            for digest, size in blobs.items():
                registry.content.add_blob(repository, digest, size)
            for manifest in manifests:
                if not registry.content.find(repository, manifest.digest):
                    registry.content.put(repository, manifest)
        for target in wanted.targets:
            if target.tag:
                registry.content.put_tag(target.repository, target.tag, image.digest)
            if self._faults.import_echo:
                tags = [target.tag] if target.tag else []
                registry.announce_push(target.repository, image, tags, _CALLER)

    def _require_free(self, registry: Registry, wanted: ImageImport, digest: Digest | None) -> None:
        if not wanted.force and (taken := self._taken(registry, wanted.targets, digest)):
            message = f"Tag {taken} already exists in target registry."
            raise ArmError(HTTPStatus.CONFLICT, "Conflict", message)

    def _taken(self, registry: Registry, targets: Iterable[Target], digest: Digest | None) -> Target | None:
        tolerant = self._faults.no_force_same_digest is SameDigest.SUCCESS
        for target in targets:
            held = target.tag and registry.content.tagged(target.repository, target.tag)
            if held and not (tolerant and digest in (None, held)):
                return target
        return None

    def _known_digest(self, parameters: ImportParameters, wanted: ImageImport) -> Digest | None:
        if isinstance(wanted.reference, Digest):
            return wanted.reference
        registry = self._source_registry(parameters)
        return registry.content.tagged(wanted.repository, wanted.reference) if registry else None

    def _source(self, parameters: ImportParameters, wanted: ImageImport) -> Source:
        if registry := self._source_registry(parameters):
            return LocalSource(registry, wanted.repository)
        uri = without_tls(parameters.source.registry_uri or "", self._registries.values())
        credentials = parameters.source.credentials
        return ForeignSource(self._session, self._blobs, uri, wanted.repository, credentials)

    def _source_registry(self, parameters: ImportParameters) -> Registry | None:
        """Find the source by its resource id; None where it is named by its address, this emulator's too."""
        text = parameters.source.resource_id
        return find_registry(self._registries, ResourceId.parse(text), text) if text else None


async def _race(registry: Registry, wanted: ImageImport) -> None:
    for target in wanted.targets:
        if target.tag:
            await intrude(registry, target.repository, target.tag)
