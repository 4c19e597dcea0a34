"""distribution-spec 1.1, Push."""

import hashlib
import json
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from emulator.store.collector import Spare
from emulator.testing import Azure
from tests.integration.emulator.support import (
    EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Oci,
    descriptor,
    digest_of,
    index,
    layer,
    manifest,
)

CONTENT = b"abcdefghij" * 1000


async def start(dev: Oci, query: str = "") -> str:
    answer = await dev.ask("POST", f"blobs/uploads/{query}")
    assert answer.status == 202
    return str(answer.headers["Location"])


@pytest.mark.spec("Push: POST then PUT")
class TestPostThenPut:
    async def test_a_blob(self, dev: Oci) -> None:
        location = await start(dev)

        answer = await dev.ask("PUT", f"{location}?digest={digest_of(CONTENT)}", data=CONTENT)

        assert answer.status == 201
        assert answer.headers["Location"] == f"/v2/shop/web/blobs/{digest_of(CONTENT)}"
        assert answer.headers["Docker-Content-Digest"] == digest_of(CONTENT)
        assert (await dev.ask("GET", answer.headers["Location"])).body == CONTENT

    async def test_every_session_has_an_id_of_its_own(self, dev: Oci) -> None:
        sessions = [UUID((await start(dev)).rpartition("/")[2]) for _ in range(3)]

        assert len(set(sessions)) == 3

    @pytest.mark.parametrize("path", ["blobs/uploads/", "blobs/uploads"])
    async def test_the_path_may_end_with_a_slash_or_not(self, dev: Oci, path: str) -> None:
        assert (await dev.ask("POST", path)).status == 202

    async def test_an_empty_blob(self, dev: Oci) -> None:
        location = await start(dev)

        assert (await dev.ask("PUT", f"{location}?digest={digest_of(b'')}")).status == 201

        assert (await dev.ask("GET", f"blobs/{digest_of(b'')}")).body == b""

    async def test_to_a_name_that_is_none(self, dev: Oci) -> None:
        answer = await dev.ask("POST", "/v2/Shop/Web/blobs/uploads/")

        assert (answer.status, answer.code) == (400, "NAME_INVALID")


@pytest.mark.spec("Push: Single POST")
class TestSinglePost:
    async def test_a_blob(self, dev: Oci) -> None:
        answer = await dev.ask("POST", f"blobs/uploads/?digest={digest_of(CONTENT)}", data=CONTENT)

        assert answer.status == 201
        assert (await dev.ask("GET", answer.headers["Location"])).body == CONTENT

    async def test_an_empty_blob(self, dev: Oci) -> None:
        digest = await dev.push_blob(b"")

        assert (await dev.ask("GET", f"blobs/{digest}")).body == b""

    async def test_content_with_another_digest_is_refused(self, dev: Oci) -> None:
        answer = await dev.ask("POST", f"blobs/uploads/?digest={digest_of(b'other')}", data=CONTENT)

        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
        assert (await dev.ask("HEAD", f"blobs/{digest_of(b'other')}")).status == 404


@pytest.mark.spec("Push: Pushing blobs")
class TestPushingBlobs:
    async def test_content_with_another_digest_is_refused(self, dev: Oci) -> None:
        location = await start(dev)

        answer = await dev.ask("PUT", f"{location}?digest={digest_of(b'other')}", data=CONTENT)

        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")
        assert (await dev.ask("HEAD", f"blobs/{digest_of(b'other')}")).status == 404
        assert (await dev.ask("HEAD", f"blobs/{digest_of(CONTENT)}")).status == 404

    @pytest.mark.parametrize(
        "digest", ["", "sha256:short", "sha256:abc123", "md5:d41d8cd98f00b204e9800998ecf8427e", "none"]
    )
    async def test_what_is_no_digest_is_refused(self, dev: Oci, digest: str) -> None:
        answer = await dev.ask("PUT", f"{await start(dev)}?digest={digest}", data=CONTENT)

        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")

    @pytest.mark.parametrize("announced", ["", "?digest-algorithm=sha512"])
    async def test_sha512_announced_or_not(self, dev: Oci, announced: str) -> None:
        digest = f"sha512:{hashlib.sha512(CONTENT).hexdigest()}"

        answer = await dev.ask("PUT", f"{await start(dev, announced)}?digest={digest}", data=CONTENT)

        assert answer.status == 201
        assert (await dev.ask("GET", f"blobs/{digest}")).body == CONTENT

    async def test_an_algorithm_that_is_not_supported_is_refused(self, dev: Oci) -> None:
        answer = await dev.ask("POST", "blobs/uploads/?digest-algorithm=md5")

        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


@pytest.mark.spec("Push: Pushing a blob in chunks")
class TestPushingABlobInChunks:
    async def test_chunk_after_chunk(self, dev: Oci) -> None:
        location = await start(dev)

        for first in range(0, len(CONTENT), 4000):
            chunk = CONTENT[first : first + 4000]
            content_range = f"{first}-{first + len(chunk) - 1}"
            answer = await dev.ask("PATCH", location, data=chunk, headers={"Content-Range": content_range})
            assert (answer.status, answer.headers["Range"]) == (202, f"0-{first + len(chunk) - 1}")
            location = answer.headers["Location"]
        answer = await dev.ask("PUT", f"{location}?digest={digest_of(CONTENT)}")

        assert answer.status == 201
        assert (await dev.ask("GET", f"blobs/{digest_of(CONTENT)}")).body == CONTENT

    async def test_the_last_chunk_may_come_with_the_put(self, dev: Oci) -> None:
        location = await start(dev)
        await dev.ask("PATCH", location, data=CONTENT[:10])

        answer = await dev.ask("PUT", f"{location}?digest={digest_of(CONTENT)}", data=CONTENT[10:])

        assert answer.status == 201

    async def test_a_chunk_without_announced_length_is_streamed(self, dev: Oci) -> None:
        async def parts() -> object:
            for first in range(0, len(CONTENT), 1000):
                yield CONTENT[first : first + 1000]

        location = await start(dev)
        await dev.ask("PATCH", location, data=parts())

        assert (await dev.ask("PUT", f"{location}?digest={digest_of(CONTENT)}")).status == 201

    @pytest.mark.parametrize("content_range", ["5-14", "1-10", "0-8", "0-99", "ten-twenty"])
    async def test_a_chunk_out_of_order_is_416_and_changes_nothing(
        self, dev: Oci, content_range: str
    ) -> None:
        location = await start(dev)
        await dev.ask("PATCH", location, data=b"0123456789", headers={"Content-Range": "0-9"})

        answer = await dev.ask(
            "PATCH", location, data=b"abcdefghij", headers={"Content-Range": content_range}
        )

        assert answer.status == 416
        assert answer.headers["Range"] == "0-9"
        assert (await dev.ask("PUT", f"{location}?digest={digest_of(b'0123456789')}")).status == 201

    async def test_a_streamed_chunk_shorter_than_its_range_is_416_and_forgotten(self, dev: Oci) -> None:
        async def five() -> object:
            yield b"56789"

        location = await start(dev)
        await dev.ask("PATCH", location, data=b"01234")

        answer = await dev.ask("PATCH", location, data=five(), headers={"Content-Range": "5-14"})

        assert (answer.status, answer.headers["Range"]) == (416, "0-4")
        assert (await dev.ask("PUT", f"{location}?digest={digest_of(b'01234')}")).status == 201

    async def test_status_tells_how_much_has_arrived(self, dev: Oci) -> None:
        location = await start(dev)
        await dev.ask("PATCH", location, data=b"0123456789")

        answer = await dev.ask("GET", location)

        assert (answer.status, answer.headers["Range"]) == (204, "0-9")
        assert answer.headers["Location"] == location

    async def test_sha512_in_chunks(self, dev: Oci) -> None:
        location = await start(dev, "?digest-algorithm=sha512")
        await dev.ask("PATCH", location, data=CONTENT[:10], headers={"Content-Range": "0-9"})

        digest = f"sha512:{hashlib.sha512(CONTENT).hexdigest()}"
        answer = await dev.ask("PUT", f"{location}?digest={digest}", data=CONTENT[10:])

        assert answer.status == 201

    @pytest.mark.parametrize("content_range", ["10-19", "0-9999"])
    async def test_the_last_chunk_may_say_its_range_and_be_out_of_order(
        self, dev: Oci, content_range: str
    ) -> None:
        location = await start(dev)
        await dev.ask("PATCH", location, data=CONTENT[:10], headers={"Content-Range": "0-9"})
        right = {"Content-Range": f"10-{len(CONTENT) - 1}"}
        address = f"{location}?digest={digest_of(CONTENT)}"

        wrong = await dev.ask("PUT", address, data=CONTENT[20:], headers={"Content-Range": content_range})
        assert (wrong.status, wrong.headers["Range"]) == (416, "0-9")

        assert (await dev.ask("PUT", address, data=CONTENT[10:], headers=right)).status == 201

    async def test_an_upload_belongs_to_its_repository(self, dev: Oci) -> None:
        location = await start(dev)

        answer = await dev.ask("PATCH", location.replace("shop/web", "shop/other"), data=b"x")

        assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.spec("Push: Cancel a blob upload")
class TestCancellingABlobUpload:
    @pytest.mark.parametrize("method", ["GET", "PATCH", "PUT", "DELETE"])
    async def test_what_was_cancelled_is_gone(self, dev: Oci, method: str) -> None:
        location = await start(dev)
        await dev.ask("PATCH", location, data=b"some content")
        assert (await dev.ask("DELETE", location)).status == 204

        answer = await dev.ask(method, f"{location}?digest={digest_of(EMPTY)}")

        assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")

    async def test_what_nobody_ends_times_out(self, azure: Azure, dev: Oci) -> None:
        location = await start(dev)
        await dev.ask("PATCH", location, data=b"some content")

        await azure.collect(Spare(uploads=0))

        answer = await dev.ask("GET", location)
        assert (answer.status, answer.code) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.spec("Push: Mounting a blob from another repository")
class TestMountingABlob:
    async def test_from_a_repository_that_has_it(self, dev: Oci) -> None:
        digest = await Oci(dev.session, dev.url, "shop/base").push_blob(CONTENT)

        answer = await dev.ask("POST", f"blobs/uploads/?mount={digest}&from=shop/base")

        assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
        assert (await dev.ask("GET", answer.headers["Location"])).body == CONTENT

    async def test_not_from_another_registry(self, dev: Oci, prod: Oci) -> None:
        digest = await prod.push_blob(CONTENT)

        assert (await dev.ask("POST", f"blobs/uploads/?mount={digest}&from=shop/web")).status == 202

    async def test_without_from_any_repository_will_do(self, dev: Oci) -> None:
        digest = await Oci(dev.session, dev.url, "shop/base").push_blob(CONTENT)

        assert (await dev.ask("POST", f"blobs/uploads/?mount={digest}")).status == 201

    async def test_what_is_not_there_becomes_an_upload(self, dev: Oci) -> None:
        answer = await dev.ask("POST", f"blobs/uploads/?mount={digest_of(CONTENT)}&from=shop/base")

        assert answer.status == 202
        location = urlsplit(answer.headers["Location"])
        assert not parse_qs(location.query)
        assert location.path.startswith("/v2/shop/web/blobs/uploads/")


@pytest.mark.spec("Push: Pushing Manifests")
class TestPushingManifests:
    @pytest.mark.parametrize("spaces", [b"", b" ", b"\n\n"])
    async def test_is_kept_byte_for_byte(self, dev: Oci, spaces: bytes) -> None:
        await dev.push_blob(EMPTY)
        content = spaces + manifest(unknown={"key": ["\u00e4", 1.50]}) + spaces

        answer = await dev.push_manifest(content, "v1")

        assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest_of(content))
        assert (await dev.ask("GET", answer.headers["Location"])).body == content

    async def test_parameters_of_the_content_type_are_ignored(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)

        assert (await dev.push_manifest(manifest(), "v1", f"{OCI_MANIFEST}; charset=utf-8")).status == 201

    async def test_an_index_after_its_children(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)
        await dev.push_blob(b"layer")
        child = manifest(layers=[layer(b"layer")])
        assert (await dev.push_manifest(child)).status == 201

        answer = await dev.push_manifest(index([child]), "v1", OCI_INDEX)

        assert answer.status == 201
        assert answer.headers["Docker-Content-Digest"] == digest_of(index([child]))
        assert answer.headers["Location"] == f"/v2/shop/web/manifests/{digest_of(index([child]))}"
        assert (await dev.ask("GET", "manifests/v1")).body == index([child])

    async def test_a_manifest_that_names_missing_content_is_refused(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)

        without_layer = await dev.push_manifest(manifest(layers=[layer(b"missing")]), "v1")
        without_child = await dev.push_manifest(index([manifest()]), "v1", OCI_INDEX)

        for answer, missing in ((without_layer, b"missing"), (without_child, manifest())):
            assert (answer.status, answer.code) == (404, "MANIFEST_BLOB_UNKNOWN")
            assert answer.json["errors"][0]["detail"]["digests"] == [digest_of(missing)]

    async def test_foreign_layers_need_not_be_there(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)
        windows = descriptor(b"windows", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")

        answer = await dev.push_manifest(manifest(layers=[windows]), "v1")

        assert answer.status == 201

    async def test_a_tag_moves_to_what_is_pushed_last(self, dev: Oci) -> None:
        first = await dev.push("v1")
        second = await dev.push("v1", annotations={"version": "2"})

        assert (await dev.ask("HEAD", "manifests/v1")).headers["Docker-Content-Digest"] == second
        assert (await dev.ask("HEAD", f"manifests/{first}")).status == 200

    async def test_a_manifest_pushed_by_another_digest_is_refused(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)

        answer = await dev.push_manifest(manifest(), digest_of(b"other"))

        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")

    async def test_a_manifest_is_pushed_by_sha512(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)
        digest = f"sha512:{hashlib.sha512(manifest()).hexdigest()}"

        answer = await dev.push_manifest(manifest(), digest)

        assert (answer.status, answer.headers["Docker-Content-Digest"]) == (201, digest)
        assert (await dev.ask("GET", f"manifests/{digest}")).body == manifest()

    async def test_a_digest_may_come_with_tags(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)

        tags = [f"v{number}" for number in range(10)]
        query = "&".join(f"tag={tag}" for tag in tags)

        answer = await dev.push_manifest(manifest(), f"{digest_of(manifest())}?{query}")

        assert (answer.status, answer.headers["OCI-Tag"].split(", ")) == (201, tags)
        assert (await dev.ask("GET", "tags/list")).json["tags"] == tags

    async def test_one_tag_that_is_none_keeps_all_from_being_pushed(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)

        answer = await dev.push_manifest(manifest(), f"{digest_of(manifest())}?tag=good&tag=-bad")

        assert answer.status == 400
        assert (await dev.ask("HEAD", "manifests/good")).status == 404

    @pytest.mark.parametrize("content", [b"", b"no json", b"[]", b'{"layers": "none"}', b'{"config": {}}'])
    async def test_what_is_no_manifest_is_refused(self, dev: Oci, content: bytes) -> None:
        answer = await dev.push_manifest(content, "v1")

        assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")

    async def test_a_content_type_that_contradicts_the_manifest_is_refused(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)

        answer = await dev.push_manifest(manifest(), "v1", OCI_INDEX)

        assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")

    async def test_a_manifest_of_more_than_4_mib_is_413(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)
        fits = manifest(annotations={"a": "x" * (4 * 1024 * 1024 - 1000)})
        too_large = manifest(annotations={"a": "x" * (4 * 1024 * 1024)})

        assert (await dev.push_manifest(fits, "v1")).status == 201
        assert (await dev.ask("GET", "manifests/v1")).body == fits
        answer = await dev.push_manifest(too_large, "v2")

        assert (answer.status, answer.code) == (413, "SIZE_INVALID")

    @pytest.mark.parametrize("tag", ["-v1", ".v1", "a" * 129, "v%201"])
    async def test_what_is_no_tag_is_refused(self, dev: Oci, tag: str) -> None:
        await dev.push_blob(EMPTY)

        answer = await dev.push_manifest(manifest(), tag)

        assert (answer.status, answer.code) == (400, "TAG_INVALID")

    @pytest.mark.parametrize("name", ["Shop/Web", "shop//web", "shop/-web", "a" * 256])
    async def test_what_is_no_repository_is_refused(self, dev: Oci, name: str) -> None:
        answer = await Oci(dev.session, dev.url, name).push_manifest(manifest(), "v1")

        assert (answer.status, answer.code) == (400, "NAME_INVALID")


@pytest.mark.spec("Push: Pushing Manifests with Subject")
class TestPushingManifestsWithSubject:
    @pytest.mark.parametrize("media_type", [OCI_MANIFEST, OCI_INDEX])
    async def test_the_answer_names_the_subject(self, dev: Oci, media_type: str) -> None:
        image = await dev.push("v1")
        subject = {"digest": image, "size": len(manifest()), "mediaType": OCI_MANIFEST}
        empty = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": subject}
        content = json.dumps(empty).encode() if media_type == OCI_INDEX else manifest(subject=subject)

        answer = await dev.push_manifest(content, media_type=media_type)

        assert (answer.status, answer.headers["OCI-Subject"]) == (201, image)

    async def test_the_subject_may_come_later_or_never(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)
        absent = digest_of(b"not there")

        answer = await dev.push_manifest(manifest(subject={"digest": absent, "size": 1, "mediaType": "x"}))

        assert (answer.status, answer.headers["OCI-Subject"]) == (201, absent)

    async def test_without_a_subject_it_names_none(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)

        assert "OCI-Subject" not in (await dev.push_manifest(manifest(), "v1")).headers
