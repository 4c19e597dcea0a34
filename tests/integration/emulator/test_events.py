"""What a registry raises, in both schemas."""

import re
from typing import Any

import pytest

from emulator.eventgrid.event import Schema
from emulator.eventgrid.subscription import Subscription
from emulator.testing import Azure
from tests.integration.emulator.support import EMPTY, Oci, Webhook, manifest

SEVEN_DIGITS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z")


async def test_a_tagged_push_in_the_event_grid_schema(azure: Azure, dev: Oci, webhook: Webhook) -> None:
    await azure.subscribe("promoter", webhook.url)

    digest = await dev.push("v1")

    (event,) = await webhook.received(1)
    assert set(event) == {
        "id", "topic", "subject", "eventType", "eventTime", "data", "dataVersion", "metadataVersion"
    }  # fmt: skip
    assert event["topic"] == azure.registry("dev").resource_id
    assert event["subject"] == "shop/web:v1"
    assert event["eventType"] == "Microsoft.ContainerRegistry.ImagePushed"
    assert SEVEN_DIGITS.fullmatch(event["eventTime"])
    assert SEVEN_DIGITS.fullmatch(event["data"]["timestamp"])
    assert event["data"]["action"] == "push"
    assert event["data"]["target"] == {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "size": len(manifest()),
        "length": len(manifest()),
        "digest": digest,
        "repository": "shop/web",
        "tag": "v1",
    }
    assert event["data"]["request"]["host"] == azure.registry("dev").login_server
    assert event["data"]["request"]["method"] == "PUT"
    assert event["data"]["request"]["useragent"].startswith("Python")
    headers = webhook.headers[0]
    assert headers["aeg-event-type"] == "Notification"
    assert headers["aeg-subscription-name"] == "PROMOTER"
    assert headers["aeg-delivery-count"] == "0"
    assert headers["aeg-data-version"] == "1.0"
    assert headers["aeg-metadata-version"] == "1"


async def test_a_tagged_push_as_a_cloud_event(azure: Azure, dev: Oci, webhook: Webhook) -> None:
    await azure.subscribe("promoter", webhook.url, Schema.CLOUD_EVENTS)

    digest = await dev.push("v1")

    (event,) = await webhook.received(1)
    assert event["specversion"] == "1.0"
    assert event["source"] == azure.registry("dev").resource_id
    assert event["type"] == "Microsoft.ContainerRegistry.ImagePushed"
    assert event["subject"] == "shop/web:v1"
    assert SEVEN_DIGITS.fullmatch(event["time"])
    assert event["data"]["target"]["digest"] == digest
    assert webhook.headers[0]["Content-Type"] == "application/cloudevents+json; charset=utf-8"


async def test_a_multi_platform_push_is_one_event_a_child_and_one_for_the_index(
    azure: Azure, webhook: Webhook
) -> None:
    await azure.subscribe("promoter", webhook.url)

    digest = await azure.registry("dev").push("shop/web:v1")

    events = await webhook.received(3)
    targets = [event["data"]["target"] for event in events]
    assert [target["digest"] for target in targets if target.get("tag") == "v1"] == [digest]
    children = [event for event in events if "tag" not in event["data"]["target"]]
    assert len(children) == 2
    for child in children:
        assert child["subject"] == f"shop/web@{child['data']['target']['digest']}"


async def test_a_deletion_names_the_digest_and_no_tag(azure: Azure, dev: Oci, webhook: Webhook) -> None:
    digest = await dev.push("v1")
    await azure.subscribe("promoter", webhook.url)

    await dev.ask("DELETE", f"manifests/{digest}")

    (event,) = await webhook.received(1)
    assert event["eventType"] == "Microsoft.ContainerRegistry.ImageDeleted"
    assert event["data"]["action"] == "delete"
    assert event["data"]["target"] == {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest,
        "repository": "shop/web",
    }
    assert event["data"]["request"]["method"] == "DELETE"


async def test_deleting_a_tag_alone_raises_nothing(azure: Azure, dev: Oci) -> None:
    await dev.push("v1")

    await dev.ask("DELETE", "manifests/v1")
    await dev.push("v2")
    await dev.ask("DELETE", "/acr/v1/shop/web/_tags/v2")

    assert [event["subject"] for event in azure.events()] == ["shop/web:v1", "shop/web:v2"]


async def test_deleting_a_repository_raises_an_event_a_manifest(azure: Azure, dev: Oci) -> None:
    await dev.push("v1")
    await dev.push("v2", annotations={"number": "2"})

    await dev.ask("DELETE", "/acr/v1/shop/web")

    deletions = [event for event in azure.events() if "Deleted" in str(event["eventType"])]
    assert len(deletions) == 2


async def test_a_refused_push_raises_nothing(azure: Azure, dev: Oci) -> None:
    await dev.push_blob(EMPTY)
    await dev.push_manifest(manifest(layers=[{"digest": f"sha256:{'0' * 64}"}]), "v1")
    await dev.push_manifest(b"no manifest", "v1")

    assert azure.events() == []


@pytest.mark.parametrize(
    ("wanted", "gets"),
    [
        ({}, ["shop/web:v1", "shop/web:v2", "base/web:v1", "shop/web", "shop/web:v1"]),
        ({"registries": ["DEV"]}, ["shop/web:v1", "shop/web:v2", "base/web:v1", "shop/web"]),
        ({"registries": ["prod"]}, ["shop/web:v1"]),
        ({"event_types": ["Microsoft.ContainerRegistry.ImageDeleted"]}, ["shop/web"]),
        ({"subject_begins_with": "BASE/"}, ["base/web:v1"]),
        ({"subject_begins_with": "BASE/", "is_subject_case_sensitive": True}, []),
        ({"subject_begins_with": "base/", "is_subject_case_sensitive": True}, ["base/web:v1"]),
        ({"subject_ends_with": ":V2"}, ["shop/web:v2"]),
        ({"subject_ends_with": ":V2", "is_subject_case_sensitive": True}, []),
    ],
)
async def test_filters(
    azure: Azure, dev: Oci, prod: Oci, webhook: Webhook, wanted: dict[str, Any], gets: list[str]
) -> None:
    await azure.add_subscription("promoter", Subscription(webhook.url, **wanted))

    await dev.push("v1")
    second = await dev.push("v2", annotations={"number": "2"})
    await Oci(dev.session, dev.url, "base/web").push("v1")
    await dev.ask("DELETE", f"manifests/{second}")
    await prod.push("v1")
    await azure.settled()

    assert sorted(webhook.subjects) == sorted(gets)


async def test_what_was_raised_can_be_read(azure: Azure, dev: Oci) -> None:
    await dev.push("v1")

    shown = await Oci(azure.session, azure.arm_url).ask("GET", "/emulator/events")

    (told,) = shown.json["value"]
    assert [told["event"]] == azure.events()
    assert told["source"] == "dev"
    assert told["deliveries"] == []
