"""The queries of the log: what they look for is what the application logs."""

import json
import logging
import re
from datetime import timedelta
from typing import Any

import pytest

from infra.check.__main__ import INFRA
from promoter.application.reject import reject
from promoter.domain.image import Digest
from tests.fakes.world import World, policy, registry_id
from tests.unit.application.stories import qualified

QUERIES = {path.stem: path.read_text() for path in sorted((INFRA / "queries").glob("*.kql"))}
_FIELDS = re.compile(r"extract\(@'([^']+)', 1, message\)")
_EVENT = re.compile(r"""contains '("event":"[\w-]+")'""")
_USED = re.compile(r"\bd\.(\w+)")


@pytest.fixture
async def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of a story in which everything happens that is queried for."""
    world = World(policy(automatic_to_prod=False))
    with caplog.at_level(logging.INFO, logger="promoter"):
        digest = await qualified(world, "v1")
        await world.run()
        await world.push("v2")
        world.registry.push(registry_id("staging"), "shop/web", "v9", digest)
        await world.deliver(world.pushed("staging", "v9", Digest(f"sha256:{'9' * 64}")))
        await reject(world.app, "image_pushed", "{", "no JSON: { and }")
        failing = await qualified(world, "v3")
        world.registry.delete(registry_id("dev"), "shop/web", failing)
        await world.run(timedelta(hours=1))
        await world.reconcile()
    return [record.getMessage() for record in caplog.records if '"event":' in record.getMessage()]


def fields(pattern: str, line: str) -> dict[str, Any]:
    found = re.search(pattern, line)
    assert found, line
    made: dict[str, Any] = json.loads(found[1])
    return made


@pytest.mark.parametrize("name", [name for name, text in QUERIES.items() if "\ntraces\n" in text])
async def test_a_query_reads_fields_that_the_log_has(name: str, lines: list[str]) -> None:
    query = QUERIES[name]
    patterns, events = set(_FIELDS.findall(query)), set(_EVENT.findall(query))
    [pattern] = patterns
    wanted = [line for line in lines if not events or any(event in line for event in events)]
    known = {key for line in wanted for key in fields(pattern, line)}
    assert wanted
    assert set(_USED.findall(query)) - known == set()
    for event in events:
        assert any(event in line for line in lines)


async def test_every_line_parses_whatever_came_from_outside(lines: list[str]) -> None:
    [pattern] = {found for query in QUERIES.values() for found in _FIELDS.findall(query)}
    events = {fields(pattern, line)["event"] for line in lines}
    assert events == {"promotion", "decision", "waiting", "rejection", "drift"}


async def test_phases_and_outcomes_that_are_asked_for_exist(lines: list[str]) -> None:
    [pattern] = set(_FIELDS.findall(QUERIES["promotions"]))
    phases = {line["phase"] for line in (fields(pattern, each) for each in lines) if "phase" in line}
    assert {"succeeded", "failed"} <= phases
    ended = [line for line in (fields(pattern, each) for each in lines) if line.get("phase") == "succeeded"]
    assert all(line["seconds"] >= 0 for line in ended)


async def test_all_lines_about_an_image_have_its_trace(lines: list[str]) -> None:
    [pattern] = set(_FIELDS.findall(QUERIES["trace"]))
    for line in (fields(pattern, each) for each in lines):
        if "digest" in line:
            assert line["trace"] == line["digest"].removeprefix("sha256:")[:32]


def test_the_alert_replaces_its_hours() -> None:
    assert QUERIES["stuck"].count("let hours = 24;") == 1
    assert "'let hours = 24;'" in (INFRA / "app/alerts.bicep").read_text()


def test_each_query_is_loaded_or_documented() -> None:
    texts = [path.read_text() for path in (INFRA / "app").glob("*.bicep")]
    loaded = {name for text in texts for name in re.findall(r"queries/([\w-]+)\.kql", text)}
    assert loaded | {"trace"} == set(QUERIES)


def test_the_host_passes_on_every_line_that_is_counted() -> None:
    logging_ = json.loads((INFRA.parent / "host.json").read_text())["logging"]
    assert logging_["logLevel"]["Function"] == "Information"
    assert "Trace" in logging_["applicationInsights"]["samplingSettings"]["excludedTypes"].split(";")
