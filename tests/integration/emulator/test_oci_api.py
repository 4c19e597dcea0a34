"""distribution-spec 1.1, API."""

from io import BytesIO

import pytest

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.faults import Effect, Fault, Operation
from emulator.testing import Azure
from tests.integration.emulator.support import EMPTY, OCI_MANIFEST, Oci, digest_of, layer, manifest

DIGEST, NOTHING = digest_of(manifest()), f"sha256:{'0' * 64}"
CODES = {
    "BLOB_UNKNOWN",
    "BLOB_UPLOAD_INVALID",
    "BLOB_UPLOAD_UNKNOWN",
    "DIGEST_INVALID",
    "MANIFEST_BLOB_UNKNOWN",
    "MANIFEST_INVALID",
    "MANIFEST_UNKNOWN",
    "NAME_INVALID",
    "NAME_UNKNOWN",
    "SIZE_INVALID",
    "UNAUTHORIZED",
    "DENIED",
    "UNSUPPORTED",
    "TOOMANYREQUESTS",
}
LEGACY = {"TAG_INVALID"}  # Historical Context: Legacy Docker support error codes


@pytest.mark.spec("API: Determining Support")
class TestDeterminingSupport:
    @pytest.mark.parametrize("path", ["/v2", "/v2/"])
    async def test_a_registry_says_that_it_is_one(self, dev: Oci, path: str) -> None:
        answer = await dev.ask("GET", path)

        assert answer.status == 200
        assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"

    async def test_it_may_ask_who_wants_to_know(self, azure: Azure, dev: Oci) -> None:
        azure.switch("dev", RegistrySwitches(Auth.TOKEN))

        assert (await dev.ask("GET", "/v2/")).status == 401


@pytest.mark.spec("API: Endpoints")
class TestEndpoints:
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/v2/", 200),
            ("GET", f"blobs/{digest_of(EMPTY)}", 200),
            ("HEAD", f"blobs/{digest_of(EMPTY)}", 200),
            ("GET", f"blobs/{NOTHING}", 404),
            ("GET", "manifests/v1", 200),
            ("HEAD", f"manifests/{DIGEST}", 200),
            ("GET", f"manifests/{NOTHING}", 404),
            ("POST", "blobs/uploads/", 202),
            ("POST", f"blobs/uploads/?digest={digest_of(b'')}", 201),
            ("POST", "blobs/uploads/?digest=none", 400),
            ("POST", "blobs/uploads/?digest-algorithm=sha512", 202),
            ("POST", "blobs/uploads/?digest-algorithm=none", 400),
            ("PATCH", "blobs/uploads/none", 404),
            ("PUT", f"blobs/uploads/none?digest={digest_of(b'')}", 404),
            ("GET", "blobs/uploads/none", 404),
            ("DELETE", "blobs/uploads/none", 404),
            ("GET", "tags/list", 200),
            ("GET", "tags/list?n=1&last=a", 200),
            ("GET", "/v2/shop/none/tags/list", 404),
            ("DELETE", "manifests/v1", 202),
            ("DELETE", f"manifests/{DIGEST}", 202),
            ("DELETE", f"manifests/{NOTHING}", 404),
            ("DELETE", f"blobs/{digest_of(EMPTY)}", 202),
            ("DELETE", f"blobs/{NOTHING}", 404),
            ("POST", f"blobs/uploads/?mount={digest_of(EMPTY)}&from=shop/web", 201),
            ("POST", f"blobs/uploads/?mount={NOTHING}&from=shop/web", 202),
            ("GET", f"referrers/{DIGEST}", 200),
            ("GET", f"referrers/{DIGEST}?artifactType=a/b", 200),
            ("GET", "referrers/none", 400),
        ],
    )
    async def test_answer_with_the_status_of_the_table(
        self, dev: Oci, method: str, path: str, status: int
    ) -> None:
        await dev.push("v1")

        assert (await dev.ask(method, path)).status == status

    @pytest.mark.parametrize(
        ("method", "path"), [("DELETE", "/v2/"), ("PUT", "tags/list"), ("POST", "manifests/v1")]
    )
    async def test_of_another_method_are_405(self, dev: Oci, method: str, path: str) -> None:
        answer = await dev.ask(method, path)

        assert (answer.status, answer.code) == (405, "UNSUPPORTED")

    async def test_a_repository_may_be_called_like_a_part_of_the_api(self, dev: Oci) -> None:
        odd = Oci(dev.session, dev.url, "blobs/uploads/manifests/tags/list")

        digest = await odd.push("v1")

        assert (await odd.ask("GET", "tags/list")).json["tags"] == ["v1"]
        assert (await odd.ask("HEAD", f"manifests/{digest}")).status == 200


@pytest.mark.spec("API: Error Codes")
class TestErrorCodes:
    @pytest.mark.parametrize(
        ("method", "path", "body", "code"),
        [
            ("GET", f"blobs/{NOTHING}", b"", "BLOB_UNKNOWN"),
            ("DELETE", f"blobs/{NOTHING}", b"", "BLOB_UNKNOWN"),
            ("PATCH", "blobs/uploads/none", b"x", "BLOB_UPLOAD_UNKNOWN"),
            ("POST", f"blobs/uploads/?digest={NOTHING}", b"x", "DIGEST_INVALID"),
            ("GET", "blobs/none", b"", "DIGEST_INVALID"),
            ("PUT", "manifests/v2", manifest(layers=[layer(b"missing")]), "MANIFEST_BLOB_UNKNOWN"),
            ("PUT", "manifests/v2", b"no json", "MANIFEST_INVALID"),
            ("PUT", "manifests/v2", manifest() + b" " * 4 * 1024 * 1024, "SIZE_INVALID"),
            ("PUT", "manifests/-v2", manifest(), "TAG_INVALID"),
            ("GET", "manifests/none", b"", "MANIFEST_UNKNOWN"),
            ("DELETE", "manifests/none", b"", "MANIFEST_UNKNOWN"),
            ("GET", "/v2/Shop/tags/list", b"", "NAME_INVALID"),
            ("GET", "/v2/none/tags/list", b"", "NAME_UNKNOWN"),
            ("GET", "/v2/shop/web/nothing/like/this", b"", "NAME_UNKNOWN"),
            ("GET", "tags/list?n=-1", b"", "UNSUPPORTED"),
            ("POST", "tags/list", b"", "UNSUPPORTED"),
        ],
    )
    async def test_are_those_of_the_table_in_its_format(
        self, dev: Oci, method: str, path: str, body: bytes, code: str
    ) -> None:
        await dev.push("v1")

        answer = await dev.ask(method, path, data=BytesIO(body), headers={"Content-Type": OCI_MANIFEST})

        assert 400 <= answer.status < 500
        assert answer.headers["Content-Type"].startswith("application/json")
        assert set(answer.json) == {"errors"}
        assert set(answer.json["errors"][0]) == {"code", "message", "detail"}
        assert answer.code == code
        assert answer.code in CODES | LEGACY

    async def test_too_many_requests_say_when_to_come_back(self, azure: Azure, dev: Oci) -> None:
        azure.faults.add(Fault(Operation.METADATA, Effect.STATUS, status=429, retry_after=3))

        answer = await dev.ask("GET", "tags/list")

        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (429, "TOOMANYREQUESTS", "3")

    async def test_who_is_not_known_and_who_may_not(self, azure: Azure, dev: Oci) -> None:
        azure.switch("dev", RegistrySwitches(Auth.TOKEN))
        unknown = await dev.ask("GET", "tags/list")
        azure.switch("dev", RegistrySwitches())
        azure.faults.add(Fault(Operation.MANIFEST_READ, Effect.STATUS, status=403))
        denied = await dev.ask("GET", "manifests/v1")

        assert (unknown.status, unknown.code) == (401, "UNAUTHORIZED")
        assert (denied.status, denied.code) == (403, "DENIED")

    async def test_a_chunk_out_of_order(self, dev: Oci) -> None:
        location = (await dev.ask("POST", "blobs/uploads/")).headers["Location"]

        answer = await dev.ask("PATCH", location, data=b"x", headers={"Content-Range": "5-5"})

        assert (answer.status, answer.code) == (416, "BLOB_UPLOAD_INVALID")


@pytest.mark.spec("API: Warnings")
class TestWarnings:
    async def test_are_sent_as_the_registry_is_told(self, azure: Azure, dev: Oci) -> None:
        azure.switch("dev", RegistrySwitches(warnings=['This is "old".', "It goes away soon."]))

        for path in ("/v2/", "tags/list", f"blobs/{digest_of(b'')}"):
            answer = await dev.ask("GET", path)
            assert answer.headers.getall("Warning") == [
                '299 - "This is \\"old\\"."',
                '299 - "It goes away soon."',
            ]

    async def test_are_not_sent_otherwise(self, dev: Oci) -> None:
        assert "Warning" not in (await dev.ask("GET", "/v2/")).headers

    @pytest.mark.parametrize("warnings", [["x" * 4096], ["x" * 2000] * 3, ["two\nlines"], ["ä"]])
    async def test_that_are_too_long_or_no_header_are_refused(
        self, azure: Azure, dev: Oci, warnings: list[str]
    ) -> None:
        control = Oci(azure.session, azure.arm_url)

        answer = await control.ask("PUT", "/emulator/registries/dev", json={"warnings": warnings})

        assert answer.status == 400
        assert "Warning" not in (await dev.ask("GET", "/v2/")).headers
