"""The app settings, read once at the start, with every problem listed; and the clock on the wall."""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import override
from urllib.parse import urlsplit

import msgspec

from promoter.domain.errors import SettingsError

STORAGE = "PromoterStorage"
ARM_URL = "https://management.azure.com"
# Flex Consumption has no instance ids: azure-functions-host, EnvironmentExtensions.cs, IsFlexConsumptionSku.
_AZURE = ("WEBSITE_INSTANCE_ID", "WEBSITE_SITE_NAME", "WEBSITE_SKU", "LEGION_SERVICE_HOST")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_AZURITE = (
    "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;"
    "AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;"
    "QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)


class Secret:
    """A text that does not show itself."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one call that needs it."""
        return self._text

    @override
    def __repr__(self) -> str:
        return "Secret(...)"


class KeyedStorage(msgspec.Struct, frozen=True):
    """A storage account known by its connection string."""

    connection: Secret


class IdentityStorage(msgspec.Struct, frozen=True):
    """A storage account that lets the app's identity in."""

    table_url: str
    queue_url: str


type Storage = KeyedStorage | IdentityStorage


class Topic(msgspec.Struct, frozen=True):
    """The Event Grid topic that changes are published to; without a key the app's identity is let in."""

    url: str
    key: Secret | None


class Auth(StrEnum):
    """How callers of the HTTP API are known.

    `entra`: by the platform's authentication. `keys`: not at all, beyond holding a function's key. `local`:
    as they say themselves.
    """

    ENTRA = "entra"
    KEYS = "keys"
    LOCAL = "local"


class Access(msgspec.Struct, frozen=True):
    """How callers are known, and what that rests on.

    Attributes:
        platform: Whether the platform's authentication is on. Only then are its headers its own: where it is
            off, whoever calls can write them.
    """

    auth: Auth
    platform: bool = False


class Settings(msgspec.Struct, frozen=True):
    """What the app settings say.

    Attributes:
        storage: Where evidence, promotions and the work queue are.
        arm_url: Azure Resource Manager; over http only an emulator on this machine.
        policy: The policy file.
        client_id: Of the user-assigned managed identity, where the app has one.
        in_azure: Whether the app runs in Azure.
        topic: Where changes are published; None where nobody is to be told.
    """

    storage: Storage
    arm_url: str
    policy: Path
    access: Access
    client_id: str | None
    in_azure: bool
    topic: Topic | None = None


def load_settings(environment: Mapping[str, str], folder: Path) -> Settings:
    """Read the settings.

    Args:
        environment: Names and values, as in `os.environ`.
        folder: The app's folder; the policy file's path is taken from here.

    Raises:
        SettingsError: With every problem found.
    """
    reader = _Reader(environment)
    storage, access = reader.storage(), reader.access()
    arm_url = reader.url("PROMOTER_ARM_URL", ARM_URL)
    topic = reader.topic()
    if storage is None or reader.problems:
        raise SettingsError(reader.problems)
    return Settings(
        storage=storage,
        arm_url=arm_url,
        policy=folder / reader.text("PROMOTER_POLICY", "policy.yaml"),
        access=access,
        client_id=reader.text(f"{STORAGE}__clientId") or reader.text("AZURE_CLIENT_ID") or None,
        in_azure=reader.in_azure,
        topic=topic,
    )


def load_access(environment: Mapping[str, str]) -> Access | None:
    """How callers are known, also where other settings have problems; None where that cannot be told."""
    reader = _Reader(environment)
    access = reader.access()
    return None if reader.problems else access


class SystemClock:
    """The time as this machine has it."""

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)


class _Reader:
    """Reads one setting after another, and keeps what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    @property
    def in_azure(self) -> bool:
        """Whether the platform has marked this as one of its instances."""
        return any(self.text(name) for name in _AZURE)

    def text(self, name: str, default: str = "") -> str:
        return self._environment.get(name, "").strip() or default

    def access(self) -> Access:
        name = "PROMOTER_AUTH"
        text = self.text(name, Auth.KEYS)
        if text not in list(Auth):
            self.problems.append(f"{name}: {text[:40]!r} is none of {', '.join(Auth)}")
            return Access(Auth.KEYS)
        if text == Auth.LOCAL and self.in_azure:
            self.problems.append(f"{name}: local admits everyone and is refused in Azure; use entra or keys")
        return Access(Auth(text), platform=self.text("WEBSITE_AUTH_ENABLED").casefold() == "true")

    def url(self, name: str, default: str = "", *, allow_loopback: bool = True) -> str:
        """A service's address without a slash at its end; http is for an emulator on this machine."""
        text = self.text(name, default).rstrip("/")
        try:
            parts = urlsplit(text)
            _ = parts.port
        except ValueError:
            self.problems.append(f"{name}: is not a URL")
            return text
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            self.problems.append(f"{name}: must be a URL that starts with https://")
        elif parts.scheme == "http" and not (allow_loopback and parts.hostname in _LOOPBACK):
            allowed = "; http is only for an emulator on 127.0.0.1" if allow_loopback else ""
            self.problems.append(f"{name}: must start with https://{allowed}")
        elif parts.username is not None or parts.query or parts.fragment:
            self.problems.append(
                f"{name}: must be scheme, host and path alone, without user, query or fragment"
            )
        return text

    def topic(self) -> Topic | None:
        """The topic to publish to, if one is set."""
        name = "PROMOTER_EVENTS_TOPIC"
        if not self.text(name):
            return None
        key = self.text("PROMOTER_EVENTS_KEY")
        # A token goes nowhere without TLS, not even on this machine.
        return Topic(self.url(name, allow_loopback=bool(key)), Secret(key) if key else None)

    def storage(self) -> Storage | None:
        tables, queues = f"{STORAGE}__tableServiceUri", f"{STORAGE}__queueServiceUri"
        connection = self.text(STORAGE)
        with_identity = [name for name in (tables, queues) if self.text(name)]
        if connection and with_identity:
            self.problems.append(f"{STORAGE}: set either this or {' and '.join(with_identity)}, not both")
        elif connection:
            return self._keyed(connection)
        elif with_identity:
            return IdentityStorage(
                self.url(tables, allow_loopback=False), self.url(queues, allow_loopback=False)
            )
        else:
            self.problems.append(
                f"{STORAGE}: is not set; give a connection string, or for a managed identity "
                f"{tables} and {queues}"
            )
        return None

    def _keyed(self, connection: str) -> KeyedStorage | None:
        if connection.rstrip(";").casefold() == "usedevelopmentstorage=true":
            return KeyedStorage(Secret(_AZURITE))
        pairs = (part.partition("=") for part in connection.split(";") if part.strip())
        values = {key.strip().casefold(): value for key, _, value in pairs}
        missing = [name for name in ("AccountName", "AccountKey") if not values.get(name.casefold())]
        if missing:
            needed = " and ".join(missing)
            self.problems.append(
                f"{STORAGE}: is no connection string with an account's key: it lacks {needed}"
            )
        elif not _is_base64(values["accountkey"]):
            self.problems.append(f"{STORAGE}: its AccountKey is not base64")
        else:
            return KeyedStorage(Secret(connection))
        return None


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except binascii.Error:
        return False
    return True
