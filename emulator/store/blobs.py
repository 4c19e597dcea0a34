"""Blobs as files, named by their digest, and the files on their way to become one."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from emulator import errors
from emulator.store.names import Digest


class IncomingFile:
    """Content that is still arriving: a file and its running hash."""

    def __init__(self, path: Path, algorithm: str) -> None:
        """Start, or take up again what a process before this one left behind."""
        self.path = path
        self._file = path.open("ab", buffering=0)
        self.size = self._file.tell()
        self._algorithm = algorithm
        # The hash of what an earlier process received is unknown: then the file is read again at the end.
        self._hash = None if self.size else hashlib.new(algorithm, usedforsecurity=False)

    def append(self, chunk: bytes) -> None:
        """Take the next bytes; none of them where they cannot be written, as on a full disk.

        Raises:
            OSError: They cannot be written.
        """
        rest = memoryview(chunk)
        try:
            while rest:  # what finds no room is not written, and no error until next time
                rest = rest[self._file.write(rest) :]
        except OSError:
            self.rewind(self.size)
            raise
        self.size += len(chunk)
        if self._hash:
            self._hash.update(chunk)

    def rewind(self, size: int) -> None:
        """Forget all after the first `size` bytes."""
        self._file.truncate(size)
        self._file.seek(size)
        self.size, self._hash = size, None

    async def digest(self, algorithm: str) -> Digest:
        """Compute the digest of what has arrived."""
        if self._hash and algorithm == self._algorithm:
            return Digest(algorithm, self._hash.hexdigest())
        return Digest(algorithm, await asyncio.to_thread(_hash_file, self.path, algorithm))

    def close(self) -> None:
        """Close the file and leave it."""
        self._file.close()

    def discard(self) -> None:
        """Close the file and remove it."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class BlobFiles:
    """The content-addressed folder. All registries share it: the same content is stored once."""

    def __init__(self, folder: Path) -> None:
        """Use, and create where needed, a folder."""
        self._blobs, self._incoming = folder / "blobs", folder / "uploads"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._held: Counter[str] = Counter()

    def path(self, digest: Digest) -> Path:
        """Where the content of that digest is, or would be."""
        return self._blobs / digest.algorithm / digest.hex[:2] / digest.hex

    def has(self, digest: Digest) -> bool:
        """Whether the content is here, whichever repository it belongs to."""
        return self.path(digest).exists()

    def folders(self) -> Iterator[list[Digest]]:
        """List what is here, folder by folder."""
        for folder in self._blobs.glob("*/*"):
            names = (path.name for path in folder.iterdir())
            yield [Digest(folder.parent.name, name) for name in names if re.fullmatch("[0-9a-f]+", name)]

    @contextmanager
    def holding(self, digests: Iterable[Digest]) -> Iterator[None]:
        """Keep the files of these digests, which no repository has yet, from being removed meanwhile."""
        held = [str(digest) for digest in digests]
        self._held.update(held)
        try:
            yield
        finally:
            self._held -= Counter(held)

    def remove(self, digest: Digest) -> int | None:
        """Remove a file that no repository has, and give the bytes that this freed; None where it is held."""
        if str(digest) in self._held:
            return None
        path = self.path(digest)
        size = path.stat().st_size
        path.unlink()
        return size

    def idle_since(self, name: str) -> float:
        """Read when a file on its way last received something, in seconds since the epoch; 0 without one."""
        path = self._incoming / name
        return path.stat().st_mtime if path.exists() else 0.0

    def receive(self, algorithm: str = "sha256", name: str | None = None) -> IncomingFile:
        """Open a file for content that is about to arrive."""
        return IncomingFile(self._incoming / (name or str(uuid4())), algorithm)

    def sweep(self, names: set[str]) -> None:
        """Remove what a killed process left half received, except what has one of these names."""
        for path in self._incoming.iterdir():
            if path.name not in names:
                path.unlink()

    async def keep(self, incoming: IncomingFile, digest: Digest) -> None:
        """Make what has arrived the blob of that digest.

        Raises:
            OciError: DIGEST_INVALID, when it is other content; it is removed.
        """
        if await incoming.digest(digest.algorithm) != digest:
            incoming.discard()
            raise errors.digest_mismatch(str(digest))
        incoming.close()
        target = self.path(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        incoming.path.replace(target)


def _hash_file(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
