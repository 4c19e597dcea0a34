"""Alerts and the workbook: each query is run on the lines that the application logs in a story."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import override

import pytest

from infra.check.__main__ import INFRA
from promoter.application.reject import reject
from promoter.domain.image import Digest
from promoter.domain.policy import Policy
from tests.fakes.world import World, policy, registry_id
from tests.infra.kql import Row, Table, run
from tests.unit.application.stories import HOUR, MINUTE, qualified

_RULE = re.compile(
    r"name: '([\w-]+)'\n.*\n.*\n    query: .*?queries/(\w+)\.kql'.*\n    every: '(\w+)'\n    window: '(\w+)'"
)
ALERTS = {
    name: (query, every, window)
    for name, query, every, window in _RULE.findall((INFRA / "app/alerts.bicep").read_text())
}
SPANS = {"PT5M": 5 * MINUTE, "PT15M": 15 * MINUTE, "PT1H": HOUR, "P2D": 48 * HOUR}


class Log(logging.Handler):
    """What reaches Application Insights: our lines, and the requests that a test tells of."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.traces: Table = []
        self.requests: Table = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        row: Row = {"timestamp": self.world.clock.now(), "message": message, "itemCount": 1}
        self.traces.append(row | {"operation_Id": str(len(self.traces))})

    def request(self, name: str, code: int, *, success: bool) -> None:
        row: Row = {
            "timestamp": self.world.clock.now(),
            "name": name,
            "success": success,
            "resultCode": str(code),
        }
        self.requests.append(row | {"duration": 12.0, "operation_Id": "0"})

    def query(self, name: str, window: timedelta | None = None, hours: int = 24) -> Table:
        """What a query finds now, in its window."""
        now = self.world.clock.now()
        tables = {"traces": self.traces, "requests": self.requests}
        if window:
            since = now - window
            tables = {
                name: [row for row in rows if row["timestamp"] >= since] for name, rows in tables.items()
            }
        text = (INFRA / "queries" / f"{name}.kql").read_text()
        return run(text.replace("let hours = 24;", f"let hours = {hours};"), tables, now)

    def alert(self, name: str, hours: int = 24) -> Table:
        """What an alert would tell of now; it fires where that is anything."""
        query, _, window = ALERTS[name]
        return self.query(query, SPANS[window], hours)


@contextmanager
def logged(policy_: Policy | None = None) -> Iterator[tuple[World, Log]]:
    world = World(policy_ or policy())
    log, logger = Log(world), logging.getLogger("promoter")
    level = logger.level
    logger.addHandler(log)
    logger.setLevel(logging.INFO)
    try:
        yield world, log
    finally:
        logger.removeHandler(log)
        logger.setLevel(level)


async def hours(world: World, count: float) -> None:
    """Time passes, and `reconcile` looks every so often."""
    for _ in range(round(count * 2)):
        await world.run(HOUR / 2)
        await world.reconcile()


def test_every_alert_is_known_and_sees_each_time_more_than_once() -> None:
    text = (INFRA / "app/alerts.bicep").read_text()
    assert len(ALERTS) == len(re.findall("^    query: ", text, re.MULTILINE)) == 5
    for _, every, window in ALERTS.values():
        assert SPANS[window] > 2 * SPANS[every]


async def test_a_day_on_which_all_is_well_raises_no_alert() -> None:
    with logged() as (world, log):
        await qualified(world, "v1")
        await hours(world, 1)
        log.request("reconcile", 0, success=True)
        log.request("promote", 409, success=False)
        assert world.story("prod") == ["automatic v1 succeeded"]
        assert {name: log.alert(name) for name in ALERTS} == {name: [] for name in ALERTS}


async def test_what_cannot_be_acted_upon_raises_an_alert() -> None:
    with logged() as (world, log):
        await reject(world.app, "image_pushed", "{", "no JSON: { and }")
        world.clock.advance(12 * MINUTE)  # it takes its time to reach the logs
        [row] = log.alert("poison-messages")
        assert (row["origin"], row["reason"]) == ("image_pushed", "no JSON: { and }")
        assert log.query("rejections") == [row]
        world.clock.advance(4 * MINUTE)
        assert log.alert("poison-messages") == []


async def test_a_promotion_that_fails_raises_an_alert() -> None:
    with logged() as (world, log):
        digest = await qualified(world, "v1")
        world.registry.delete(registry_id("dev"), "shop/web", digest)
        await world.run(MINUTE)
        row = log.alert("failed-promotions")[0]
        assert (row["reason"], row["environment"], row["image"]) == (
            "source-missing",
            "staging",
            "shop/web:v1",
        )
        assert row["promotion"] == world.records("staging")[0].id
        assert row["said"]


@pytest.mark.parametrize("count", [1, 24, 48])
async def test_an_image_that_waits_too_long_raises_an_alert_where_nothing_is_promoted(count: int) -> None:
    with logged() as (world, log):
        await world.push("v1")
        await hours(world, count - 1)
        assert log.alert("waiting-too-long", count) == []
        await hours(world, 1.5)
        assert [row["environment"] for row in log.alert("waiting-too-long", count)] == ["staging"]
        await qualified(world, "v2")
        await hours(world, 0.5)
        assert "automatic v2 succeeded" in world.story("staging")
        assert log.alert("waiting-too-long", count) == []
        [waits] = [row for row in log.query("waiting") if row["environment"] == "staging"]
        assert (waits["candidates"], waits["hours"] > count) == (1, True)


async def test_what_is_to_be_promoted_by_hand_may_wait() -> None:
    with logged(policy(automatic_to_prod=False)) as (world, log):
        await qualified(world, "v1")
        await hours(world, 30)
        assert [row["environment"] for row in log.query("waiting")] == ["prod"]
        assert log.alert("waiting-too-long") == []


async def test_a_function_that_fails_raises_an_alert_and_a_call_that_is_refused_none() -> None:
    with logged() as (_, log):
        log.request("promote", 409, success=False)
        log.request("reconcile", 0, success=True)
        assert log.alert("failed-functions") == []
        log.request("advance", 0, success=False)
        log.request("promote", 500, success=False)
        assert {row["function"] for row in log.alert("failed-functions")} == {"advance", "promote"}


async def test_an_app_that_does_not_run_raises_an_alert() -> None:
    with logged() as (world, log):
        assert log.alert("not-running") == [{"runs": 0}]
        log.request("reconcile", 0, success=True)
        assert log.alert("not-running") == []
        log.request("advance", 0, success=True)
        world.clock.advance(61 * MINUTE)
        log.request("advance", 0, success=True)
        assert log.alert("not-running") == [{"runs": 0}]


async def test_the_workbooks_queries_tell_what_has_happened() -> None:
    with logged(policy(automatic_to_prod=False)) as (world, log):
        first = await qualified(world, "v1")
        await world.run()
        await world.push("v2")
        world.registry.push(registry_id("staging"), "shop/web", "v9", first)
        await world.deliver(world.pushed("staging", "v9", Digest(f"sha256:{'9' * 64}")))
        [promoted] = log.query("promotions")
        hour = world.clock.now().replace(minute=0, second=0, microsecond=0)
        assert promoted == {
            "environment": "staging",
            "kind": "automatic",
            "phase": "succeeded",
            "timestamp": hour,
            "promotions": 1,
        }
        [took] = log.query("durations")
        assert 0 < took["p50"] == took["p95"] == took["longest"] == seconds(world)
        decided = {(row["rule"], row["outcome"], row["condition"]) for row in log.query("decisions")}
        assert decided >= {("dev-to-staging", "waiting", "gate"), ("dev-to-staging", "qualified", "nothing")}
        [drift] = log.query("drift")
        assert (drift["environment"], drift["tag"], drift["change"]) == ("staging", "v9", "pushed")
        assert isinstance(drift["timestamp"], datetime)


def seconds(world: World) -> float:
    [record] = world.records("staging")
    assert record.completed_at
    return (record.completed_at - record.created_at).total_seconds()


async def test_a_trace_is_all_of_an_image_and_nothing_of_another() -> None:
    with logged() as (world, log):
        first = await qualified(world, "v1")
        await qualified(world, "v2")
        await world.run()
        log.request("image_pushed", 0, success=True)
        query = (INFRA / "queries/trace.kql").read_text()
        shown = query.replace(f"sha256:{'0' * 64}", str(first))
        assert shown != query
        rows = run(shown, {"traces": log.traces, "requests": log.requests}, world.clock.now())
        outcomes = [(row["event"], row["environment"], row["outcome"]) for row in rows]
        assert outcomes[-1] == ("promotion", "prod", "succeeded")
        assert ("decision", "staging", "waiting") in outcomes
        assert rows[0]["function"] == "image_pushed"
        assert all(str(first) in row["message"] for row in rows)
