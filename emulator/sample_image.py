"""A multi-platform OCI image of random layers, pushed as any client pushes."""

import gzip
import io
import json
import secrets
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urljoin

import aiohttp

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class _Content:
    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        return f"sha256:{sha256(self.body).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}


async def push_random_image(
    session: aiohttp.ClientSession,
    base_url: str,
    repository: str,
    tag: str,
    platforms: Sequence[str] = ("linux/amd64", "linux/arm64"),
    layer_bytes: int = 16 * 1024,
) -> str:
    """Build an image that is like no other, and push it: blobs, then a manifest a platform, then the index.

    Args:
        session: Sends the requests.
        base_url: The registry, such as `http://127.0.0.1:5301`.
        repository: Where to.
        tag: What the index is tagged with.
        platforms: What the index offers, each as `os/architecture`.
        layer_bytes: Random bytes in each platform's layer.

    Returns:
        The index's digest.

    Raises:
        aiohttp.ClientResponseError: The registry did not take it.
    """
    root = f"{base_url.rstrip('/')}/v2/{repository}"
    children = []
    for platform in platforms:
        system, _, architecture = platform.partition("/")
        manifest = await _push_platform(session, root, system, architecture, layer_bytes)
        children.append(manifest.descriptor | {"platform": {"os": system, "architecture": architecture}})
    index = _json(_INDEX, {"schemaVersion": 2, "mediaType": _INDEX, "manifests": children})
    await _push_manifest(session, root, index, tag)
    return index.digest


async def _push_platform(
    session: aiohttp.ClientSession, root: str, system: str, architecture: str, layer_bytes: int
) -> _Content:
    archive = _archive(secrets.token_bytes(layer_bytes))
    layer = _Content(_LAYER, gzip.compress(archive, compresslevel=1, mtime=0))
    config = _json(
        _CONFIG,
        {
            "os": system,
            "architecture": architecture,
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha256(archive).hexdigest()}"]},
        },
    )
    for blob in (layer, config):
        await _push_blob(session, root, blob)
    manifest = _json(
        _MANIFEST,
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": config.descriptor,
            "layers": [layer.descriptor],
        },
    )
    await _push_manifest(session, root, manifest, manifest.digest)
    return manifest


async def _push_blob(session: aiohttp.ClientSession, root: str, blob: _Content) -> None:
    async with session.post(f"{root}/blobs/uploads/", raise_for_status=True) as started:
        location = urljoin(str(started.url), started.headers["Location"])
    joint = "&" if "?" in location else "?"
    headers = {"Content-Type": "application/octet-stream"}
    address = f"{location}{joint}digest={blob.digest}"
    async with session.put(address, data=io.BytesIO(blob.body), headers=headers, raise_for_status=True):
        pass


async def _push_manifest(
    session: aiohttp.ClientSession, root: str, manifest: _Content, reference: str
) -> None:
    headers = {"Content-Type": manifest.media_type}
    address = f"{root}/manifests/{reference}"
    async with session.put(address, data=manifest.body, headers=headers, raise_for_status=True):
        pass


def _archive(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("random")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _json(media_type: str, document: dict[str, object]) -> _Content:
    return _Content(media_type, json.dumps(document).encode())
