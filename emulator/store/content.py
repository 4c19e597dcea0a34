"""What one registry holds: which repository has which blobs, manifests and tags."""

import time
from http import HTTPStatus

from emulator import errors
from emulator.clock import stamp
from emulator.errors import OciError
from emulator.store.database import Database
from emulator.store.locks import Locks, Permission
from emulator.store.manifest import Manifest
from emulator.store.names import Digest, Reference, Repository, Tag


class Content:
    """The blobs, manifests and tags of one registry."""

    def __init__(self, registry: str, database: Database, locks: Locks) -> None:
        self._registry, self._database, self._locks = registry, database, locks

    # Blobs

    def blob_size(self, repository: Repository, digest: Digest) -> int | None:
        """Bytes of a blob, or None where the repository does not have it."""
        row = self._database.one(
            "select size from blobs where registry = ? and repository = ? and digest = ?",
            self._registry,
            repository,
            str(digest),
        )
        return int(row[0] or 0) if row else None

    def repositories_with(self, digest: Digest) -> list[Repository]:
        """Read which repositories of the registry have a blob."""
        rows = self._database.all(
            "select repository from blobs where digest = ? and registry = ?", str(digest), self._registry
        )
        return [Repository(str(name)) for (name,) in rows]

    def add_blob(self, repository: Repository, digest: Digest, size: int) -> None:
        """Give a blob, whose file is there, to a repository."""
        self._database.execute(
            "insert into blobs values (?, ?, ?, ?, ?) on conflict do update set seen = excluded.seen",
            self._registry,
            repository,
            str(digest),
            size,
            time.time(),
        )

    def see_blob(self, repository: Repository, digest: Digest) -> int | None:
        """Do as `blob_size`, and note that a client was told: what it counts on is not collected now."""
        self._database.execute(
            "update blobs set seen = ? where registry = ? and repository = ? and digest = ?",
            time.time(),
            self._registry,
            repository,
            str(digest),
        )
        return self.blob_size(repository, digest)

    def delete_blob(self, repository: Repository, digest: Digest) -> None:
        """Take a blob from a repository; its file may serve others, and stays.

        Raises:
            OciError: BLOB_UNKNOWN.
        """
        self._locks.require(Permission.DELETE, repository)
        if not self._database.execute(
            "delete from blobs where registry = ? and repository = ? and digest = ?",
            self._registry,
            repository,
            str(digest),
        ):
            raise errors.blob_unknown(str(digest))

    def delete_blobs(self, repository: Repository) -> None:
        """Take all its blobs from a repository."""
        self._database.execute(
            "delete from blobs where registry = ? and repository = ?", self._registry, repository
        )

    # Manifests and tags

    def find(self, repository: Repository, reference: Reference) -> Manifest | None:
        """Read a manifest by tag or digest; None where there is none."""
        digest = reference if isinstance(reference, Digest) else self.tagged(repository, reference)
        row = digest and self._database.one(
            "select media_type, body from manifests where registry = ? and repository = ? and digest = ?",
            self._registry,
            repository,
            str(digest),
        )
        if not digest or not row:
            return None
        media_type, body = row
        return Manifest(digest, str(media_type), body if isinstance(body, bytes) else b"")

    def get(self, repository: Repository, reference: Reference) -> Manifest:
        """Read a manifest by tag or digest.

        Raises:
            OciError: MANIFEST_UNKNOWN.
        """
        if manifest := self.find(repository, reference):
            return manifest
        raise errors.manifest_unknown(repository, str(reference))

    def tagged(self, repository: Repository, tag: Tag) -> Digest | None:
        """Read which digest a tag holds."""
        row = self._database.one(
            "select digest from tags where registry = ? and repository = ? and tag = ?",
            self._registry,
            repository,
            tag,
        )
        return Digest.parse(str(row[0])) if row else None

    def tags_of(self, repository: Repository, digest: Digest) -> list[Tag]:
        """Read which tags hold a digest."""
        rows = self._database.all(
            "select tag from tags where registry = ? and repository = ? and digest = ? order by tag",
            self._registry,
            repository,
            str(digest),
        )
        return [Tag(str(tag)) for (tag,) in rows]

    def tags(self, repository: Repository) -> list[Tag]:
        """Read every tag of a repository."""
        rows = self._database.all(
            "select tag from tags where registry = ? and repository = ? order by tag",
            self._registry,
            repository,
        )
        return [Tag(str(tag)) for (tag,) in rows]

    def digests(self, repository: Repository) -> list[Digest]:
        """Read the digest of every manifest of a repository."""
        rows = self._database.all(
            "select digest from manifests where registry = ? and repository = ? order by digest",
            self._registry,
            repository,
        )
        return [Digest.parse(str(digest)) for (digest,) in rows]

    def require_complete(self, repository: Repository, manifest: Manifest) -> None:
        """Check that the repository has all that a manifest names.

        Raises:
            OciError: MANIFEST_BLOB_UNKNOWN, listing what is missing.
        """
        missing = [
            child.digest
            for child in manifest.children
            if not self.find(repository, Digest.parse(child.digest))
        ]
        missing += [
            blob.digest
            for blob in manifest.blobs
            if self.blob_size(repository, Digest.parse(blob.digest)) is None
        ]
        if missing:
            message = "manifest references a manifest or blob unknown to registry"
            raise OciError(
                HTTPStatus.NOT_FOUND, "MANIFEST_BLOB_UNKNOWN", message, detail={"digests": missing}
            )

    def put(self, repository: Repository, manifest: Manifest) -> None:
        """Store a manifest.

        Raises:
            OciError: 405, where the repository or the manifest is locked.
        """
        self._locks.require(Permission.WRITE, repository, manifest.digest)
        now = stamp()
        self._database.execute(
            "insert into manifests values (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " on conflict do update set updated = excluded.updated",
            self._registry,
            repository,
            str(manifest.digest),
            manifest.media_type,
            manifest.body,
            manifest.subject,
            manifest.artifact_type,
            now,
            now,
        )
        for blob in manifest.blobs:
            self._database.execute(
                "insert or ignore into named_blobs values (?, ?, ?, ?)",
                self._registry,
                repository,
                str(manifest.digest),
                blob.digest,
            )

    def put_tag(self, repository: Repository, tag: Tag, digest: Digest) -> None:
        """Let a tag hold a digest.

        Raises:
            OciError: 405, where the repository or the tag is locked.
        """
        self._locks.require(Permission.WRITE, repository, tag)
        now = stamp()
        self._database.execute(
            "insert into tags values (?, ?, ?, ?, ?, ?)"
            " on conflict do update set digest = excluded.digest, updated = excluded.updated",
            self._registry,
            repository,
            tag,
            str(digest),
            now,
            now,
        )

    def delete(self, repository: Repository, digest: Digest) -> Manifest:
        """Delete a manifest with its tags, and give what was deleted.

        Raises:
            OciError: MANIFEST_UNKNOWN; 405 where it, its repository or one of its tags is locked.
        """
        manifest = self.get(repository, digest)
        self._locks.require(Permission.DELETE, repository, digest)
        for tag in self.tags_of(repository, digest):
            self.delete_tag(repository, tag)
        self._database.execute(
            "delete from manifests where registry = ? and repository = ? and digest = ?",
            self._registry,
            repository,
            str(digest),
        )
        self._database.execute(
            "delete from named_blobs where registry = ? and repository = ? and manifest = ?",
            self._registry,
            repository,
            str(digest),
        )
        self._locks.forget(repository, digest)
        return manifest

    def delete_tag(self, repository: Repository, tag: Tag) -> None:
        """Delete a tag; its manifest stays.

        Raises:
            OciError: TAG_UNKNOWN; 405 where it or its repository is locked.
        """
        self._locks.require(Permission.DELETE, repository, tag)
        if not self._database.execute(
            "delete from tags where registry = ? and repository = ? and tag = ?",
            self._registry,
            repository,
            tag,
        ):
            raise errors.tag_unknown(tag)
        self._locks.forget(repository, tag)
