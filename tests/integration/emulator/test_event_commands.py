"""`python -m emulator events`, as a user calls it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from emulator.cli import main
from emulator.eventgrid.subscription import Subscription
from emulator.faults import Effect, Fault, Operation
from emulator.testing import Azure
from tests.integration.emulator.support import Oci, Webhook

type Events = Callable[..., Awaitable[str]]


@pytest.fixture
def events(azure: Azure, capsys: pytest.CaptureFixture[str]) -> Events:
    """The command; answers what it says."""

    async def call(*arguments: str) -> str:
        await asyncio.to_thread(main, ["events", "--url", azure.arm_url, *arguments])
        said = capsys.readouterr()
        return said.out + said.err

    return call


@pytest.fixture
async def told(azure: Azure, dev: Oci, webhook: Webhook) -> list[str]:
    """Three events: two that arrived, the second after a failure, and one that is dead; their ids."""
    await azure.subscribe("promoter", webhook.url)
    for tag, answers in (("v1", [200]), ("v2", [500]), ("v3", [400])):
        webhook.answers = answers
        await dev.push(tag)
        await azure.settled()
    return [str(event["id"]) for event in azure.events()]


async def test_it_shows_events_and_what_became_of_them(events: Events, told: list[str]) -> None:
    said = await events()
    lines = [line.strip() for line in said.splitlines()]
    assert lines[0].endswith(f"ImagePushed  shop/web:v1  (dev)  {told[0]}")
    assert lines[1::2] == [
        "delivered: promoter (1 attempt)",
        "delivered: promoter (2 attempts)",
        "dead: promoter (1 attempt, UndeliverableDueToHttpBadRequest)",
    ]
    assert lines[-1] == "3 events (the latest thousand are kept)"


async def test_it_chooses_by_id_subject_and_time_and_speaks_json(events: Events, told: list[str]) -> None:
    shown = [json.loads(line) for line in (await events("--json", "--subject", "*:v2")).splitlines()]
    assert [each["event"]["id"] for each in shown] == [told[1]]
    chosen = await events("--id", told[0], "--id", told[2])
    assert [told_id in chosen for told_id in told] == [True, False, True]
    assert "3 events" in await events("--since", "1h")
    assert "0 events" in await events("--since", "2099-01-01T00:00:00Z")


async def test_it_sends_events_once_more_as_they_were(
    azure: Azure, events: Events, told: list[str], webhook: Webhook
) -> None:
    others = Subscription(webhook.url, subject_ends_with=":v2")
    await azure.add_subscription("other", others)
    before = list(webhook.events)

    said = await events("--replay", "--subject", "shop/web:v[23]")
    await azure.settled()

    assert said.count("once more to promoter") == 2
    assert said.count("once more to other") == 1
    sent = webhook.events[len(before) :]
    assert sorted(event["id"] for event in sent) == sorted([told[1], told[1], told[2]])
    assert all(event in before for event in sent)
    again = await events("--replay", "--id", told[0], "--to", "promoter")
    assert "1 event (sent once more)" in again


async def test_it_says_who_hears_nothing_and_why(
    azure: Azure, dev: Oci, events: Events, webhook: Webhook
) -> None:
    await dev.push("v1")
    await azure.add_subscription("later", Subscription(webhook.url, subject_ends_with=":v2"))
    azure.faults.add(Fault(Operation.EVENT_DELIVERY, Effect.DROP))
    await dev.push("v2")

    shown, again = await events(), await events("--replay", "--subject", "*:v1")

    nobody = "    to nobody: no subscription wants it"
    assert shown.splitlines()[1::2] == [nobody, "    dropped: later (0 attempts, InjectedFault)"]
    assert again.splitlines()[1] == nobody


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--to", "promoter"], "it needs --replay"),
        (["--replay", "--to", "nobody"], "there is no subscription 'nobody'"),
    ],
)
async def test_what_makes_no_sense_is_refused(events: Events, arguments: list[str], says: str) -> None:
    assert says in await events(*arguments)


def test_a_time_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["events", "--since", "soon"])
    assert "not 'soon'" in capsys.readouterr().err


def test_without_an_emulator_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["events", "--url", "http://127.0.0.1:9"]) == 1
    assert "no emulator answers: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--topic", "x"], "--topic x: a topic's name has 3 to 50"),
        (["--topic", "orders=xml"], "the schema is eventgrid or cloudevents"),
        (["--event-subscriptions", "missing.json"], "--event-subscriptions missing.json: "),
    ],
)
def test_up_refuses_topics_that_make_no_sense(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["up", *arguments]) == 1
    assert says in capsys.readouterr().err


def test_up_refuses_a_subscription_to_a_topic_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "subscriptions.json"
    file.write_text(json.dumps({"audit": {"endpoint": "http://127.0.0.1:9", "topics": ["orders"]}}))
    ports = ["--arm-port", "0", "--registry", "dev=0", "--data", str(tmp_path)]
    assert main(["up", *ports, "--event-subscriptions", str(file)]) == 1
    assert "the event subscription audit: there is no topic 'orders'" in capsys.readouterr().err
