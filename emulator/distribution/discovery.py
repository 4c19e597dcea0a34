"""What is there: API check, repositories, tags, referrers."""

from collections.abc import Iterable

import msgspec
from aiohttp import web

from emulator import errors
from emulator.distribution.registry import Registry
from emulator.distribution.requests import cut, digest_of, last_shown, page_of, repository_of
from emulator.store.manifest import OCI_INDEX, Manifest


class Discovery:
    """The routes that list."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        return [
            web.get("/v2", self.check),
            web.get("/v2/", self.check),
            web.get("/v2/_catalog", self.catalog),
            web.get("/v2/{repository:.+}/tags/list", self.tags),
            web.get("/v2/{repository:.+}/referrers/{digest}", self.referrers),
        ]

    # distribution-spec: Determining Support (end-1)
    async def check(self, _request: web.Request) -> web.Response:
        """Say that this is a registry."""
        return web.json_response({})

    # Docker Registry HTTP API V2: Listing Repositories; not in distribution-spec, but every registry has it
    async def catalog(self, request: web.Request) -> web.Response:
        """List repositories."""
        page = page_of(request)
        names = self._registry.listing.repositories(page)
        names, headers = cut(request, page, names, last_shown(page, names) or "")
        return web.json_response({"repositories": names}, headers=headers)

    # distribution-spec: Listing Tags (end-8a, end-8b)
    async def tags(self, request: web.Request) -> web.Response:
        """List the tags of a repository."""
        repository, page = repository_of(request), page_of(request)
        self._registry.listing.require(repository)
        tags = [str(entry.name) for entry in self._registry.listing.tags(repository, page)]
        tags, headers = cut(request, page, tags, last_shown(page, tags) or "")
        return web.json_response({"name": repository, "tags": tags}, headers=headers)

    # distribution-spec: Listing Referrers (end-12a, end-12b)
    async def referrers(self, request: web.Request) -> web.Response:
        """List the manifests that refer to a digest, as an index."""
        if not self._registry.referrers:
            raise errors.no_referrers()
        artifact_type = request.query.get("artifactType")
        referrers = self._registry.listing.referrers(repository_of(request), digest_of(request))
        descriptors = [
            _descriptor(manifest)
            for manifest in referrers
            if not artifact_type or manifest.artifact_type == artifact_type
        ]
        body = msgspec.json.encode({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": descriptors})
        headers = {"Content-Type": OCI_INDEX} | (
            {"OCI-Filters-Applied": "artifactType"} if artifact_type else {}
        )
        return web.Response(body=body, headers=headers)


def _descriptor(manifest: Manifest) -> dict[str, object]:
    descriptor: dict[str, object] = {
        "mediaType": manifest.media_type,
        "size": len(manifest.body),
        "digest": str(manifest.digest),
    }
    if manifest.artifact_type:
        descriptor["artifactType"] = manifest.artifact_type
    if manifest.document.annotations:
        descriptor["annotations"] = manifest.document.annotations
    return descriptor
