"""What Azure Container Registry adds: `/acr/v1`, properties and locks of repositories, manifests, tags.

Shapes: Azure/azure-rest-api-specs, containerregistry data-plane, 2021-07-01.
"""

from collections.abc import Iterable
from http import HTTPStatus

import msgspec
from aiohttp import web

from emulator.distribution.registry import Registry
from emulator.distribution.requests import (
    caller_of,
    cut,
    digest_of,
    last_shown,
    page_of,
    repository_of,
    tag_of,
)
from emulator.errors import OciError
from emulator.store.listing import ManifestEntry, TagEntry
from emulator.store.locks import Changes, Target
from emulator.store.names import Digest, Repository

_PAGE = 100


class AcrProperties:
    """The routes below `/acr/v1`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        repository = "/acr/v1/{repository:.+}"
        manifest, tag = repository + "/_manifests/{digest}", repository + "/_tags/{tag}"
        return [
            web.get("/acr/v1/_catalog", self.repositories),
            web.get(repository + "/_manifests", self.manifests),
            web.get(manifest, self.manifest),
            web.patch(manifest, self.change_manifest),
            web.get(repository + "/_tags", self.tags),
            web.get(tag, self.tag),
            web.patch(tag, self.change_tag),
            web.delete(tag, self.delete_tag),
            web.get(repository, self.repository),
            web.patch(repository, self.change_repository),
            web.delete(repository, self.delete_repository),
        ]

    async def repositories(self, request: web.Request) -> web.Response:
        """List repositories."""
        page = page_of(request, _PAGE)
        names = self._registry.listing.repositories(page)
        names, headers = cut(request, page, names, last_shown(page, names) or "")
        return web.json_response({"repositories": names}, headers=headers)

    async def repository(self, request: web.Request) -> web.Response:
        """Show a repository."""
        repository = repository_of(request)
        created, updated, manifests, tags = self._registry.listing.span(repository)
        view = self._names(repository) | {
            "createdTime": created,
            "lastUpdateTime": updated,
            "manifestCount": manifests,
            "tagCount": tags,
            "changeableAttributes": self._attributes(repository, None),
        }
        return web.json_response(view)

    async def change_repository(self, request: web.Request) -> web.Response:
        """Lock or unlock a repository."""
        repository = repository_of(request)
        self._registry.listing.require(repository)
        self._registry.locks.change(repository, None, await _changes(request))
        return await self.repository(request)

    async def delete_repository(self, request: web.Request) -> web.Response:
        """Delete a repository."""
        digests, tags = self._registry.delete_repository(repository_of(request), caller_of(request))
        view = {"manifestsDeleted": [str(digest) for digest in digests], "tagsDeleted": tags}
        return web.json_response(view, status=HTTPStatus.ACCEPTED)

    async def manifests(self, request: web.Request) -> web.Response:
        """List the manifests of a repository."""
        repository, page = repository_of(request), page_of(request, _PAGE)
        self._registry.listing.require(repository)
        entries = self._registry.listing.manifests(repository, page, request.query.get("orderby", "none"))
        last = last_shown(page, entries)
        entries, headers = cut(request, page, entries, str(last.manifest.digest) if last else "")
        items = [self._manifest_view(repository, entry) for entry in entries]
        return web.json_response(self._names(repository) | {"manifests": items}, headers=headers)

    async def manifest(self, request: web.Request) -> web.Response:
        """Show a manifest's properties."""
        repository = repository_of(request)
        entry = self._registry.listing.manifest(repository, digest_of(request))
        return web.json_response(
            self._names(repository) | {"manifest": self._manifest_view(repository, entry)}
        )

    async def change_manifest(self, request: web.Request) -> web.Response:
        """Lock or unlock a manifest."""
        repository, digest = repository_of(request), digest_of(request)
        self._registry.content.get(repository, digest)
        self._registry.locks.change(repository, digest, await _changes(request))
        return await self.manifest(request)

    async def tags(self, request: web.Request) -> web.Response:
        """List the tags of a repository, or those of one digest."""
        repository, page = repository_of(request), page_of(request, _PAGE)
        self._registry.listing.require(repository)
        text = request.query.get("digest")
        entries = self._registry.listing.tags(repository, page, Digest.parse(text) if text else None)
        last = last_shown(page, entries)
        entries, headers = cut(request, page, entries, last.name if last else "")
        items = [self._tag_view(repository, entry) for entry in entries]
        return web.json_response(self._names(repository) | {"tags": items}, headers=headers)

    async def tag(self, request: web.Request) -> web.Response:
        """Show a tag's properties."""
        repository = repository_of(request)
        entry = self._registry.listing.tag(repository, tag_of(request))
        return web.json_response(self._names(repository) | {"tag": self._tag_view(repository, entry)})

    async def change_tag(self, request: web.Request) -> web.Response:
        """Lock or unlock a tag."""
        repository, tag = repository_of(request), tag_of(request)
        self._registry.listing.tag(repository, tag)
        self._registry.locks.change(repository, tag, await _changes(request))
        return await self.tag(request)

    async def delete_tag(self, request: web.Request) -> web.Response:
        """Delete a tag."""
        self._registry.content.delete_tag(repository_of(request), tag_of(request))
        return web.Response(status=HTTPStatus.ACCEPTED)

    def _names(self, repository: Repository) -> dict[str, object]:
        return {"registry": self._registry.login_server, "imageName": repository}

    def _attributes(self, repository: Repository, target: Target) -> object:
        return msgspec.to_builtins(self._registry.locks.of(repository, target))

    def _manifest_view(self, repository: Repository, entry: ManifestEntry) -> dict[str, object]:
        manifest = entry.manifest
        view: dict[str, object] = {
            "digest": str(manifest.digest),
            "imageSize": manifest.image_size,
            "createdTime": entry.created,
            "lastUpdateTime": entry.updated,
            "mediaType": manifest.media_type,
            "tags": self._registry.content.tags_of(repository, manifest.digest),
            "changeableAttributes": self._attributes(repository, manifest.digest),
        }
        if manifest.children:
            view["references"] = [
                {"digest": child.digest} | (msgspec.to_builtins(child.platform) if child.platform else {})
                for child in manifest.children
            ]
        return view

    def _tag_view(self, repository: Repository, entry: TagEntry) -> dict[str, object]:
        return {
            "name": entry.name,
            "digest": str(entry.digest),
            "createdTime": entry.created,
            "lastUpdateTime": entry.updated,
            "signed": False,
            "changeableAttributes": self._attributes(repository, entry.name),
        }


async def _changes(request: web.Request) -> Changes:
    try:
        return msgspec.json.decode(await request.read(), type=Changes)
    except msgspec.MsgspecError as error:
        raise OciError(HTTPStatus.BAD_REQUEST, "UNSUPPORTED", str(error)) from None
