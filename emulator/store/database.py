"""The SQLite file: its schema, and transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator.errors import StartError

type Value = str | int | float | bytes | None
type Row = tuple[Value, ...]

_VERSION = 3
_SCHEMA = """
create table blobs (
  registry text, repository text, digest text, size integer, seen real,
  primary key (registry, repository, digest)) without rowid;
create index blobs_by_digest on blobs (digest, registry);
create table named_blobs (
  registry text, repository text, manifest text, digest text,
  primary key (registry, repository, digest, manifest)) without rowid;
create index named_blobs_by_manifest on named_blobs (registry, repository, manifest);
create table uploads (
  id text primary key, registry text, repository text, algorithm text, started real) without rowid;
create table manifests (
  registry text, repository text, digest text, media_type text, body blob, subject text, artifact_type text,
  created text, updated text, primary key (registry, repository, digest));
create index manifests_by_subject on manifests (registry, repository, subject) where subject is not null;
create table tags (
  registry text, repository text, tag text, digest text, created text, updated text,
  primary key (registry, repository, tag)) without rowid;
create index tags_by_digest on tags (registry, repository, digest);
create table attributes (
  registry text, repository text, target text, value text,
  primary key (registry, repository, target)) without rowid;
create view listed_tags as select * from tags where not exists (
  select 1 from attributes a where a.registry = tags.registry and a.repository = tags.repository
  and a.target = tags.tag and json_extract(a.value, '$.listEnabled') = 0);
create view listed_manifests as select * from manifests where not exists (
  select 1 from attributes a where a.registry = manifests.registry and a.repository = manifests.repository
  and a.target = manifests.digest and json_extract(a.value, '$.listEnabled') = 0);
create view listed_repositories as select distinct registry, repository from manifests where not exists (
  select 1 from attributes a where a.registry = manifests.registry and a.repository = manifests.repository
  and a.target = '' and json_extract(a.value, '$.listEnabled') = 0);
create table credentials (
  registry text, name text, value text, primary key (registry, name)) without rowid;
create table principals (name text primary key, assignments text) without rowid;
create table operations (
  id text primary key, registry text, request text, state text, code text, message text, started real);
create table sites (site text, slot text, document text, primary key (site, slot)) without rowid;
create table swaps (
  id text primary key, site text, source text, target text, state text, code text, message text,
  started real) without rowid;
create table topics (name text primary key, schema text) without rowid;
create table subscriptions (
  name text primary key, definition text, validated integer, delivered integer, dead_lettered integer,
  dropped integer) without rowid;
create table events (id integer primary key autoincrement, body text, published real);
create table deliveries (
  id integer primary key autoincrement, event integer, subscription text, fate text, attempts integer,
  added real, due real, held integer, status integer, outcome text, attempted real, reason text,
  given_up real);
create index deliveries_due on deliveries (subscription, due) where fate = 'pending';
create index deliveries_by_event on deliveries (event);
"""


class Database:
    """One connection to one file, owned by one process.

    Kill the process at any time: what a finished transaction wrote is there afterwards.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, and create it where there is none.

        Raises:
            StartError: Another process has it open, or another version of the emulator wrote it.
            sqlite3.Error: It is no database, or cannot be written.
        """
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=0.5)
        try:
            self._open()
        except sqlite3.Error as error:
            self._connection.close()
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            message = f"{path} is in use: stop the emulator that has it, or give another --data ({error})"
            raise StartError(message) from error
        except StartError:
            self._connection.close()
            raise

    def _open(self) -> None:
        self._connection.executescript(
            "pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal;"
        )
        with self.transaction():
            (version,) = self._connection.execute("pragma user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"pragma user_version = {_VERSION}")
            elif version != _VERSION:
                message = f"the data has format {version}, this emulator {_VERSION}: give another --data"
                raise StartError(message)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all of what is inside, or nothing. A transaction inside another joins it."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("begin immediate")
        try:
            yield
            self._connection.execute("commit")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # on a full disk, SQLite may have done so by itself
            self._connection.execute("rollback")

    def execute(self, sql: str, *values: Value) -> int:
        """Change rows, and say how many."""
        return self._connection.execute(sql, values).rowcount

    def insert(self, sql: str, *values: Value) -> int:
        """Insert one row, and give its rowid."""
        return self._connection.execute(sql, values).lastrowid or 0

    def one(self, sql: str, *values: Value) -> Row | None:
        """Read the first row, if there is one."""
        row: Row | None = self._connection.execute(sql, values).fetchone()
        return row

    def all(self, sql: str, *values: Value) -> list[Row]:
        """Read every row."""
        return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
