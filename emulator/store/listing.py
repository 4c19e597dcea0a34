"""Lists of what one registry holds, page by page."""

from dataclasses import dataclass

from emulator import errors
from emulator.store.database import Database, Row
from emulator.store.manifest import Manifest
from emulator.store.names import Digest, Repository, Tag


@dataclass(frozen=True)
class Page:
    """Which part of a list: what comes after `last`, at most `size` items (None: all)."""

    last: str = ""
    size: int | None = None

    @property
    def limit(self) -> int:
        """Rows to read: one more than the page shows, so as to know whether it is the last."""
        return -1 if self.size is None else self.size + 1


@dataclass(frozen=True)
class TagEntry:
    """A tag, and when it came and last changed."""

    name: Tag
    digest: Digest
    created: str
    updated: str


@dataclass(frozen=True)
class ManifestEntry:
    """A manifest, and when it came and was last pushed."""

    manifest: Manifest
    created: str
    updated: str


class Listing:
    """The lists of one registry. What its attributes hide from lists is left out."""

    def __init__(self, registry: str, database: Database) -> None:
        self._registry, self._database = registry, database

    def exists(self, repository: Repository) -> bool:
        """Whether the registry has anything under that name."""
        return any(
            self._database.one(sql, self._registry, repository)
            for sql in (
                "select 1 from manifests where registry = ? and repository = ? limit 1",
                "select 1 from blobs where registry = ? and repository = ? limit 1",
            )
        )

    def require(self, repository: Repository) -> None:
        """Check that the registry has that repository.

        Raises:
            OciError: NAME_UNKNOWN.
        """
        if not self.exists(repository):
            raise errors.name_unknown(repository)

    def repositories(self, page: Page) -> list[str]:
        """List repositories that have manifests, by name."""
        rows = self._database.all(
            "select repository from listed_repositories where registry = ? and repository > ?"
            " order by repository limit ?",
            self._registry,
            page.last,
            page.limit,
        )
        return [str(name) for (name,) in rows]

    def tags(self, repository: Repository, page: Page, digest: Digest | None = None) -> list[TagEntry]:
        """List the tags of a repository, by name, or only those that hold a digest."""
        rows = self._database.all(
            "select tag, digest, created, updated from listed_tags"
            " where registry = ? and repository = ? and tag > ? and coalesce(?, digest) = digest"
            " order by tag limit ?",
            self._registry,
            repository,
            page.last,
            str(digest) if digest else None,
            page.limit,
        )
        return [TagEntry(Tag(str(t)), Digest.parse(str(d)), str(c), str(u)) for t, d, c, u in rows]

    def tag(self, repository: Repository, tag: Tag) -> TagEntry:
        """Read one tag.

        Raises:
            OciError: TAG_UNKNOWN.
        """
        row = self._database.one(
            "select digest, created, updated from tags where registry = ? and repository = ? and tag = ?",
            self._registry,
            repository,
            tag,
        )
        if not row:
            raise errors.tag_unknown(tag)
        return TagEntry(tag, Digest.parse(str(row[0])), str(row[1]), str(row[2]))

    def manifests(self, repository: Repository, page: Page, order: str = "none") -> list[ManifestEntry]:
        """List the manifests of a repository.

        Args:
            repository: Whose.
            page: Which; `last` is a digest.
            order: `timeasc` or `timedesc` by last push, else by digest.
        """
        sql = _ORDERS.get(order, _BY_DIGEST)
        rows = self._database.all(sql, self._registry, repository, page.last, page.limit)
        return [_manifest_entry(row) for row in rows]

    def manifest(self, repository: Repository, digest: Digest) -> ManifestEntry:
        """Read one manifest.

        Raises:
            OciError: MANIFEST_UNKNOWN.
        """
        row = self._database.one(
            "select digest, media_type, body, created, updated from manifests"
            " where registry = ? and repository = ? and digest = ?",
            self._registry,
            repository,
            str(digest),
        )
        if not row:
            raise errors.manifest_unknown(repository, str(digest))
        return _manifest_entry(row)

    def referrers(self, repository: Repository, subject: Digest) -> list[Manifest]:
        """List the manifests that refer to a digest, the oldest first."""
        rows = self._database.all(
            "select digest, media_type, body, created, updated from listed_manifests"
            " where registry = ? and repository = ? and subject = ? order by created",
            self._registry,
            repository,
            str(subject),
        )
        return [_manifest_entry(row).manifest for row in rows]

    def span(self, repository: Repository) -> tuple[str, str, int, int]:
        """Read when a repository was created and last updated, and how many manifests and tags it has."""
        self.require(repository)
        row = self._database.one(
            "select min(created), max(updated), count(*) from manifests"
            " where registry = ? and repository = ?",
            self._registry,
            repository,
        )
        created, updated, manifests = row or ("", "", 0)
        return str(created), str(updated), int(manifests or 0), len(self.tags(repository, Page()))


_BY_DIGEST = """
select digest, media_type, body, created, updated from listed_manifests
where registry = ?1 and repository = ?2 and digest > ?3 order by digest limit ?4
"""
_OLDEST_FIRST = """
select digest, media_type, body, created, updated from listed_manifests
where registry = ?1 and repository = ?2 and (updated, digest) > (coalesce(
  (select updated from manifests where registry = ?1 and repository = ?2 and digest = ?3), ''), ?3)
order by updated, digest limit ?4
"""
_NEWEST_FIRST = """
select digest, media_type, body, created, updated from listed_manifests
where registry = ?1 and repository = ?2 and (updated, digest) < (coalesce(
  (select updated from manifests where registry = ?1 and repository = ?2 and digest = ?3), '~'), ?3)
order by updated desc, digest desc limit ?4
"""
_ORDERS = {"none": _BY_DIGEST, "timeasc": _OLDEST_FIRST, "timedesc": _NEWEST_FIRST}


def _manifest_entry(row: Row) -> ManifestEntry:
    digest, media_type, body, created, updated = row
    content = body if isinstance(body, bytes) else b""
    manifest = Manifest(Digest.parse(str(digest)), str(media_type), content)
    return ManifestEntry(manifest, str(created), str(updated))
