"""Custom topics: who may publish to them, and what they take.

Source: Microsoft Learn, Post events to a custom topic; Authenticate with access keys or shared access
signatures.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from emulator.eventgrid.event import CUSTOM_TOPICS, Schema

_DOT_NET = "%m/%d/%Y %I:%M:%S %p"
_NAME = re.compile(r"[A-Za-z0-9-]{3,50}")


def topic_name(text: str) -> str:
    """Check a topic's name.

    Raises:
        ValueError: It is none.
    """
    if not _NAME.fullmatch(text):
        message = f"a topic's name has 3 to 50 letters, digits and hyphens, this one is {text!r}"
        raise ValueError(message)
    return text


@dataclass(frozen=True)
class CustomTopic:
    """A topic that anyone with its key publishes to.

    Attributes:
        name: Its name.
        schema: The schema of what is published to it.
        scope: The resource group that it is in, as a resource id.
    """

    name: str
    schema: Schema
    scope: str

    @property
    def resource_id(self) -> str:
        """Its resource id."""
        return f"{self.scope}{CUSTOM_TOPICS}{self.name}"

    @property
    def path(self) -> str:
        """Where events are published to, on the port of Resource Manager."""
        return f"/topics/{self.name}/api/events"

    @property
    def keys(self) -> tuple[str, str]:
        """Its two keys. They follow from its name, and are as secret as Azurite's."""
        first, second = (hashlib.sha256(f"{self.name.lower()}/key{n}".encode()).digest() for n in (1, 2))
        return base64.b64encode(first).decode(), base64.b64encode(second).decode()

    def admits(self, headers: Mapping[str, str], now: datetime) -> bool:
        """Whether a request may publish: by a key, by a signature that has not expired, or by a token.

        Tokens are Entra's, and taken for good: what role stands behind them is not known here.
        """
        if key := headers.get("aeg-sas-key"):
            return any(hmac.compare_digest(key.encode(), own.encode()) for own in self.keys)
        if token := headers.get("aeg-sas-token"):
            return self._has_signed(token, now)
        return headers.get("Authorization", "").startswith("Bearer ")

    def _has_signed(self, token: str, now: datetime) -> bool:
        """A token is `r={resource}&e={expiry}&s={signature of what stands before}`, each part URL-encoded."""
        signed, _, signature = token.partition("&s=")
        resource, _, expiry = signed.removeprefix("r=").partition("&e=")
        expires = _time(unquote(expiry.replace("+", " ")))
        if expires is None or expires <= now or self.path not in unquote(resource):
            return False
        return any(
            hmac.compare_digest(unquote(signature).encode(), _sign(key, signed).encode()) for key in self.keys
        )


def _sign(key: str, text: str) -> str:
    return base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), "sha256")).decode()


def _time(text: str) -> datetime | None:
    """Read the expiry, as .NET or ISO 8601 writes it; UTC where no zone is named."""
    for read in (datetime.fromisoformat, lambda value: datetime.strptime(value, _DOT_NET)):  # noqa: DTZ007 - below
        try:
            moment = read(text)
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
