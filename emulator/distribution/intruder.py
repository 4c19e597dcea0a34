"""Somebody else, who pushes to the same tag at the worst moment."""

import secrets

import msgspec

from emulator.distribution.registry import Registry
from emulator.eventgrid.event import Caller
from emulator.store.manifest import OCI_MANIFEST, Manifest
from emulator.store.names import Digest, Repository, Tag

_CALLER = Caller("PUT", "somebody-else/1.0")
_EMPTY = b"{}"


async def intrude(registry: Registry, repository: Repository, tag: Tag) -> None:
    """Push an image that is like no other to a tag."""
    digest = Digest.of(_EMPTY)
    upload = registry.uploads.start(repository, digest.algorithm)
    upload.incoming.append(_EMPTY)
    registry.content.add_blob(repository, digest, await registry.uploads.finish(upload, digest))
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "digest": str(digest), "size": len(_EMPTY)}
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config,
        "layers": [],
        "annotations": {"intruder": secrets.token_hex(8)},
    }
    registry.push(repository, Manifest.parse(msgspec.json.encode(document), OCI_MANIFEST), [tag], _CALLER)
