"""distribution-spec 1.1: Pull."""

import pytest

from tests.integration.emulator.support import EMPTY, OCI_MANIFEST, Oci, digest_of, manifest


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
async def test_a_registry_says_that_it_is_one(dev: Oci, path: str) -> None:
    answer = await dev.ask("GET", path)

    assert answer.status == 200
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_manifest_is_pulled_by_tag_and_by_digest(dev: Oci, method: str) -> None:
    digest = await dev.push("v1")

    for reference in ("v1", digest):
        answer = await dev.ask(method, f"manifests/{reference}")
        assert answer.status == 200
        assert answer.headers["Docker-Content-Digest"] == digest
        assert answer.headers["Content-Type"] == OCI_MANIFEST
        assert answer.headers["Content-Length"] == str(len(manifest()))
        assert answer.body == (manifest() if method == "GET" else b"")


@pytest.mark.parametrize("reference", ["nothing", f"sha256:{'0' * 64}"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_manifest_that_is_not_there_is_404(dev: Oci, method: str, reference: str) -> None:
    answer = await dev.ask(method, f"manifests/{reference}")

    assert answer.status == 404
    assert method == "HEAD" or answer.code == "MANIFEST_UNKNOWN"


async def test_a_manifest_that_the_client_has_is_not_sent_again(dev: Oci) -> None:
    digest = await dev.push("v1")

    answer = await dev.ask("GET", "manifests/v1", headers={"If-None-Match": f'"{digest}"'})

    assert answer.status == 304


async def test_a_blob_is_pulled_by_digest(dev: Oci) -> None:
    digest = await dev.push_blob(b"some content")

    answer = await dev.ask("GET", f"blobs/{digest}")
    head = await dev.ask("HEAD", f"blobs/{digest}")

    assert (answer.status, answer.body) == (200, b"some content")
    assert answer.headers["Docker-Content-Digest"] == digest
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "12", b"")


async def test_a_part_of_a_blob_is_pulled_by_range(dev: Oci) -> None:
    digest = await dev.push_blob(b"0123456789")

    part = await dev.ask("GET", f"blobs/{digest}", headers={"Range": "bytes=2-5"})
    beyond = await dev.ask("GET", f"blobs/{digest}", headers={"Range": "bytes=20-30"})

    assert (part.status, part.body, part.headers["Content-Range"]) == (206, b"2345", "bytes 2-5/10")
    assert beyond.status == 416


async def test_a_blob_that_is_not_there_is_404(dev: Oci) -> None:
    answer = await dev.ask("GET", f"blobs/{digest_of(b'never pushed')}")

    assert (answer.status, answer.code) == (404, "BLOB_UNKNOWN")


async def test_a_blob_belongs_to_the_repositories_that_it_was_pushed_to(dev: Oci, prod: Oci) -> None:
    digest = await dev.push_blob(EMPTY)
    other = Oci(dev.session, dev.url, "shop/other")

    assert (await dev.ask("HEAD", f"blobs/{digest}")).status == 200
    assert (await other.ask("HEAD", f"blobs/{digest}")).status == 404
    assert (await prod.ask("HEAD", f"blobs/{digest}")).status == 404


@pytest.mark.parametrize("digest", ["latest", "sha256:abc123", f"md5:{'0' * 32}", f"sha256:{'X' * 64}"])
async def test_what_is_no_digest_is_400(dev: Oci, digest: str) -> None:
    answer = await dev.ask("GET", f"blobs/{digest}")

    assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
