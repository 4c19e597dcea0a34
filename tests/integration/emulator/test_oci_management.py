"""distribution-spec 1.1, Content Management."""

import pytest

from tests.integration.emulator.support import EMPTY, OCI_INDEX, Oci, digest_of, index, manifest


@pytest.mark.spec("Content Management: Deleting tags")
class TestDeletingTags:
    async def test_leaves_the_manifest(self, dev: Oci) -> None:
        digest = await dev.push("v1")

        assert (await dev.ask("DELETE", "manifests/v1")).status == 202

        assert (await dev.ask("GET", "manifests/v1")).status == 404
        assert (await dev.ask("HEAD", f"manifests/{digest}")).status == 200
        assert (await dev.ask("GET", "tags/list")).json["tags"] == []

    async def test_leaves_other_tags(self, dev: Oci) -> None:
        await dev.push("v1")
        await dev.push("latest")

        await dev.ask("DELETE", "manifests/v1")

        assert (await dev.ask("GET", "tags/list")).json["tags"] == ["latest"]

    async def test_one_that_is_not_there_is_404(self, dev: Oci) -> None:
        await dev.push("v1")

        assert (await dev.ask("DELETE", "manifests/v2")).status == 404


@pytest.mark.spec("Content Management: Deleting Manifests")
class TestDeletingManifests:
    async def test_takes_the_tags_along(self, dev: Oci) -> None:
        digest = await dev.push("v1")
        await dev.push("latest")

        assert (await dev.ask("DELETE", f"manifests/{digest}")).status == 202

        for reference in ("v1", "latest", digest):
            assert (await dev.ask("HEAD", f"manifests/{reference}")).status == 404
        await dev.push("v2", annotations={"number": "2"})
        assert (await dev.ask("GET", "tags/list")).json["tags"] == ["v2"]

    async def test_of_an_index_leaves_its_children(self, dev: Oci) -> None:
        child = await dev.push("child")
        whole = index([manifest()])
        await dev.push_manifest(whole, "v1", OCI_INDEX)

        assert (await dev.ask("DELETE", f"manifests/{digest_of(whole)}")).status == 202

        assert (await dev.ask("HEAD", f"manifests/{child}")).status == 200

    @pytest.mark.parametrize("there", [True, False])
    async def test_one_that_is_not_there_is_404(self, dev: Oci, *, there: bool) -> None:
        if there:
            await dev.push("v1")

        assert (await dev.ask("DELETE", f"manifests/sha256:{'0' * 64}")).status == 404

    async def test_it_can_be_pushed_again(self, dev: Oci) -> None:
        digest = await dev.push("v1")
        await dev.ask("DELETE", f"manifests/{digest}")

        assert await dev.push("v1") == digest
        assert (await dev.ask("HEAD", "manifests/v1")).status == 200


@pytest.mark.spec("Content Management: Deleting Blobs")
class TestDeletingBlobs:
    async def test_from_one_repository(self, dev: Oci) -> None:
        digest = await dev.push_blob(b"content")
        other = Oci(dev.session, dev.url, "shop/other")
        await other.push_blob(b"content")

        assert (await dev.ask("DELETE", f"blobs/{digest}")).status == 202

        assert (await dev.ask("HEAD", f"blobs/{digest}")).status == 404
        assert (await other.ask("GET", f"blobs/{digest}")).body == b"content"

    async def test_one_that_is_not_there_is_404(self, dev: Oci) -> None:
        answer = await dev.ask("DELETE", f"blobs/{digest_of(b'never pushed')}")

        assert (answer.status, answer.code) == (404, "BLOB_UNKNOWN")

    async def test_it_can_be_pushed_again(self, dev: Oci) -> None:
        await dev.push("v1")
        await dev.ask("DELETE", f"manifests/{digest_of(manifest())}")
        await dev.ask("DELETE", f"blobs/{digest_of(EMPTY)}")

        assert (await dev.push_manifest(manifest(), "v1")).status == 404
        assert await dev.push("v1") == digest_of(manifest())
