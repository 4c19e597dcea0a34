"""distribution-spec 1.1, Pull."""

import pytest

from emulator.testing import Azure
from tests.integration.emulator.support import (
    EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Oci,
    digest_of,
    index,
    manifest,
)

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.mark.spec("Pull: Pulling manifests")
class TestPullingManifests:
    async def test_by_tag_and_by_digest(self, dev: Oci) -> None:
        digest = await dev.push("v1")

        for reference in ("v1", digest):
            answer = await dev.ask("GET", f"manifests/{reference}")
            assert (answer.status, answer.body) == (200, manifest())
            assert answer.headers["Docker-Content-Digest"] == digest
            assert answer.headers["Content-Length"] == str(len(manifest()))

    async def test_the_content_type_is_the_one_that_was_pushed_without_parameters(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)
        docker = manifest(mediaType=DOCKER_MANIFEST)
        await dev.push_manifest(manifest(), "oci", f"{OCI_MANIFEST}; charset=utf-8")
        await dev.push_manifest(docker, "docker", DOCKER_MANIFEST)
        await dev.push_manifest(index([manifest()]), "index", OCI_INDEX)

        for tag, media_type in (("oci", OCI_MANIFEST), ("docker", DOCKER_MANIFEST), ("index", OCI_INDEX)):
            answer = await dev.ask("GET", f"manifests/{tag}")
            assert answer.headers["Content-Type"] == media_type

    @pytest.mark.parametrize("accept", ["*/*", OCI_INDEX, f"{DOCKER_MANIFEST}, {OCI_MANIFEST};q=0.5"])
    async def test_whatever_the_client_accepts_it_gets_what_is_there(self, dev: Oci, accept: str) -> None:
        await dev.push("v1")

        answer = await dev.ask("GET", "manifests/v1", headers={"Accept": accept})

        assert (answer.status, answer.body) == (200, manifest())

    @pytest.mark.parametrize("reference", ["nothing", f"sha256:{'0' * 64}"])
    async def test_one_that_is_not_there_is_404(self, dev: Oci, reference: str) -> None:
        await dev.push("v1")

        answer = await dev.ask("GET", f"manifests/{reference}")

        assert (answer.status, answer.code) == (404, "MANIFEST_UNKNOWN")

    async def test_a_repository_that_is_not_there_is_404(self, dev: Oci) -> None:
        assert (await dev.ask("GET", "manifests/v1")).status == 404

    @pytest.mark.parametrize(
        "reference", ["sha256:short", "md5:d41d8cd98f00b204e9800998ecf8427e", "-v1", "a" * 129]
    )
    async def test_what_is_neither_tag_nor_digest_is_400(self, dev: Oci, reference: str) -> None:
        assert (await dev.ask("GET", f"manifests/{reference}")).status == 400

    async def test_one_that_the_client_has_is_not_sent_again(self, dev: Oci) -> None:
        """RFC 9110: If-None-Match."""
        digest = await dev.push("v1")

        same = await dev.ask("GET", "manifests/v1", headers={"If-None-Match": f'"{digest}"'})
        other = await dev.ask("GET", "manifests/v1", headers={"If-None-Match": f'"{digest_of(b"old")}"'})

        assert (same.status, same.body) == (304, b"")
        assert same.headers["ETag"] == f'"{digest}"'
        assert other.status == 200


@pytest.mark.spec("Pull: Pulling blobs")
class TestPullingBlobs:
    async def test_by_digest(self, dev: Oci) -> None:
        digest = await dev.push_blob(b"some content")

        answer = await dev.ask("GET", f"blobs/{digest}")

        assert (answer.status, answer.body) == (200, b"some content")
        assert answer.headers["Docker-Content-Digest"] == digest

    async def test_one_that_is_not_there_is_404(self, dev: Oci) -> None:
        answer = await dev.ask("GET", f"blobs/{digest_of(b'never pushed')}")

        assert (answer.status, answer.code) == (404, "BLOB_UNKNOWN")

    @pytest.mark.parametrize("digest", ["latest", "sha256:abc123", f"md5:{'0' * 32}", f"sha256:{'X' * 64}"])
    async def test_what_is_no_digest_is_400(self, dev: Oci, digest: str) -> None:
        answer = await dev.ask("GET", f"blobs/{digest}")

        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")

    async def test_it_belongs_to_the_repositories_that_it_was_pushed_to(self, dev: Oci, prod: Oci) -> None:
        digest = await dev.push_blob(EMPTY)
        other = Oci(dev.session, dev.url, "shop/other")

        assert (await dev.ask("GET", f"blobs/{digest}")).status == 200
        assert (await other.ask("GET", f"blobs/{digest}")).status == 404
        assert (await prod.ask("GET", f"blobs/{digest}")).status == 404

    @pytest.mark.parametrize(
        ("wanted", "got", "content_range"),
        [
            ("bytes=2-5", b"2345", "bytes 2-5/10"),
            ("bytes=7-", b"789", "bytes 7-9/10"),
            ("bytes=-4", b"6789", "bytes 6-9/10"),
            ("bytes=8-99", b"89", "bytes 8-9/10"),
            ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ],
    )
    async def test_a_part_of_it_by_range(self, dev: Oci, wanted: str, got: bytes, content_range: str) -> None:
        """RFC 9110: Range Requests."""
        digest = await dev.push_blob(b"0123456789")

        part = await dev.ask("GET", f"blobs/{digest}", headers={"Range": wanted})

        assert (part.status, part.body, part.headers["Content-Range"]) == (206, got, content_range)

    @pytest.mark.parametrize("wanted", ["items=0-5", "bytes=0-1,4-5", "bytes=", "bytes=a-b"])
    async def test_a_range_that_is_not_understood_is_ignored(self, dev: Oci, wanted: str) -> None:
        """RFC 9110: Range Requests. Several ranges at once need not be served."""
        digest = await dev.push_blob(b"0123456789")

        whole = await dev.ask("GET", f"blobs/{digest}", headers={"Range": wanted})

        assert (whole.status, whole.body) == (200, b"0123456789")

    @pytest.mark.parametrize("wanted", ["bytes=20-30", "bytes=10-", "bytes=5-2"])
    async def test_a_range_that_nothing_is_in_is_416(self, dev: Oci, wanted: str) -> None:
        digest = await dev.push_blob(b"0123456789")

        beyond = await dev.ask("GET", f"blobs/{digest}", headers={"Range": wanted})

        assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */10")

    async def test_one_that_the_client_has_is_not_sent_again(self, dev: Oci) -> None:
        """RFC 9110: Conditional Requests."""
        digest = await dev.push_blob(b"0123456789")
        etag = (await dev.ask("GET", f"blobs/{digest}")).headers["ETag"]

        same = await dev.ask("GET", f"blobs/{digest}", headers={"If-None-Match": etag})
        other = await dev.ask("GET", f"blobs/{digest}", headers={"If-None-Match": '"other"'})
        required = await dev.ask("GET", f"blobs/{digest}", headers={"If-Match": '"other"'})

        assert [answer.status for answer in (same, other, required)] == [304, 200, 412]


@pytest.mark.spec("Pull: Checking if content exists in the registry")
class TestCheckingIfContentExists:
    async def test_a_manifest(self, dev: Oci) -> None:
        digest = await dev.push("v1")

        for reference in ("v1", digest):
            answer = await dev.ask("HEAD", f"manifests/{reference}")
            assert (answer.status, answer.body) == (200, b"")
            assert answer.headers["Docker-Content-Digest"] == digest
            assert answer.headers["Content-Length"] == str(len(manifest()))
            assert answer.headers["Content-Type"] == OCI_MANIFEST

    async def test_a_blob(self, dev: Oci) -> None:
        digest = await dev.push_blob(b"some content")

        answer = await dev.ask("HEAD", f"blobs/{digest}")

        assert (answer.status, answer.headers["Content-Length"], answer.body) == (200, "12", b"")
        assert answer.headers["Docker-Content-Digest"] == digest

    @pytest.mark.parametrize(
        "path", ["manifests/none", f"manifests/sha256:{'0' * 64}", f"blobs/sha256:{'0' * 64}"]
    )
    async def test_what_is_not_there_is_404(self, dev: Oci, path: str) -> None:
        await dev.push("v1")

        assert (await dev.ask("HEAD", path)).status == 404


async def test_what_was_read_by_ranges_is_the_whole(azure: Azure, dev: Oci) -> None:
    """distribution-spec 1.1, Use Cases: Resumable Pull."""
    content = bytes(range(256)) * 4096
    digest = await dev.push_blob(content)
    got = b""

    while len(got) < len(content):
        part = await dev.ask(
            "GET", f"blobs/{digest}", headers={"Range": f"bytes={len(got)}-{len(got) + 99_999}"}
        )
        got += part.body

    assert got == content
