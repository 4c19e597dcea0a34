"""App settings: the environment, with local.settings.json for what it does not set."""

import os
import re
from pathlib import Path

import msgspec

from localhost.host.errors import HostError

_SETTING = re.compile(r"%([^%]+)%")


class _LocalSettings(msgspec.Struct, rename="pascal"):
    is_encrypted: bool = False
    values: dict[str, str] = {}


def load_local_settings(app: Path) -> None:
    """Put the values of the app's local.settings.json, if there is one, where the environment has none."""
    path = app / "local.settings.json"
    if not path.exists():
        return
    try:
        settings = msgspec.json.decode(path.read_bytes(), type=_LocalSettings)
    except msgspec.DecodeError as error:
        message = f"{path}: {error}"
        raise HostError(message) from error
    if settings.is_encrypted:
        message = f"{path} is encrypted. Decrypt it first: func settings decrypt"
        raise HostError(message)
    for name, value in settings.values.items():
        os.environ.setdefault(name, value)


def resolve_settings(text: str, function: str) -> str:
    """Replace each `%NAME%` in a property of a binding by the app setting of that name.

    Raises:
        HostError: a setting is not there.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in os.environ:
            message = f"Function '{function}': '{text}' needs the app setting '{name}', which is not set."
            raise HostError(message)
        return os.environ[name]

    return _SETTING.sub(value, text)


def connection_string(name: str, function: str) -> str:
    """The storage connection string in the app setting `name`, or `AzureWebJobs{name}`.

    Raises:
        HostError: neither is set.
    """
    name = name or "AzureWebJobsStorage"
    value = os.environ.get(f"AzureWebJobs{name}") or os.environ.get(name)
    if not value:
        message = (
            f"Function '{function}' needs the app setting '{name}', which is not set. "
            f"Set it to a storage connection string; for Azurite: {name}=UseDevelopmentStorage=true"
        )
        raise HostError(message)
    return value
