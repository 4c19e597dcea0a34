"""App settings: the environment, with local.settings.json for what it does not set."""

import os
import re
from pathlib import Path

import msgspec

from localhost.host.errors import HostError

LOCAL_SETTINGS = "local.settings.json"
_SETTING = re.compile(r"%([^%]+)%")


class _LocalSettings(msgspec.Struct, rename="pascal"):
    is_encrypted: bool = False
    values: dict[str, str] = {}


def read_local_settings(app: Path) -> dict[str, str]:
    """The values in the app's local.settings.json, if there is one.

    Raises:
        HostError: it cannot be read.
    """
    path = app / LOCAL_SETTINGS
    try:
        settings = msgspec.json.decode(path.read_bytes(), type=_LocalSettings)
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        message = f"{path}: {error}"
        raise HostError(message) from error
    if settings.is_encrypted:
        message = f"{path} is encrypted. Decrypt it first: func settings decrypt"
        raise HostError(message)
    return settings.values


def load_local_settings(app: Path) -> None:
    """Put the values of the app's local.settings.json where the environment has none.

    Raises:
        HostError: it cannot be read.
    """
    for name, value in read_local_settings(app).items():
        os.environ.setdefault(name, value)


def resolve_settings(text: str, function: str) -> str:
    """Replace each `%NAME%` in a property of a binding by the app setting of that name.

    Raises:
        HostError: settings are not there; all of them are named.
    """
    missing = [name for name in _SETTING.findall(text) if name not in os.environ]
    if missing:
        raise HostError(
            *(
                f"Function '{function}': '{text}' needs the app setting '{name}', which is not set."
                for name in missing
            )
        )
    return _SETTING.sub(lambda match: os.environ[match[1]], text)


def connection_string(name: str, function: str) -> str:
    """The storage connection string in the app setting `name`, or `AzureWebJobs{name}`.

    Raises:
        HostError: neither is set.
    """
    name = name or "AzureWebJobsStorage"
    value = os.environ.get(f"AzureWebJobs{name}") or os.environ.get(name)
    if not value and any(setting.startswith(f"{name}__") for setting in os.environ):
        message = (
            f"Function '{function}': the connection '{name}' is an identity's ({name}__...), which is not at "
            f"hand here. Set {name} to a connection string; for Azurite: UseDevelopmentStorage=true"
        )
        raise HostError(message)
    if not value:
        message = (
            f"Function '{function}' needs the app setting '{name}', which is not set. "
            f"Set it to a storage connection string; for Azurite: {name}=UseDevelopmentStorage=true"
        )
        raise HostError(message)
    return value
