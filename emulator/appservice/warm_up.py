"""Warm-up: the image is pulled from its registry for real; then a container is taken to answer."""

from collections.abc import Mapping

import aiohttp

from emulator.appservice.slot import ContainerImage, Slot, SlotId
from emulator.arm.foreign import ForeignSource, base_url
from emulator.arm.parameters import Credentials
from emulator.distribution.registry import Registry, without_tls
from emulator.errors import ArmError, OciError
from emulator.store.blobs import BlobFiles
from emulator.store.manifest import Manifest
from emulator.store.names import Digest

_PLATFORM = ("linux", "amd64")
_USER, _PASSWORD = "DOCKER_REGISTRY_SERVER_USERNAME", "DOCKER_REGISTRY_SERVER_PASSWORD"


class PullFailedError(Exception):
    """The image cannot be run; the text says why."""


class Puller:
    """Pulls images as App Service does: with the slot's credentials, or as the site's identity."""

    def __init__(
        self, session: aiohttp.ClientSession, blobs: BlobFiles, registries: Mapping[str, Registry]
    ) -> None:
        """Take what pulls.

        Args:
            session: Sends the requests.
            blobs: Where blobs would go; none is pulled.
            registries: The registries of this emulator, whose authority need not be trusted.
        """
        self._session, self._blobs, self._registries = session, blobs, registries

    async def pull(self, identifier: SlotId, slot: Slot) -> Digest:
        """Pull what a slot is told to run, and give its digest.

        Raises:
            PullFailedError: It cannot be had, or is for no platform that App Service runs.
        """
        try:
            image = ContainerImage.parse(slot.wanted)
            uri = base_url(without_tls(image.host, self._registries.values()))
            credentials = await self._credentials(identifier, slot, image.host, uri)
            source = ForeignSource(self._session, self._blobs, uri, image.repository, credentials)
            manifest = await source.manifest(image.reference)
            await source.manifest(_platform(manifest))
        except (ValueError, ArmError, OciError, aiohttp.ClientError, TimeoutError) as error:
            raise PullFailedError(str(error).removeprefix("The import failed: ")) from None
        return manifest.digest

    async def _credentials(self, identifier: SlotId, slot: Slot, host: str, uri: str) -> Credentials | None:
        if slot.config.get("acrUseManagedIdentityCreds"):
            return Credentials(await self._identity_token(identifier, host, uri))
        password = slot.settings.get(_PASSWORD)
        return Credentials(password, slot.settings.get(_USER)) if password else None

    async def _identity_token(self, identifier: SlotId, host: str, uri: str) -> str:
        """Exchange the token of the site's identity for a refresh token of the registry."""
        form = {"grant_type": "access_token", "service": host, "access_token": identity_of(identifier)}
        url = f"{uri}/oauth2/exchange"
        async with self._session.post(url, data=form) as answer:
            if not answer.ok:
                message = f"{url} gives no token to the site's identity ({answer.status})"
                raise PullFailedError(message)
            return str((await answer.json(content_type=None))["refresh_token"])


def identity_of(identifier: SlotId) -> str:
    """Name the principal of a slot's system-assigned identity: `web`, or `web-staging`."""
    return str(identifier).replace("/", "-")


def _platform(manifest: Manifest) -> Digest:
    if not manifest.children:
        return manifest.digest
    for child in manifest.children:
        if child.platform and (child.platform.os, child.platform.architecture) == _PLATFORM:
            return Digest.parse(child.digest)
    message = f"no matching manifest for {'/'.join(_PLATFORM)} in the manifest list entries"
    raise PullFailedError(message)
