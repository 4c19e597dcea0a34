"""Garbage collection: blobs that no manifest names, files that no repository has, uploads that nobody ends.

A blob that a client pushed, or was told of, is spared for a grace period: its manifest may be on the way.
What is decided and what is removed go together between two awaits, so nothing changes in between.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from emulator.store.blobs import BlobFiles
from emulator.store.database import Database
from emulator.store.names import Digest
from emulator.store.uploads import Uploads


@dataclass(frozen=True)
class Spare:
    """What a collection leaves alone.

    Attributes:
        blobs: Seconds since a blob that no manifest names was pushed or asked for.
        uploads: Seconds since an upload received something.
    """

    blobs: float = 3600.0
    uploads: float = 24 * 3600.0


@dataclass(frozen=True)
class Collected:
    """What a collection removed.

    Attributes:
        blobs: From repositories.
        files: From the disk; one may have served several repositories.
        bytes: Size of these files.
        uploads: Sessions.
    """

    blobs: int
    files: int
    bytes: int
    uploads: int


class Collector:
    """The garbage collection of all registries."""

    def __init__(self, database: Database, blobs: BlobFiles, uploads: Iterable[Uploads]) -> None:
        self._database, self._blobs, self._uploads = database, blobs, list(uploads)

    async def collect(self, spare: Spare) -> Collected:
        """Remove what nothing names."""
        now = time.time()
        uploads = sum(each.expire(now - spare.uploads) for each in self._uploads)
        blobs = self._database.execute(_DELETE_UNNAMED, now - spare.blobs)
        freed: list[int] = []
        for folder in self._blobs.folders():
            removed = [self._blobs.remove(digest) for digest in folder if not self._is_used(digest)]
            freed += [size for size in removed if size is not None]
            await asyncio.sleep(0)
        return Collected(blobs, len(freed), sum(freed), uploads)

    def _is_used(self, digest: Digest) -> bool:
        return self._database.one("select 1 from blobs where digest = ? limit 1", str(digest)) is not None


_DELETE_UNNAMED = """
delete from blobs where seen <= ? and not exists (
  select 1 from named_blobs n
  where n.registry = blobs.registry and n.repository = blobs.repository and n.digest = blobs.digest)
"""
