"""Blob uploads in progress (distribution-spec: Pushing blobs). They outlive the process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from emulator.errors import OciError
from emulator.store.blobs import BlobFiles, IncomingFile
from emulator.store.database import Database
from emulator.store.names import Digest, Repository


@dataclass
class Upload:
    """One upload session."""

    id: str
    repository: Repository
    incoming: IncomingFile
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Uploads:
    """The upload sessions of one registry."""

    def __init__(self, registry: str, database: Database, blobs: BlobFiles) -> None:
        self._registry, self._database, self._blobs = registry, database, blobs
        self._open: dict[str, Upload] = {}

    def start(self, repository: Repository, algorithm: str) -> Upload:
        """Open a session."""
        session = str(uuid4())
        self._database.execute(
            "insert into uploads values (?, ?, ?, ?, ?)",
            session,
            self._registry,
            repository,
            algorithm,
            time.time(),
        )
        return self._resume(session, repository, algorithm)

    @asynccontextmanager
    async def hold(self, repository: Repository, session: str) -> AsyncIterator[Upload]:
        """Find a session, also one that was opened before a restart, and keep other requests away from it.

        Raises:
            OciError: BLOB_UPLOAD_UNKNOWN.
        """
        waited_for = self._find(repository, session)
        async with waited_for.lock:
            yield self._find(repository, session)  # while waiting, it may have ended

    def _find(self, repository: Repository, session: str) -> Upload:
        if (upload := self._open.get(session)) and upload.repository == repository:
            return upload
        row = self._database.one(
            "select algorithm from uploads where id = ? and registry = ? and repository = ?",
            session,
            self._registry,
            repository,
        )
        if not row:
            raise OciError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        return self._resume(session, repository, str(row[0]))

    def _resume(self, session: str, repository: Repository, algorithm: str) -> Upload:
        upload = Upload(session, repository, self._blobs.receive(algorithm, session))
        self._open[session] = upload
        return upload

    async def finish(self, upload: Upload, digest: Digest) -> int:
        """Turn a session into a blob, and give its size. The session ends, also where the digest is wrong.

        Raises:
            OciError: DIGEST_INVALID.
        """
        self._forget(upload)
        await self._blobs.keep(upload.incoming, digest)
        return upload.incoming.size

    def cancel(self, upload: Upload) -> None:
        """End a session and remove what it received."""
        upload.incoming.discard()
        self._forget(upload)

    def expire(self, before: float) -> int:
        """End the sessions that received nothing since `before`, and say how many.

        Args:
            before: Seconds since the epoch.
        """
        rows = self._database.all("select id, repository from uploads where registry = ?", self._registry)
        ended = 0
        for session, repository in rows:
            if self._blobs.idle_since(str(session)) > before:
                continue
            upload = self._find(Repository(str(repository)), str(session))
            if not upload.lock.locked():
                self.cancel(upload)
                ended += 1
        return ended

    def _forget(self, upload: Upload) -> None:
        self._open.pop(upload.id, None)
        self._database.execute("delete from uploads where id = ?", upload.id)

    def close(self) -> None:
        """Close the files; the sessions stay."""
        for upload in self._open.values():
            upload.incoming.close()
        self._open.clear()
