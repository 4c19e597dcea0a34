"""The secrets of one registry: the key that signs its tokens, the passwords of its admin user."""

import secrets
from enum import StrEnum

from emulator.store.database import Database

_KEY = "signing-key"


class Password(StrEnum):
    """The passwords of a registry's admin user: two, so that one can be renewed while the other is used."""

    FIRST = "password"
    SECOND = "password2"


class Credentials:
    """Made up at first use, and kept: a token and a password outlive the process."""

    def __init__(self, registry: str, database: Database) -> None:
        self._registry, self._database = registry, database

    @property
    def signing_key(self) -> bytes:
        """The key that tokens are signed with."""
        return self._read(_KEY).encode()

    def password(self, name: Password) -> str:
        """Read a password of the admin user."""
        return self._read(name)

    def renew(self, name: Password) -> None:
        """Make a new password; the old one is good no more."""
        self._database.execute(
            "delete from credentials where registry = ? and name = ?", self._registry, name
        )

    def knows(self, password: str) -> bool:
        """Tell whether this is one of the two passwords."""
        return any(secrets.compare_digest(password.encode(), self._read(name).encode()) for name in Password)

    def _read(self, name: str) -> str:
        row = self._database.one(
            "select value from credentials where registry = ? and name = ?", self._registry, name
        )
        if row:
            return str(row[0])
        value = secrets.token_urlsafe(32)
        self._database.execute("insert into credentials values (?, ?, ?)", self._registry, name, value)
        return value
