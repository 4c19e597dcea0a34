"""distribution-spec 1.1: Content Management."""

from tests.integration.emulator.support import EMPTY, Oci, digest_of, manifest


async def test_deleting_a_tag_leaves_its_manifest(dev: Oci) -> None:
    digest = await dev.push("v1")

    assert (await dev.ask("DELETE", "manifests/v1")).status == 202

    assert (await dev.ask("HEAD", "manifests/v1")).status == 404
    assert (await dev.ask("HEAD", f"manifests/{digest}")).status == 200
    assert (await dev.ask("GET", "tags/list")).json["tags"] == []


async def test_deleting_a_manifest_takes_its_tags_along(dev: Oci) -> None:
    digest = await dev.push("v1")
    await dev.push("latest")

    assert (await dev.ask("DELETE", f"manifests/{digest}")).status == 202

    for reference in ("v1", "latest", digest):
        assert (await dev.ask("HEAD", f"manifests/{reference}")).status == 404
    await dev.push("v2", annotations={"number": "2"})
    assert (await dev.ask("GET", "tags/list")).json["tags"] == ["v2"]


async def test_deleting_a_blob(dev: Oci) -> None:
    digest = await dev.push_blob(b"content")
    other = Oci(dev.session, dev.url, "shop/other")
    await other.push_blob(b"content")

    assert (await dev.ask("DELETE", f"blobs/{digest}")).status == 202

    assert (await dev.ask("HEAD", f"blobs/{digest}")).status == 404
    assert (await dev.ask("DELETE", f"blobs/{digest}")).status == 404
    assert (await other.ask("GET", f"blobs/{digest}")).body == b"content"


async def test_what_was_deleted_can_be_pushed_again(dev: Oci) -> None:
    await dev.push("v1")
    await dev.ask("DELETE", f"manifests/{digest_of(manifest())}")
    await dev.ask("DELETE", f"blobs/{digest_of(EMPTY)}")

    assert (await dev.push_manifest(manifest(), "v1")).status == 404
    assert await dev.push("v1") == digest_of(manifest())
