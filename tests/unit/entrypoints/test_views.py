"""What the API shows: the keys that DESIGN promises, each always there, times in RFC 3339."""

import json
from datetime import timedelta
from typing import Any

from promoter.domain.codec import encode
from promoter.domain.condition import Condition, State
from promoter.domain.decision import decide
from promoter.domain.image import Tag
from promoter.domain.line import Drift
from promoter.entrypoints.views import candidate_view, decision_view, line_view, record_view
from tests.fakes.world import World
from tests.unit.application.stories import released
from tests.unit.domain.strategies import NOW, digest

RECORD = {
    "id",
    "kind",
    "phase",
    "environment",
    "repository",
    "tag",
    "digest",
    "from",
    "rule",
    "actor",
    "reason",
    "createdAt",
    "completedAt",
    "replaces",
    "rollbackOf",
    "retryOf",
    "override",
    "policyHash",
    "decision",
    "failure",
}


def shown(view: object) -> Any:  # noqa: ANN401 - JSON is whatever it is
    return json.loads(encode(view))


async def test_a_record_shows_every_key_whether_it_has_a_value_or_not() -> None:
    world = World()
    await released(world, "v1", "v2")
    await world.roll_back(world.records("prod")[-1].id, "broken")
    for record in world.records("prod"):
        assert shown(record_view(record)).keys() == RECORD
    await world.run()
    rollback, second, first = (shown(record_view(record)) for record in world.records("prod"))
    assert rollback["rollbackOf"] == first["id"]
    assert rollback["replaces"] == second["id"]
    assert rollback["reason"] == "broken"
    assert rollback["actor"] == {"id": "tenant/ann", "name": "Ann", "via": "local"}
    assert first["from"] == "staging"
    assert first["createdAt"].endswith("Z")
    assert first["failure"] is None
    assert first["policyHash"] == world.policy.hash


async def test_a_record_shows_the_evidence_that_it_was_judged_on() -> None:
    world = World()
    await released(world, "v1")
    [record] = [shown(record_view(record)) for record in world.records("staging")]
    [gate] = [each for each in record["decision"]["conditions"] if each["kind"] == "gate"]
    assert record["decision"]["outcome"] == "qualified"
    assert record["decision"]["rule"] == "dev-to-staging"
    assert gate["state"] == "met"
    assert gate["evidence"]["verdict"] == "passed"
    assert gate["evidence"]["reportedBy"]["id"] == "tenant/ann"


async def test_no_inner_value_is_shown() -> None:
    world = World()
    await released(world, "v1")
    text = encode(record_view(world.records("staging")[0]))
    for inner in ("attempt", "terms", "version", "pushedAt", "subscriptions", "barrier"):
        assert inner not in text


def test_a_decision_shows_the_earliest_time_only_where_time_is_all_that_is_missing() -> None:
    soak = Condition("soak", State.PENDING, "soaks", earliest=NOW + timedelta(hours=2))
    gate = Condition("gate", State.PENDING, "waits")
    assert shown(decision_view(decide("rule", (soak,)))) == {
        "outcome": "waiting",
        "rule": "rule",
        "conditions": [
            {"kind": "soak", "state": "pending", "text": "soaks", "earliest": "2026-11-23T11:00:00Z"}
        ],
        "earliest": "2026-11-23T11:00:00Z",
    }
    assert shown(decision_view(decide("rule", (soak, gate))))["earliest"] is None


async def test_a_line_shows_what_runs_the_hold_the_vetoes_and_the_drift() -> None:
    world = World()
    first, second = await released(world, "v1", "v2")
    rollback = await world.roll_back(world.records("prod")[-1].id, "broken")
    line = (await world.line("prod")).with_drift(Drift("pushed", digest(7), NOW, Tag("v9")))
    view = shown(line_view(line))
    assert view.keys() == {
        "environment",
        "repository",
        "track",
        "current",
        "inFlight",
        "hold",
        "vetoes",
        "drift",
    }
    assert view["current"]["digest"] == second
    assert view["inFlight"] == 1
    assert view["hold"]["reason"] == "rolled back to v1: broken"
    assert [(veto["digest"], veto["record"]) for veto in view["vetoes"]] == [(second, rollback.id)]
    assert view["drift"] == [
        {"change": "pushed", "digest": digest(7), "at": "2026-11-23T09:00:00Z", "tag": "v9"}
    ]
    assert first != second


async def test_a_candidate_shows_what_it_waits_for() -> None:
    world = World()
    image = await world.push("v1")
    [candidate] = world.candidates("staging")
    view = shown(candidate_view(candidate))
    assert view.keys() == {
        "environment",
        "repository",
        "tag",
        "digest",
        "from",
        "rule",
        "since",
        "decision",
        "requested",
    }
    assert (view["digest"], view["from"], view["rule"]) == (image, "dev", "dev-to-staging")
    assert view["decision"]["outcome"] == "waiting"
