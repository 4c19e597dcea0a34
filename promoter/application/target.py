"""What a promotion wants of its target registry, against what is there."""

import asyncio

from promoter.application.app import App
from promoter.application.ports import Import
from promoter.domain.condition import Kind, Served
from promoter.domain.errors import RefusedError
from promoter.domain.image import Image, Tag
from promoter.domain.policy import Environment, Location
from promoter.domain.promotion import Promotion


class TagConflictError(RefusedError):
    """The tag holds another image, and tags there are immutable."""


async def read_target(app: App, target: Environment, image: Image, tag: Tag, pointer: Tag) -> Served:
    """Read what the target registry serves for a tag, for the pointer tag and for the digest itself."""
    registry, repository, digest = target.registry, image.repository, image.digest
    at_tag, at_pointer = await asyncio.gather(
        app.registry.digest(registry, repository, tag),
        app.registry.digest(registry, repository, pointer),
    )
    there = (
        digest in {at_tag, at_pointer} or await app.registry.digest(registry, repository, digest) is not None
    )
    return Served(at_tag, at_pointer, there)


def next_import(record: Promotion, served: Served) -> Import | None:
    """The import that brings the target one step nearer to what the promotion wants; None once it is there.

    Raises:
        TagConflictError: It cannot get there, since the tag holds another image.
    """
    target = record.terms.environment(record.environment)
    source = target.location if served.image else source_registry(record)
    if _wants_tag(record, target, served):
        if served.tag is not None and target.immutable_tags:
            message = (
                f"{record.repository}:{record.tag} in {target.name} is another image, {served.tag.short}, "
                "and tags there are immutable; delete that tag, or promote under another"
            )
            raise TagConflictError(message)
        return _import(record, source, record.tag, force=served.tag is not None)
    if record.moves_current and served.pointer != record.digest:
        return _import(record, source, record.pointer, force=True)
    return None


def source_registry(record: Promotion) -> Location:
    """The registry that the promotion's image comes from."""
    return record.terms.environment(record.source or record.environment).location


def _wants_tag(record: Promotion, target: Environment, served: Served) -> bool:
    if record.kind is Kind.ADOPTED:
        return False
    if record.kind is Kind.ROLLBACK and target.immutable_tags:
        return served.tag is None
    return served.tag != record.digest


def _import(record: Promotion, source: Location, tag: Tag, *, force: bool) -> Import:
    target = record.terms.environment(record.environment).registry
    return Import(source, record.repository, record.digest, target, tag, force)
