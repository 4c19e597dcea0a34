"""What a client asks for with importImage, parsed once.

Shapes: Azure/azure-rest-api-specs, Microsoft.ContainerRegistry, ImportImageParameters.
"""

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import override

import msgspec

from emulator.errors import ArmError, OciError
from emulator.store import names
from emulator.store.names import Digest, Reference, Repository, Tag

_DEFAULT_TAG = "latest"


class Mode(StrEnum):
    """Whether an import may move a tag that is there."""

    NO_FORCE = "NoForce"
    FORCE = "Force"


class Credentials(msgspec.Struct, frozen=True):
    """How to sign in to a source that is no registry of this subscription."""

    password: str
    username: str | None = None


class ImportSource(msgspec.Struct, frozen=True, rename="camel"):
    """Where an image comes from."""

    source_image: str
    resource_id: str | None = None
    registry_uri: str | None = None
    credentials: Credentials | None = None


class ImportParameters(msgspec.Struct, frozen=True, rename="camel"):
    """The body of importImage."""

    source: ImportSource
    target_tags: list[str] | None = None
    untagged_target_repositories: list[str] | None = None
    mode: Mode = Mode.NO_FORCE


@dataclass(frozen=True)
class Target:
    """Where an image goes: under a tag, or without one."""

    repository: Repository
    tag: Tag | None

    @override
    def __str__(self) -> str:
        return f"{self.repository}:{self.tag}" if self.tag else self.repository


@dataclass(frozen=True)
class ImageImport:
    """A request that makes sense."""

    repository: Repository
    reference: Reference
    targets: tuple[Target, ...]
    force: bool

    @property
    def subject(self) -> str:
        """What faults call this import: its first target."""
        return str(self.targets[0])


def read_parameters(content: bytes) -> ImportParameters:
    """Read the body of importImage.

    Raises:
        ArmError: 400.
    """
    try:
        parameters = msgspec.json.decode(content, type=ImportParameters)
    except msgspec.MsgspecError as error:
        raise _invalid(str(error)) from None
    if bool(parameters.source.resource_id) == bool(parameters.source.registry_uri):
        reason = "exactly one of source.resourceId and source.registryUri is required"
        raise _invalid(reason)
    return parameters


def image_import(parameters: ImportParameters) -> ImageImport:
    """Understand what is to be imported where.

    Raises:
        ArmError: 400.
    """
    try:
        repository, reference = _source_image(parameters.source.source_image)
        targets = [_target(text, reference) for text in parameters.target_tags or []]
        untagged = parameters.untagged_target_repositories or []
        targets += [Target(names.repository(text), None) for text in untagged]
    except OciError as error:
        reason = f"{error.message}: {error.detail}"
        raise _invalid(reason) from None
    if not targets:
        targets = [Target(repository, None if isinstance(reference, Digest) else reference)]
    return ImageImport(repository, reference, tuple(targets), parameters.mode is Mode.FORCE)


def _source_image(text: str) -> tuple[Repository, Reference]:
    if "@" in text:
        repository, _, digest = text.partition("@")
        return names.repository(repository), Digest.parse(digest)
    repository, _, tag = text.partition(":")
    return names.repository(repository), names.tag(tag or _DEFAULT_TAG)


def _target(text: str, source: Reference) -> Target:
    repository, _, tag = text.partition(":")
    default = _DEFAULT_TAG if isinstance(source, Digest) else source
    return Target(names.repository(repository), names.tag(tag or default))


def _invalid(reason: str) -> ArmError:
    return ArmError(HTTPStatus.BAD_REQUEST, "InvalidParameters", f"The import is not valid: {reason}")
