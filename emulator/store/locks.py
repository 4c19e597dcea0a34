"""The attributes of repositories, manifests and tags, which lock them (`az acr repository update`)."""

from enum import StrEnum

import msgspec

from emulator import errors
from emulator.store.database import Database
from emulator.store.names import Digest, Repository, Tag


class Permission(StrEnum):
    """What an attribute permits."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"
    LIST = "list"


class Attributes(msgspec.Struct, frozen=True, rename="camel"):
    """The changeable attributes of one thing. Everything is permitted until it is changed."""

    delete_enabled: bool = True
    write_enabled: bool = True
    list_enabled: bool = True
    read_enabled: bool = True

    def permits(self, permission: Permission) -> bool:
        """Tell whether these attributes permit it. What may not be written may not be deleted either."""
        match permission:
            case Permission.READ:
                return self.read_enabled
            case Permission.WRITE:
                return self.write_enabled
            case Permission.LIST:
                return self.list_enabled
            case Permission.DELETE:
                return self.delete_enabled and self.write_enabled


class Changes(msgspec.Struct, frozen=True, rename="camel"):
    """What a client asks to change; None leaves as is."""

    delete_enabled: bool | None = None
    write_enabled: bool | None = None
    list_enabled: bool | None = None
    read_enabled: bool | None = None


type Target = Tag | Digest | None  # None is the repository itself

_OPEN = Attributes()


class Locks:
    """The attributes kept for one registry."""

    def __init__(self, registry: str, database: Database) -> None:
        self._registry, self._database = registry, database

    def of(self, repository: Repository, target: Target) -> Attributes:
        """Read the attributes of a thing."""
        row = self._database.one(
            "select value from attributes where registry = ? and repository = ? and target = ?",
            self._registry,
            repository,
            _key(target),
        )
        return msgspec.json.decode(str(row[0]), type=Attributes) if row else _OPEN

    def change(self, repository: Repository, target: Target, changes: Changes) -> None:
        """Change the attributes of a thing."""
        wanted = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not None}
        attributes = msgspec.structs.replace(self.of(repository, target), **wanted)
        self._database.execute(
            "insert or replace into attributes values (?, ?, ?, ?)",
            self._registry,
            repository,
            _key(target),
            msgspec.json.encode(attributes).decode(),
        )

    def forget(self, repository: Repository, target: Target) -> None:
        """Drop the attributes of what is deleted."""
        self._database.execute(
            "delete from attributes where registry = ? and repository = ? and target = ?",
            self._registry,
            repository,
            _key(target),
        )

    def require(self, permission: Permission, repository: Repository, *targets: Target) -> None:
        """Check that neither the repository nor the targets forbid it.

        Raises:
            OciError: 405, naming what is locked.
        """
        for target in (None, *targets):
            if not self.of(repository, target).permits(permission):
                raise errors.locked(f"{repository} {_key(target)}".strip())


def _key(target: Target) -> str:
    return "" if target is None else str(target)
