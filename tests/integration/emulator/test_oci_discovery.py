"""distribution-spec 1.1, Content Discovery, Backwards Compatibility and Upgrade Procedures."""

import hashlib
import json
from typing import Any

import pytest

from emulator.distribution.switches import RegistrySwitches
from emulator.testing import Azure
from tests.integration.emulator.support import (
    EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Oci,
    descriptor,
    digest_of,
    manifest,
)


async def refer(dev: Oci, subject: str, artifact_type: str, **annotations: str) -> str:
    content = manifest(
        artifactType=artifact_type,
        annotations=annotations,
        subject={"digest": subject, "size": 1, "mediaType": "x"},
    )
    await dev.push_blob(EMPTY)
    assert (await dev.push_manifest(content)).status == 201
    return digest_of(content)


@pytest.mark.spec("Content Discovery: Listing Tags")
class TestListingTags:
    async def test_by_name(self, dev: Oci) -> None:
        for tag in ("v2", "latest", "v1", "V1", "_v"):
            await dev.push(tag)

        answer = await dev.ask("GET", "tags/list")

        assert answer.status == 200
        assert answer.json == {"name": "shop/web", "tags": ["V1", "_v", "latest", "v1", "v2"]}
        assert "Link" not in answer.headers

    async def test_page_by_page(self, dev: Oci) -> None:
        for number in range(5):
            await dev.push(f"v{number}")

        pages, address = [], "tags/list?n=2"
        while address:
            answer = await dev.ask("GET", address)
            pages.append(answer.json["tags"])
            link = answer.headers.get("Link", "")
            assert not link or link.endswith('; rel="next"')
            address = link.partition("<")[2].partition(">")[0]

        assert pages == [["v0", "v1"], ["v2", "v3"], ["v4"]]

    async def test_a_full_last_page_has_no_next(self, dev: Oci) -> None:
        for number in range(2):
            await dev.push(f"v{number}")

        answer = await dev.ask("GET", "tags/list?n=2")

        assert answer.json["tags"] == ["v0", "v1"]
        assert "Link" not in answer.headers

    async def test_after_a_tag_that_need_not_be_there(self, dev: Oci) -> None:
        await dev.push("b")
        await dev.push("c")

        assert (await dev.ask("GET", "tags/list?last=a&n=5")).json["tags"] == ["b", "c"]
        assert (await dev.ask("GET", "tags/list?last=b")).json["tags"] == ["c"]
        assert (await dev.ask("GET", "tags/list?last=c&n=1")).json["tags"] == []

    async def test_none_at_all(self, dev: Oci) -> None:
        await dev.push("b")

        nothing = await dev.ask("GET", "tags/list?n=0")

        assert (nothing.status, nothing.json["tags"]) == (200, [])
        assert "Link" not in nothing.headers

    async def test_of_a_repository_without_tags(self, dev: Oci) -> None:
        await dev.push_blob(EMPTY)
        await dev.push_manifest(manifest())

        assert (await dev.ask("GET", "tags/list")).json == {"name": "shop/web", "tags": []}

    async def test_a_page_size_that_is_no_number_is_refused(self, dev: Oci) -> None:
        await dev.push("v1")

        answer = await dev.ask("GET", "tags/list?n=some")

        assert (answer.status, answer.code) == (400, "UNSUPPORTED")

    async def test_of_a_repository_that_is_not_there_are_404(self, dev: Oci) -> None:
        answer = await dev.ask("GET", "tags/list")

        assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")


async def test_repositories_are_listed_page_by_page(dev: Oci) -> None:
    """Docker Registry HTTP API V2; the OCI specification has no catalog."""
    for name in ("shop/web", "shop/api", "base"):
        await Oci(dev.session, dev.url, name).push("v1")

    first = await dev.ask("GET", "/v2/_catalog?n=2")
    rest = await dev.ask("GET", first.headers["Link"].partition("<")[2].partition(">")[0])

    assert (first.json["repositories"], rest.json["repositories"]) == (["base", "shop/api"], ["shop/web"])


@pytest.mark.spec("Content Discovery: Listing Referrers")
class TestListingReferrers:
    async def test_as_an_index(self, dev: Oci) -> None:
        image = await dev.push("v1")
        signature = await refer(dev, image, "application/vnd.signature", note="mine")
        bill = await refer(dev, image, "application/vnd.sbom")

        answer = await dev.ask("GET", f"referrers/{image}")

        assert (answer.status, answer.headers["Content-Type"]) == (200, OCI_INDEX)
        assert (answer.json["schemaVersion"], answer.json["mediaType"]) == (2, OCI_INDEX)
        assert [one["digest"] for one in answer.json["manifests"]] == [signature, bill]
        first = answer.json["manifests"][0]
        stored = await dev.ask("GET", f"manifests/{signature}")
        assert (first["mediaType"], first["size"]) == (OCI_MANIFEST, len(stored.body))
        assert (first["artifactType"], first["annotations"]) == (
            "application/vnd.signature",
            {"note": "mine"},
        )

    async def test_filtered_by_type(self, dev: Oci) -> None:
        image = await dev.push("v1")
        await refer(dev, image, "application/vnd.signature")
        bill = await refer(dev, image, "application/vnd.sbom")

        answer = await dev.ask("GET", f"referrers/{image}?artifactType=application/vnd.sbom")
        nothing = await dev.ask("GET", f"referrers/{image}?artifactType=application/vnd.other")

        assert [one["digest"] for one in answer.json["manifests"]] == [bill]
        assert nothing.json["manifests"] == []
        for filtered in (answer, nothing):
            assert filtered.headers["OCI-Filters-Applied"] == "artifactType"
        assert "OCI-Filters-Applied" not in (await dev.ask("GET", f"referrers/{image}")).headers

    async def test_without_artifact_type_the_config_tells_the_type(self, dev: Oci) -> None:
        image = await dev.push("v1")
        await dev.push_manifest(manifest(subject={"digest": image, "size": 1, "mediaType": "x"}))

        (one,) = (await dev.ask("GET", f"referrers/{image}")).json["manifests"]

        assert one["artifactType"] == descriptor(EMPTY)["mediaType"]

    async def test_an_index_without_artifact_type_has_none(self, dev: Oci) -> None:
        image = await dev.push("v1")
        subject = {"digest": image, "size": 1, "mediaType": "x"}
        content = json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "subject": subject}
        ).encode()
        await dev.push_manifest(content, media_type=OCI_INDEX)

        (one,) = (await dev.ask("GET", f"referrers/{image}")).json["manifests"]

        assert one["mediaType"] == OCI_INDEX
        assert "artifactType" not in one

    async def test_only_of_the_same_repository(self, dev: Oci) -> None:
        image = await dev.push("v1")
        await refer(Oci(dev.session, dev.url, "shop/other"), image, "application/vnd.sbom")

        assert (await dev.ask("GET", f"referrers/{image}")).json["manifests"] == []

    async def test_a_subject_may_come_later_or_never(self, dev: Oci) -> None:
        absent = digest_of(b"not there")

        before = await dev.ask("GET", f"referrers/{absent}")
        referrer = await refer(dev, absent, "application/vnd.sbom")

        assert (before.status, before.json["manifests"]) == (200, [])
        listed = (await dev.ask("GET", f"referrers/{absent}")).json["manifests"]
        assert [one["digest"] for one in listed] == [referrer]

    async def test_a_deleted_referrer_is_listed_no_more(self, dev: Oci) -> None:
        image = await dev.push("v1")
        referrer = await refer(dev, image, "application/vnd.sbom")

        await dev.ask("DELETE", f"manifests/{referrer}")

        assert (await dev.ask("GET", f"referrers/{image}")).json["manifests"] == []

    async def test_of_what_is_no_digest_there_are_none(self, dev: Oci) -> None:
        answer = await dev.ask("GET", "referrers/latest")

        assert (answer.status, answer.code) == (400, "DIGEST_INVALID")


def referrers_tag(digest: str) -> str:
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm[:32]}-{encoded[:64]}"


async def attach_by_tag(dev: Oci, subject: str, artifact_type: str) -> dict[str, Any]:
    """Push a referrer as a client does that finds no referrers API, and give its descriptor."""
    content = manifest(artifactType=artifact_type, subject={"digest": subject, "size": 1, "mediaType": "x"})
    await dev.push_blob(EMPTY)
    pushed = await dev.push_manifest(content)
    assert "OCI-Subject" not in pushed.headers
    listed = await dev.ask("GET", f"manifests/{referrers_tag(subject)}")
    entries = listed.json["manifests"] if listed.status == 200 else []
    entry = {**descriptor(content, OCI_MANIFEST), "artifactType": artifact_type}
    whole = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*entries, entry]}
    answer = await dev.push_manifest(json.dumps(whole).encode(), referrers_tag(subject), OCI_INDEX)
    assert answer.status == 201
    return entry


@pytest.mark.spec("Backwards Compatibility: Unavailable Referrers API")
class TestUnavailableReferrersApi:
    async def test_the_client_is_told_and_keeps_a_list_under_a_tag(self, azure: Azure, dev: Oci) -> None:
        azure.switch("dev", RegistrySwitches(referrers=False))
        image = await dev.push("v1")

        assert (await dev.ask("GET", f"referrers/{image}")).status == 404
        entries = [await attach_by_tag(dev, image, kind) for kind in ("vnd.a/a", "vnd.b/b")]

        listed = await dev.ask("GET", f"manifests/{referrers_tag(image)}")
        assert listed.headers["Content-Type"] == OCI_INDEX
        assert listed.json["manifests"] == entries

    @pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
    async def test_the_tag_of_a_digest_is_one(self, dev: Oci, algorithm: str) -> None:
        digest = f"{algorithm}:{hashlib.new(algorithm, b'x').hexdigest()}"

        await dev.push(referrers_tag(digest))

        assert (await dev.ask("GET", "tags/list")).json["tags"] == [referrers_tag(digest)]


@pytest.mark.spec("Upgrade Procedures: Enabling the Referrers API")
class TestEnablingTheReferrersApi:
    async def test_what_was_pushed_before_is_listed_with_what_is_pushed_after(
        self, azure: Azure, dev: Oci
    ) -> None:
        azure.switch("dev", RegistrySwitches(referrers=False))
        image = await dev.push("v1")
        before = await attach_by_tag(dev, image, "application/vnd.sbom")

        azure.switch("dev", RegistrySwitches())
        after = await refer(dev, image, "application/vnd.signature")

        listed = (await dev.ask("GET", f"referrers/{image}")).json["manifests"]
        assert [one["digest"] for one in listed] == [before["digest"], after]
