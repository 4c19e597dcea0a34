"""The examples are as they say, and each of their expectations can fail."""

import asyncio
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from msgspec.structs import replace

from promoter.adapters.policy_check import StandIns, check
from promoter.domain.policy import Policy
from promoter.simulation.scenario_file import load_scenario
from promoter.simulation.schemas import FOLDER, scenario_schema
from promoter.simulation.simulate import simulate

EXAMPLES = FOLDER / "examples"
SCENARIOS = sorted(path for path in EXAMPLES.glob("*/*.yaml") if path.name != "policy.yaml")
STORIES = {"hotfix", "weekend-freeze", "two-tracks", "two-regions", "rescan"}


def name_of(path: Path) -> str:
    return str(path.relative_to(EXAMPLES))


def policy_beside(path: Path) -> Policy:
    policy = path.parent / "policy.yaml"
    checked = check(policy, StandIns({}, policy))
    assert checked.policy is not None, checked.problems
    return checked.policy


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_an_example_is_as_it_expects_to_be(path: Path) -> None:
    timeline = asyncio.run(simulate(policy_beside(path), load_scenario(path)))
    assert [each.text for each in timeline.failures] == []
    assert any(each.sort == "met" for each in timeline.entries)


def test_every_story_has_an_example_that_its_readme_tells_of() -> None:
    told = (EXAMPLES / "README.md").read_text()
    assert {path.parent.name for path in SCENARIOS} == STORIES
    for path in SCENARIOS:
        assert f"({name_of(path)})" in told
        assert f"({path.parent.name}/policy.yaml)" in told


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_an_editor_takes_an_example(path: Path) -> None:
    first = path.read_text().partition("\n")[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() == FOLDER / "scenario.schema.json"
    jsonschema.Draft202012Validator(scenario_schema()).validate(as_json(yaml.safe_load(path.read_text())))


def as_json(value: Any) -> Any:  # noqa: ANN401 - YAML is whatever it is
    """YAML's values with its times as JSON has them."""
    match value:
        case dict():
            return {key: as_json(each) for key, each in value.items()}
        case list():
            return [as_json(each) for each in value]
        case _:
            return value.isoformat() if hasattr(value, "isoformat") else value


def without_conditions(policy: Policy) -> Policy:
    """The same ways, by hand, with nothing asked for on them."""
    rules = tuple(
        replace(rule, gates=(), soak=None, approvals=None, freeze=(), automatic=False)
        for rule in policy.rules
    )
    return replace(policy, rules=rules)


@pytest.mark.parametrize("path", SCENARIOS, ids=name_of)
def test_under_another_policy_an_example_fails(path: Path) -> None:
    timeline = asyncio.run(simulate(without_conditions(policy_beside(path)), load_scenario(path)))
    assert timeline.failures
