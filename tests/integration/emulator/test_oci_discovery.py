"""distribution-spec 1.1: Content Discovery."""

import pytest

from tests.integration.emulator.support import EMPTY, OCI_INDEX, Oci, descriptor, digest_of, manifest


async def test_tags_are_listed_by_name(dev: Oci) -> None:
    for tag in ("v2", "latest", "v1"):
        await dev.push(tag)

    answer = await dev.ask("GET", "tags/list")

    assert answer.json == {"name": "shop/web", "tags": ["latest", "v1", "v2"]}
    assert "Link" not in answer.headers


async def test_tags_are_listed_page_by_page(dev: Oci) -> None:
    for number in range(5):
        await dev.push(f"v{number}")

    pages, address = [], "tags/list?n=2"
    while address:
        answer = await dev.ask("GET", address)
        pages.append(answer.json["tags"])
        link = answer.headers.get("Link", "")
        address = link.partition("<")[2].partition(">")[0]

    assert pages == [["v0", "v1"], ["v2", "v3"], ["v4"]]


async def test_a_list_goes_on_after_a_tag_that_is_not_there(dev: Oci) -> None:
    await dev.push("b")

    assert (await dev.ask("GET", "tags/list?last=a&n=5")).json["tags"] == ["b"]
    nothing = await dev.ask("GET", "tags/list?n=0")
    assert nothing.json["tags"] == []
    assert "Link" not in nothing.headers


async def test_a_page_size_that_is_no_number_is_refused(dev: Oci) -> None:
    await dev.push("v1")

    answer = await dev.ask("GET", "tags/list?n=some")

    assert (answer.status, answer.code) == (400, "UNSUPPORTED")


async def test_the_tags_of_a_repository_that_is_not_there_are_404(dev: Oci) -> None:
    answer = await dev.ask("GET", "tags/list")

    assert (answer.status, answer.code) == (404, "NAME_UNKNOWN")


async def test_repositories_are_listed_page_by_page(dev: Oci) -> None:
    for name in ("shop/web", "shop/api", "base"):
        await Oci(dev.session, dev.url, name).push("v1")

    first = await dev.ask("GET", "/v2/_catalog?n=2")
    rest = await dev.ask("GET", first.headers["Link"].partition("<")[2].partition(">")[0])

    assert (first.json["repositories"], rest.json["repositories"]) == (["base", "shop/api"], ["shop/web"])


class TestReferrers:
    async def test_what_refers_to_a_digest_is_listed_as_an_index(self, dev: Oci) -> None:
        image = await dev.push("v1")
        signature = await refer(dev, image, "application/vnd.signature", note="mine")
        bill = await refer(dev, image, "application/vnd.sbom")

        answer = await dev.ask("GET", f"referrers/{image}")

        assert (answer.status, answer.headers["Content-Type"]) == (200, OCI_INDEX)
        assert [one["digest"] for one in answer.json["manifests"]] == [signature, bill]
        assert answer.json["manifests"][0]["artifactType"] == "application/vnd.signature"
        assert answer.json["manifests"][0]["annotations"] == {"note": "mine"}

    async def test_they_are_filtered_by_type(self, dev: Oci) -> None:
        image = await dev.push("v1")
        await refer(dev, image, "application/vnd.signature")
        bill = await refer(dev, image, "application/vnd.sbom")

        answer = await dev.ask("GET", f"referrers/{image}?artifactType=application/vnd.sbom")

        assert [one["digest"] for one in answer.json["manifests"]] == [bill]
        assert answer.headers["OCI-Filters-Applied"] == "artifactType"

    async def test_without_artifact_type_the_config_tells_the_type(self, dev: Oci) -> None:
        image = await dev.push("v1")
        await dev.push_blob(EMPTY)
        content = manifest(subject={"digest": image, "size": 1, "mediaType": "x"})

        answer = await dev.push_manifest(content)

        assert answer.headers["OCI-Subject"] == image
        (one,) = (await dev.ask("GET", f"referrers/{image}")).json["manifests"]
        assert one["artifactType"] == descriptor(EMPTY)["mediaType"]

    async def test_a_subject_may_come_later_or_never(self, dev: Oci) -> None:
        absent = digest_of(b"not there")

        assert (await dev.ask("GET", f"referrers/{absent}")).json["manifests"] == []
        referrer = await refer(dev, absent, "application/vnd.sbom")

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


async def refer(dev: Oci, subject: str, artifact_type: str, **annotations: str) -> str:
    content = manifest(
        artifactType=artifact_type,
        annotations=annotations,
        subject={"digest": subject, "size": 1, "mediaType": "x"},
    )
    await dev.push_blob(EMPTY)
    assert (await dev.push_manifest(content)).status == 201
    return digest_of(content)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/v2/"), ("PUT", "tags/list"), ("POST", "manifests/v1")]
)
async def test_a_method_that_is_not_supported_is_405(dev: Oci, method: str, path: str) -> None:
    answer = await dev.ask(method, path)

    assert (answer.status, answer.code) == (405, "UNSUPPORTED")
