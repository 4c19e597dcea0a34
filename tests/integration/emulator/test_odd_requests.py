"""What a client should not do, and does: broken bodies, absurd numbers, hanging up, all at once."""

import asyncio
from io import BytesIO
from pathlib import Path

import pytest

from emulator.testing import Azure
from tests.integration.emulator.support import EMPTY, OCI_INDEX, OCI_MANIFEST, Oci, digest_of, manifest, until

CONTENT = b"some content" * 1000


class TestBodies:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("PUT", "manifests/v1"), ("POST", f"blobs/uploads/?digest={digest_of(b'x')}"), ("PATCH", "")],
    )
    async def test_that_are_not_encoded_as_they_say_are_refused(
        self, dev: Oci, tmp_path: Path, method: str, path: str
    ) -> None:
        location = (await dev.ask("POST", "blobs/uploads/")).headers["Location"]

        answer = await raw(
            dev, method, path or location, "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
        )

        assert b"HTTP/1.1 400 Bad Request" in answer
        assert b'"the body is broken: ' in answer
        assert (await dev.ask("GET", location)).headers["Range"] == "0-0"
        assert [file.name for file in (tmp_path / "uploads").iterdir()] == [location.rpartition("/")[2]]

    async def test_that_are_nested_without_end_are_refused(self, azure: Azure, dev: Oci) -> None:
        deep = BytesIO(b'{"x":' + b"[" * 100_000)
        path = f"{azure.registry('dev').resource_id}/importImage?api-version=1"

        pushed = await dev.ask("PUT", "manifests/v1", data=deep, headers={"Content-Type": OCI_MANIFEST})
        imported = await Oci(azure.session, azure.arm_url).ask(
            "POST", path, data=BytesIO(deep.getvalue()), headers={"Authorization": "Bearer me"}
        )

        assert (pushed.status, pushed.code) == (400, "UNSUPPORTED")
        assert (imported.status, imported.json["error"]["code"]) == (400, "BadRequest")

    @pytest.mark.parametrize(
        "content_type", ["multipart/form-data", "application/x-www-form-urlencoded; charset=none"]
    )
    async def test_that_are_no_forms_are_refused(self, dev: Oci, content_type: str) -> None:
        answer = await dev.ask("POST", "/oauth2/token", data=b"a=b", headers={"Content-Type": content_type})

        assert (answer.status, answer.code) == (400, "UNSUPPORTED")

    async def test_of_resource_manager_are_refused_too(self, azure: Azure) -> None:
        path = f"{azure.registry('dev').resource_id}/importImage?api-version=1"
        headers = "Authorization: Bearer me\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"

        answer = await raw(Oci(azure.session, azure.arm_url), "POST", path, headers)

        assert b"HTTP/1.1 400 Bad Request" in answer
        assert b'"code": "BadRequest", "message": "The body is broken: ' in answer


class TestManifests:
    @pytest.mark.parametrize(
        ("media_type", "content"),
        [
            (OCI_MANIFEST, b"{}"),
            (OCI_MANIFEST, b'{"layers": []}'),
            (OCI_MANIFEST, manifest(manifests=[])),
            (OCI_INDEX, b"{}"),
            (OCI_INDEX, b'{"manifests": [], "layers": []}'),
            ("", b"{}"),
        ],
    )
    async def test_that_could_be_read_as_something_else_are_refused(
        self, dev: Oci, media_type: str, content: bytes
    ) -> None:
        """CVE-2021-41190: a registry and a client must not see two different images in one manifest."""
        await dev.push_blob(EMPTY)

        answer = await dev.push_manifest(content, "v1", media_type)

        assert (answer.status, answer.code) == (400, "MANIFEST_INVALID")

    async def test_of_other_kinds_are_taken_as_they_are(self, dev: Oci) -> None:
        assert (await dev.push_manifest(b"{}", "v1", "application/vnd.example+json")).status == 201


class TestHangingUp:
    async def test_in_the_middle_of_a_chunk_leaves_what_arrived(self, dev: Oci, tmp_path: Path) -> None:
        location = (await dev.ask("POST", "blobs/uploads/")).headers["Location"]
        await hang_up(dev, "PATCH", location, tmp_path / "uploads")

        received = int((await dev.ask("GET", location)).headers["Range"].partition("-")[2]) + 1
        assert 1 < received < len(CONTENT)
        assert (await dev.ask("PATCH", location, data=CONTENT[received:])).status == 202

        assert (await dev.ask("PUT", f"{location}?digest={digest_of(CONTENT)}")).status == 201
        assert (await dev.ask("GET", f"blobs/{digest_of(CONTENT)}")).body == CONTENT

    async def test_in_the_middle_of_a_single_post_leaves_nothing(self, dev: Oci, tmp_path: Path) -> None:
        await dev.ask("DELETE", (await dev.ask("POST", "blobs/uploads/")).headers["Location"])
        uploads = tmp_path / "uploads"

        await hang_up(dev, "POST", f"blobs/uploads/?digest={digest_of(CONTENT)}", uploads)

        await until(lambda: not list(uploads.iterdir()))
        assert (await dev.ask("HEAD", f"blobs/{digest_of(CONTENT)}")).status == 404


@pytest.mark.parametrize("number", ["9" * 30, str(2**63 - 1), "9" * 5000])
async def test_a_page_of_absurd_size_has_all(dev: Oci, number: str) -> None:
    await dev.push("v1")

    assert (await dev.ask("GET", f"tags/list?n={number}")).json["tags"] == ["v1"]
    assert (await dev.ask("GET", f"/acr/v1/_catalog?n={number}")).json["repositories"] == ["shop/web"]


async def test_digits_of_other_scripts_are_no_number(dev: Oci) -> None:
    await dev.push("v1")

    assert (await dev.ask("GET", "tags/list?n=\u0663")).status == 400


async def test_who_pushes_one_tag_at_once_leaves_it_to_the_last(azure: Azure, dev: Oci) -> None:
    await dev.push_blob(EMPTY)
    bodies = [manifest(annotations={"by": str(number)}) for number in range(40)]

    answers = await asyncio.gather(*(dev.push_manifest(body, "v1") for body in bodies))

    assert {answer.status for answer in answers} == {201}
    pushed = [event["data"]["target"]["digest"] for event in azure.events()]  # type: ignore[index]
    assert sorted(pushed) == sorted(digest_of(body) for body in bodies)
    assert await azure.registry("dev").digest("shop/web:v1") == pushed[-1]
    for body in bodies:
        assert (await dev.ask("GET", f"manifests/{digest_of(body)}")).body == body


async def test_who_pushes_one_blob_at_once_has_it_once(dev: Oci, tmp_path: Path) -> None:
    assert set(await asyncio.gather(*(dev.push_blob(CONTENT) for _ in range(20)))) == {digest_of(CONTENT)}

    assert (await dev.ask("GET", f"blobs/{digest_of(CONTENT)}")).body == CONTENT
    assert [file.name for file in (tmp_path / "blobs").rglob("*") if file.is_file()] == [
        digest_of(CONTENT).partition(":")[2]
    ]
    assert list((tmp_path / "uploads").iterdir()) == []


async def raw(registry: Oci, method: str, path: str, rest: str) -> bytes:
    """Send what no decent client sends, headers and body, and give the answer."""
    reader, writer = await _open(registry, method, path, rest)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def hang_up(registry: Oci, method: str, path: str, uploads: Path) -> None:
    """Send half of what was announced, and hang up as soon as something of it has arrived."""
    half = CONTENT[: len(CONTENT) // 2].decode()
    _, writer = await _open(registry, method, path, f"Content-Length: {len(CONTENT)}\r\n\r\n{half}")
    await until(lambda: any(file.stat().st_size for file in uploads.iterdir()))
    writer.close()
    await writer.wait_closed()


async def _open(
    registry: Oci, method: str, path: str, rest: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = registry.service.partition(":")
    address = path if path.startswith("/") else f"/v2/{registry.repository}/{path}"
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"{method} {address} HTTP/1.1\r\nHost: {registry.service}\r\nConnection: close\r\n"
    writer.write((head + rest).encode())
    await writer.drain()
    return reader, writer
