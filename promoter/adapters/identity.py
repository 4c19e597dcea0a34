"""Who Promoter is to Azure: one credential for everything, made when it is first needed."""

from typing import TYPE_CHECKING

from azure.core.pipeline.transport import AioHttpTransport

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


class Identity:
    """The app's managed identity; outside Azure what DefaultAzureCredential finds, as after `az login`."""

    def __init__(self, client_id: str | None, *, managed: bool) -> None:
        """Choose an identity.

        Args:
            client_id: Of a user-assigned managed identity; None for the system-assigned one.
            managed: Whether the app runs where it has a managed identity.
        """
        self._client_id = client_id
        self._managed = managed
        self._credential: AsyncTokenCredential | None = None

    @property
    def credential(self) -> "AsyncTokenCredential":
        """The credential. It keeps its tokens, so there is only one."""
        if self._credential is None:
            self._credential = self._make()
        return self._credential

    async def aclose(self) -> None:
        """Close what was opened."""
        if self._credential is not None:
            await self._credential.close()

    def _make(self) -> "AsyncTokenCredential":
        from azure.identity.aio import (  # noqa: PLC0415 - 160 ms, and not needed with keys
            DefaultAzureCredential,
            ManagedIdentityCredential,
        )

        if self._managed:
            return ManagedIdentityCredential(client_id=self._client_id, transport=transport())
        return DefaultAzureCredential(managed_identity_client_id=self._client_id)


def transport(read_timeout: float = 15) -> AioHttpTransport:
    """A pool of connections. Proxy and netrc look-ups on every request would cost a third of its time.

    Args:
        read_timeout: How many seconds a service may stay silent.
    """
    return AioHttpTransport(use_env_settings=False, connection_timeout=5, read_timeout=read_timeout)
