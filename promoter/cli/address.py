"""Where the server is, and how the caller signs in."""

import re
import time
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

import click

from promoter.cli.ends import CommandError, Exit

LOCAL = "http://127.0.0.1:7071"
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
_SPARE = 120  # seconds before its end at which a token is asked for anew


class Credential(Protocol):
    """What azure.identity's credentials are used for here."""

    def get_token(self, *scopes: str) -> Any:  # noqa: ANN401 - azure.core's AccessToken, not imported for its name
        """A token for these scopes, with `token` and `expires_on`."""
        ...


class Address:
    """The server's address.

    Attributes:
        root: The address that the calls' paths are put to, ending in `/api`.
        is_loopback: Whether it is this machine.
    """

    def __init__(self, text: str) -> None:
        """Take an address as it was typed.

        Raises:
            UsageError: It is no address of a server, or not one that secrets may be sent to.
        """
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname or "", parts.port
        except ValueError as error:
            message = f"--url {text!r} is not an address: {error}"
            raise click.UsageError(message) from error
        if parts.scheme not in {"http", "https"} or not host:
            message = f"--url {text!r} is not an address, as in https://promoter.example.com"
            raise click.UsageError(message)
        if parts.username or parts.query or parts.fragment:
            message = "--url is scheme, host and port only; sign in by --key or --scope"
            raise click.UsageError(message)
        self.is_loopback = _LOOPBACK.fullmatch(host) is not None
        if parts.scheme == "http" and not self.is_loopback:
            message = f"--url {text} is not encrypted: http is for this machine only, use https"
            raise click.UsageError(message)
        path = parts.path.rstrip("/").removesuffix("/api")
        self.root = f"{parts.scheme}://{parts.netloc}{path}/api"


class SignIn:
    """What is sent with each call to say who calls; it shows in no message."""

    def __init__(
        self, key: str | None, scope: str | None, name: str | None, credential: Callable[[], Credential]
    ) -> None:
        """Sign in by a function's key, by a token, or as a name on the local stack.

        Raises:
            UsageError: More than one is given, or a header cannot carry it.
        """
        if key and scope:
            message = "sign in by --key (PROMOTER_KEY) or by --scope (PROMOTER_SCOPE): give one of both"
            raise click.UsageError(message)
        self._fixed = _header("x-functions-key", "--key", key) | _header("X-Promoter-Actor", "--as", name)
        self._scope = scope
        self._make = credential
        self._credential: Credential | None = None
        self._token, self._until = "", 0.0

    def headers(self) -> dict[str, str]:
        """The headers of a call made now.

        Raises:
            CommandError: Azure gives no token.
        """
        if not self._scope:
            return self._fixed
        if time.time() > self._until - _SPARE:
            self._renew(self._scope)
        return self._fixed | {"Authorization": f"Bearer {self._token}"}

    def _renew(self, scope: str) -> None:
        from azure.core.exceptions import AzureError  # noqa: PLC0415 - slow to import, and needed with --scope only

        try:
            self._credential = self._credential or self._make()
            token = self._credential.get_token(scope)
        except (AzureError, ValueError) as error:
            first = next(iter(str(error).splitlines()), type(error).__name__)
            message = (
                f"Azure gives no token for {scope}: {first}\n"
                "Sign in first, as with `az login`, and check --scope (api://APPLICATION-ID/.default)."
            )
            raise CommandError(message, Exit.DENIED) from error
        self._token, self._until = token.token, token.expires_on


def default_credential() -> Credential:
    """Whatever the machine is signed in with: environment, workload or managed identity, `az login`."""
    import logging  # noqa: PLC0415 - slow to import, as below

    from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow, and needed with --scope only

    logging.getLogger("azure").setLevel(logging.CRITICAL)  # it tells of each credential that is not there
    return DefaultAzureCredential()


def _header(header: str, option: str, value: str | None) -> dict[str, str]:
    if not value:
        return {}
    if not value.isprintable() or not value.isascii():
        message = f"{option} has characters that cannot be sent, such as line ends or letters beyond ASCII"
        raise click.UsageError(message)
    return {header: value.strip()}
