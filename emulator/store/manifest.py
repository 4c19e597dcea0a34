"""Manifests and indexes: which content they name."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import msgspec

from emulator import errors
from emulator.store.names import Digest

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
ACCEPTED = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)
_IMAGES, _INDEXES = (OCI_MANIFEST, DOCKER_MANIFEST), (OCI_INDEX, DOCKER_LIST)
LARGEST_MANIFEST = 4 * 1024 * 1024

# Layers that a registry need not hold: clients fetch them from the descriptor's `urls`.
_NOT_DISTRIBUTED = (
    "application/vnd.oci.image.layer.nondistributable",
    "application/vnd.docker.image.rootfs.foreign",
)


class Platform(msgspec.Struct, frozen=True):
    """What an image runs on (image-spec: image index)."""

    architecture: str | None = None
    os: str | None = None


class Descriptor(msgspec.Struct, frozen=True, rename="camel"):
    """A reference from a manifest to content (image-spec: descriptor)."""

    digest: str
    media_type: str = ""
    size: int = 0
    platform: Platform | None = None

    @property
    def distributed(self) -> bool:
        """Whether a registry that has the manifest has this content too."""
        return not self.media_type.startswith(_NOT_DISTRIBUTED)


class Document(msgspec.Struct, frozen=True, rename="camel"):
    """The fields of a manifest or an index that a registry reads."""

    media_type: str | None = None
    artifact_type: str | None = None
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    blobs: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


@dataclass(frozen=True)
class Manifest:
    """A manifest or an index, byte for byte as it was pushed."""

    digest: Digest
    media_type: str
    body: bytes

    @classmethod
    def parse(cls, body: bytes, media_type: str, expected: Digest | None = None) -> Self:
        """Read a manifest that a client pushed or another registry served.

        Args:
            body: The bytes, whose hash is the identity.
            media_type: The Content-Type; may be empty where the body has a mediaType.
            expected: The digest that it was asked for or pushed by.

        Raises:
            OciError: MANIFEST_INVALID or DIGEST_INVALID.
        """
        digest = Digest.of(body, expected.algorithm if expected else "sha256")
        if expected and digest != expected:
            raise errors.digest_mismatch(str(expected))
        declared = cls(digest, media_type, body).document.media_type
        if declared and media_type and declared != media_type:
            reason = f"its mediaType is {declared}, its Content-Type {media_type}"
            raise errors.manifest_invalid(reason)
        manifest = cls(digest, media_type or declared or OCI_MANIFEST, body)
        manifest.require_form()
        return manifest

    def require_form(self) -> None:
        """Check that it is what its media type says, and that nobody can take it for the other.

        Source: image-spec, required properties; CVE-2021-41190.

        Raises:
            OciError: MANIFEST_INVALID.
        """
        document = self.document
        is_index = document.manifests is not None
        is_image = document.config is not None or document.layers is not None
        if self.media_type in _IMAGES and (is_index or document.config is None):
            reason = "an image has a config, and no manifests"
            raise errors.manifest_invalid(reason)
        if self.media_type in _INDEXES and (is_image or not is_index):
            reason = "an index has manifests, and neither config nor layers"
            raise errors.manifest_invalid(reason)

    @cached_property
    def document(self) -> Document:
        """The fields that a registry reads.

        Raises:
            OciError: MANIFEST_INVALID.
        """
        try:
            return msgspec.json.decode(self.body, type=Document)
        except msgspec.MsgspecError as error:
            raise errors.manifest_invalid(str(error)) from None

    @property
    def children(self) -> list[Descriptor]:
        """The manifests that an index holds."""
        return self.document.manifests or []

    @property
    def blobs(self) -> Iterator[Descriptor]:
        """The blobs that a registry must hold for this manifest."""
        document = self.document
        config = [document.config] if document.config else []
        for descriptor in [*config, *(document.layers or []), *(document.blobs or [])]:
            if descriptor.distributed:
                yield descriptor

    @property
    def subject(self) -> str | None:
        """The digest of the manifest that this one refers to (distribution-spec: Listing Referrers)."""
        return self.document.subject.digest if self.document.subject else None

    @property
    def artifact_type(self) -> str | None:
        """What the referrers list calls this manifest: its artifactType, else its config's media type."""
        document = self.document
        if document.artifact_type or document.manifests is not None:
            return document.artifact_type
        return document.config.media_type if document.config else None

    @property
    def image_size(self) -> int:
        """Bytes of this manifest and of all it names directly."""
        return len(self.body) + sum(descriptor.size for descriptor in self.blobs)
