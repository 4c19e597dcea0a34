"""Manifests and indexes over HTTP."""

from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from emulator.distribution.registry import Registry
from emulator.distribution.requests import caller_of, reference_of, repository_of
from emulator.store import names
from emulator.store.locks import Permission
from emulator.store.manifest import Manifest
from emulator.store.names import Digest


class Manifests:
    """The routes below `/v2/{name}/manifests/`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        path = "/v2/{repository:.+}/manifests/{reference}"
        return [web.get(path, self.read), web.put(path, self.push), web.delete(path, self.delete)]

    # distribution-spec: Pulling manifests (end-3)
    async def read(self, request: web.Request) -> web.Response:
        """Send a manifest, or its headers."""
        repository, reference = repository_of(request), reference_of(request)
        self._registry.locks.require(Permission.READ, repository, reference)
        manifest = self._registry.content.get(repository, reference)
        self._registry.locks.require(Permission.READ, repository, manifest.digest)
        headers = {"Docker-Content-Digest": str(manifest.digest), "ETag": f'"{manifest.digest}"'}
        if any(tag.value == str(manifest.digest) for tag in request.if_none_match or ()):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=manifest.body, headers=headers | {"Content-Type": manifest.media_type})

    # distribution-spec: Pushing Manifests (end-7), Pushing Manifests with Subject
    async def push(self, request: web.Request) -> web.Response:
        """Store a manifest whose content is here: by tag, by digest, or by digest with tags in `?tag=`."""
        repository, reference = repository_of(request), reference_of(request)
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
        pushed_by = reference if isinstance(reference, Digest) else None
        manifest = Manifest.parse(await request.read(), media_type, pushed_by)
        self._registry.content.require_complete(repository, manifest)
        tags = (
            [names.tag(text) for text in request.query.getall("tag", [])]
            if isinstance(reference, Digest)
            else [reference]
        )
        self._registry.push(repository, manifest, tags, caller_of(request))
        headers = {
            "Location": f"/v2/{repository}/manifests/{manifest.digest}",
            "Docker-Content-Digest": str(manifest.digest),
        }
        if manifest.subject and self._registry.referrers:
            headers["OCI-Subject"] = manifest.subject
        if pushed_by and tags:
            headers["OCI-Tag"] = ", ".join(tags)
        return web.Response(status=HTTPStatus.CREATED, headers=headers)

    # distribution-spec: Deleting tags, Deleting Manifests (end-9)
    async def delete(self, request: web.Request) -> web.Response:
        """Delete a manifest with its tags, or a tag alone."""
        repository, reference = repository_of(request), reference_of(request)
        self._registry.content.get(repository, reference)
        if isinstance(reference, Digest):
            self._registry.delete(repository, reference, caller_of(request))
        else:
            self._registry.content.delete_tag(repository, reference)
        return web.Response(status=HTTPStatus.ACCEPTED)
