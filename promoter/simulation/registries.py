"""Registries in memory: what is imported is there at once."""

import asyncio
import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count

from promoter.application.ports import Import, ImportStatus, Progress
from promoter.domain.image import Digest, Repository, Tag
from promoter.domain.policy import Location

MAX_MANIFESTS = 50


@dataclass
class _Content:
    """What one registry has of one repository."""

    tags: dict[Tag, Digest] = field(default_factory=dict)
    manifests: dict[Digest, int] = field(default_factory=dict)


class MemoryRegistries:
    """Any number of registries, by resource id or login server, compared without case."""

    def __init__(self) -> None:
        self._content: dict[tuple[str, Repository], _Content] = defaultdict(_Content)
        self._numbers = count(1)

    # The port.

    async def digest(
        self, registry: Location, repository: Repository, reference: Tag | Digest
    ) -> Digest | None:
        """What a registry serves now."""
        await asyncio.sleep(0)
        return self.served(registry, repository, reference)

    async def submit(self, request: Import) -> ImportStatus:
        """Import an image."""
        await asyncio.sleep(0)
        return self._carry_out(request)

    async def poll(self, operation: str) -> ImportStatus:
        """Nothing is ever under way."""
        await asyncio.sleep(0)
        return ImportStatus(Progress.UNKNOWN, message=f"operation {operation} not found")

    # What others do to the registries.

    def new_digest(self) -> Digest:
        """The digest of an image that nobody has seen yet."""
        return Digest(f"sha256:{hashlib.sha256(f'image {next(self._numbers)}'.encode()).hexdigest()}")

    def push(
        self,
        registry: Location,
        repository: str,
        tag: str | None,
        digest: Digest | None = None,
        manifests: int = 1,
    ) -> Digest:
        """Push an image, a new one unless it is given; `manifests`: how many it consists of."""
        pushed = digest or self.new_digest()
        content = self._of(registry, Repository(repository))
        content.manifests[pushed] = manifests
        if tag is not None:
            content.tags[Tag(tag)] = pushed
        return pushed

    def delete(self, registry: str, repository: str, reference: str) -> None:
        """Delete a tag, or an image and all its tags."""
        content = self._of(registry, Repository(repository))
        if not reference.startswith("sha"):
            del content.tags[Tag(reference)]
            return
        del content.manifests[Digest(reference)]
        content.tags = {tag: digest for tag, digest in content.tags.items() if digest != reference}

    def served(self, registry: Location, repository: str, reference: str) -> Digest | None:
        """What the registry serves, without a call that counts or can fail."""
        content = self._of(registry, Repository(repository))
        by_tag = {str(tag): digest for tag, digest in content.tags.items()}
        by_digest = {str(digest): digest for digest in content.manifests}
        return by_tag.get(reference) or by_digest.get(reference)

    def tags(self, registry: str, repository: str) -> dict[Tag, Digest]:
        """Every tag of a repository."""
        return dict(self._of(registry, Repository(repository)).tags)

    def _of(self, registry: Location, repository: Repository) -> _Content:
        return self._content[name_of(registry), repository]

    def _carry_out(self, request: Import) -> ImportStatus:
        source = self._of(request.source_registry, request.repository)
        target = self._of(request.target_registry, request.repository)
        manifests = source.manifests.get(request.digest)
        if manifests is None:
            message = f"manifest {request.repository}@{request.digest} is not found in the source"
            return ImportStatus(Progress.FAILED, message=message)
        if manifests > MAX_MANIFESTS:
            message = f"maximum number of manifests for an imported image is {MAX_MANIFESTS}"
            return ImportStatus(Progress.TOO_MANY_MANIFESTS, message=message)
        if not request.force and request.tag in target.tags:
            return tag_exists(request)
        target.manifests[request.digest] = manifests
        target.tags[request.tag] = request.digest
        return ImportStatus(Progress.ENDED)


def tag_exists(request: Import) -> ImportStatus:
    """The answer to an import under a tag that is there."""
    message = f"Tag {request.repository}:{request.tag} already exists in target registry."
    return ImportStatus(Progress.TAG_EXISTS, message=message)


def name_of(registry: Location) -> str:
    """What a registry is known by."""
    return (registry if isinstance(registry, str) else registry.login_server).lower()
