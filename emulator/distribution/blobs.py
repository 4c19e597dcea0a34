"""Blobs and their uploads over HTTP."""

import asyncio
import re
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import override

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from emulator import errors
from emulator.distribution.grants import Scope
from emulator.distribution.registry import Registry
from emulator.distribution.requests import GRANT, digest_of, repository_of
from emulator.distribution.troubles import DRAWN
from emulator.errors import OciError
from emulator.faults import Effect
from emulator.store import names
from emulator.store.locks import Permission
from emulator.store.names import Digest, Repository
from emulator.store.uploads import Upload

_CHUNK = 1 << 20
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_CONTENT_RANGE = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/.*)?")


class Blobs:
    """The routes below `/v2/{name}/blobs/`."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def routes(self) -> Iterable[web.RouteDef]:
        """Name the routes."""
        uploads = "/v2/{repository:.+}/blobs/uploads"
        session = uploads + "/{session}"
        blob = "/v2/{repository:.+}/blobs/{digest}"
        return [
            web.post(uploads, self.start),
            web.post(uploads + "/", self.start),
            web.get(session, self.status),
            web.patch(session, self.append),
            web.put(session, self.finish),
            web.delete(session, self.cancel),
            web.get(blob, self.read),
            web.delete(blob, self.delete),
        ]

    # distribution-spec: Pulling blobs (end-2); RFC 9110: Range Requests, Conditional Requests
    async def read(self, request: web.Request) -> web.StreamResponse:
        """Send a blob, or the part of it that is asked for."""
        repository, digest = repository_of(request), digest_of(request)
        self._registry.locks.require(Permission.READ, repository)
        if self._registry.content.see_blob(repository, digest) is None:
            raise errors.blob_unknown(str(digest))
        headers = {"Content-Type": "application/octet-stream", "Docker-Content-Digest": str(digest)}
        path = self._registry.blobs.path(digest)
        if Effect.CUT in request[DRAWN]:
            return await _cut(request, path, headers)
        return _BlobResponse(path, chunk_size=_CHUNK, headers=headers)

    # distribution-spec: Deleting Blobs (end-10)
    async def delete(self, request: web.Request) -> web.Response:
        """Delete a blob."""
        self._registry.content.delete_blob(repository_of(request), digest_of(request))
        return web.Response(status=HTTPStatus.ACCEPTED)

    # distribution-spec: POST then PUT (end-4a), Single POST (end-4b), Mounting a blob (end-11)
    async def start(self, request: web.Request) -> web.Response:
        """Mount a blob of another repository, take a whole one, or open an upload."""
        repository = repository_of(request)
        self._registry.locks.require(Permission.WRITE, repository)
        if (mounted := self._mount(request, repository)) is not None:
            return mounted
        if text := request.query.get("digest"):
            return await self._take(request, repository, Digest.parse(text))
        algorithm = names.algorithm(request.query.get("digest-algorithm", "sha256"))
        return _progress(self._registry.uploads.start(repository, algorithm), HTTPStatus.ACCEPTED)

    async def _take(self, request: web.Request, repository: Repository, digest: Digest) -> web.Response:
        upload = self._registry.uploads.start(repository, digest.algorithm)
        try:
            await self._receive(request, upload)
            return await self._settle(upload, digest)
        except BaseException:  # nobody was told of this upload, so nobody goes on with it
            self._registry.uploads.cancel(upload)
            raise

    def _mount(self, request: web.Request, repository: Repository) -> web.Response | None:
        if not (text := request.query.get("mount")):
            return None
        digest, content = Digest.parse(text), self._registry.content
        named = request.query.get("from")
        sources = [names.repository(named)] if named else content.repositories_with(digest)
        for source in sources:
            size = content.blob_size(source, digest)
            if size is not None and request[GRANT].permits(Scope("repository", source, "pull")):
                content.add_blob(repository, digest, size)
                return _created(repository, digest)
        return None

    # distribution-spec: Pushing a blob in chunks, GET /v2/<name>/blobs/uploads/<reference> (end-13)
    async def status(self, request: web.Request) -> web.Response:
        """Tell how much of an upload has arrived."""
        async with self._registry.uploads.hold(
            repository_of(request), request.match_info["session"]
        ) as upload:
            return _progress(upload, HTTPStatus.NO_CONTENT)

    # distribution-spec: Pushing a blob in chunks (end-5)
    async def append(self, request: web.Request) -> web.Response:
        """Take the next part of an upload."""
        async with self._registry.uploads.hold(
            repository_of(request), request.match_info["session"]
        ) as upload:
            await self._receive(request, upload)
            return _progress(upload, HTTPStatus.ACCEPTED)

    # distribution-spec: Pushing a blob monolithically, or the end of one in chunks (end-6)
    async def finish(self, request: web.Request) -> web.Response:
        """Take the last part of an upload, and make it a blob."""
        digest = Digest.parse(request.query.get("digest", ""))
        async with self._registry.uploads.hold(
            repository_of(request), request.match_info["session"]
        ) as upload:
            await self._receive(request, upload)
            return await self._settle(upload, digest)

    # distribution-spec: Canceling a blob upload (end-14)
    async def cancel(self, request: web.Request) -> web.Response:
        """End an upload."""
        async with self._registry.uploads.hold(
            repository_of(request), request.match_info["session"]
        ) as upload:
            self._registry.uploads.cancel(upload)
            return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _receive(self, request: web.Request, upload: Upload) -> None:
        incoming = upload.incoming
        start, announced = incoming.size, _announced_size(request, upload)
        async for chunk in request.content.iter_chunked(_CHUNK):
            incoming.append(chunk)
        if announced is not None and incoming.size - start != announced:
            incoming.rewind(start)
            raise _out_of_order(upload, request.headers["Content-Range"])

    async def _settle(self, upload: Upload, digest: Digest) -> web.Response:
        size = await self._registry.uploads.finish(upload, digest)
        self._registry.content.add_blob(upload.repository, digest, size)
        return _created(upload.repository, digest)


class _BlobResponse(web.FileResponse):
    """A file, or one range of it; other Range headers are as if they were not there (RFC 9110)."""

    @override
    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        if "Range" in request.headers and not _is_one_range(request.headers["Range"]):
            others = {name: value for name, value in request.headers.items() if name != "Range"}
            request = request.clone(headers=others)
        sending = asyncio.ensure_future(super().prepare(request))
        try:
            return await asyncio.shield(sending)
        except asyncio.CancelledError:
            # Cancelled while it opens the file, aiohttp would leave it open: it sees itself who hung up.
            if self.prepared:
                sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            raise


def _is_one_range(text: str) -> bool:
    match = _RANGE.fullmatch(text)
    return match is not None and any(match.groups())


async def _cut(request: web.Request, path: Path, headers: dict[str, str]) -> web.StreamResponse:
    """Send the first half of a blob, and hang up."""
    content = await asyncio.to_thread(path.read_bytes)
    answer = web.StreamResponse(headers=headers)
    answer.content_length = len(content)
    await answer.prepare(request)
    await answer.write(content[: len(content) // 2])
    if request.transport:
        request.transport.close()
    return answer


def _announced_size(request: web.Request, upload: Upload) -> int | None:
    if (text := request.headers.get("Content-Range")) is None:
        return None
    match = _CONTENT_RANGE.fullmatch(text)
    if not match or int(match[1]) != upload.incoming.size:
        raise _out_of_order(upload, text)
    size = int(match[2]) - int(match[1]) + 1
    if size != (request.content_length or size):
        raise _out_of_order(upload, text)
    return size


def _out_of_order(upload: Upload, content_range: str) -> OciError:
    message = f"the next byte is {upload.incoming.size}, the range of this chunk {content_range}"
    status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    return OciError(status, "BLOB_UPLOAD_INVALID", message, headers=_upload_headers(upload))


def _upload_headers(upload: Upload) -> dict[str, str]:
    return {
        "Location": f"/v2/{upload.repository}/blobs/uploads/{upload.id}",
        "Docker-Upload-UUID": upload.id,
        "Range": f"0-{max(upload.incoming.size - 1, 0)}",
    }


def _progress(upload: Upload, status: HTTPStatus) -> web.Response:
    return web.Response(status=status, headers=_upload_headers(upload))


def _created(repository: Repository, digest: Digest) -> web.Response:
    headers = {"Location": f"/v2/{repository}/blobs/{digest}", "Docker-Content-Digest": str(digest)}
    return web.Response(status=HTTPStatus.CREATED, headers=headers)
