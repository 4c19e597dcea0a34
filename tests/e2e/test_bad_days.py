"""Bad input and bad days, on the real local stack."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from localhost.client import Client
from localhost.local_stack import LocalStack, Ports

WEB = "shop/web"
STAGING = f"promotions?environment=staging&repository={WEB}"


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[LocalStack]:
    async with LocalStack(tmp_path, ports=Ports.free()) as up:
        yield up


@pytest.fixture
async def client(stack: LocalStack) -> AsyncIterator[Client]:
    async with Client(stack) as made:
        yield made


def _passed(digest: str) -> dict[str, str]:
    return {
        "repository": WEB,
        "digest": digest,
        "environment": "dev",
        "gate": "unit-tests",
        "verdict": "passed",
    }


async def test_an_image_pushed_while_the_app_is_down_is_promoted_when_it_is_back(
    stack: LocalStack, client: Client
) -> None:
    [host] = stack.hosts
    host.kill()
    digest = await client.push(WEB, "v1")
    host.start()
    await host.ready()
    status, _ = await client.post("gates", _passed(digest))
    assert status == 202
    await client.until_found("in staging", STAGING, seconds=60, digest=digest, phase="succeeded")


async def test_a_promotion_finishes_when_the_registries_are_back(stack: LocalStack, client: Client) -> None:
    digest = await client.push(WEB, "v1")
    await client.until_found("seen", "candidates", digest=digest)
    stack.emulator.kill()
    status, _ = await client.post("gates", _passed(digest))
    assert status == 202
    await client.until_found("claimed", STAGING, digest=digest)
    stack.emulator.start()
    await stack.emulator.ready()
    await client.until_found("in staging", STAGING, seconds=60, digest=digest, phase="succeeded")


async def test_an_accepted_verdict_survives_storage_going_away(stack: LocalStack, client: Client) -> None:
    digest = await client.push(WEB, "v1")
    await client.until_found("seen", "candidates", digest=digest)
    await client.send_verdict(_passed(digest))
    await stack.azurite.stop()  # killed, Azurite would lose what it has not saved yet; Azure does not
    await asyncio.sleep(1)
    stack.azurite.start()
    await stack.azurite.ready()
    await client.until_found("in staging", STAGING, seconds=90, digest=digest, phase="succeeded")


BAD_REQUESTS: list[tuple[str, dict[str, str], str | None, str]] = [
    ("promotions", {"repository": "Shop/Web", "tag": "v1", "to": "prod"}, "repository", "lower-case"),
    ("promotions", {"repository": WEB, "tag": "-v1", "to": "prod"}, "tag", "at most 128"),
    ("promotions", {"repository": WEB, "digest": "sha256:12", "to": "prod"}, "digest", "64"),
    ("gates", {"repository": WEB}, "environment", "are missing"),
]


async def test_bad_input_is_refused_or_recorded_with_the_rule_that_it_breaks(client: Client) -> None:
    for path, body, field, rule in BAD_REQUESTS:
        status, problem = await client.post(path, body)
        assert (status, problem["status"]) == (400, 400)
        assert problem["type"] == "urn:promoter:problem:invalid-request"
        assert problem.get("field") == field
        assert rule in problem["detail"]

    async def is_recorded() -> bool:
        return (await client.get("health/details"))["lastRejection"] is not None

    assert not await is_recorded()
    await client.send_verdict({"repository": "Not A Repository"})
    await client.until("the rejection is recorded", is_recorded)


async def test_a_policy_with_problems_lists_them_all_and_nothing_runs(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    environments = [{"name": "dev", "registry": "${NOWHERE}"}, {"name": "DEV", "registry": "x"}]
    policy.write_text(json.dumps({"environments": environments, "rules": [], "roles": {}}))
    async with LocalStack(tmp_path / "stack", ports=Ports.free(), policy=policy) as stack:
        async with aiohttp.ClientSession() as session, session.get(f"{stack.api}/health/details") as answer:
            assert answer.status == 503
            problems = (await answer.json())["problems"]
        async with Client(stack) as client:
            status, problem = await client.post("promotions", {"repository": WEB, "tag": "v1", "to": "prod"})
    assert status == 503
    assert problem["problems"] == problems
    for part in ("NOWHERE", "roles", "environments[1].name", "rules"):
        assert any(part in each for each in problems), (part, problems)
