"""The scenario file: every problem at once, each with its line."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from promoter.simulation.scenario import Scenario
from promoter.simulation.scenario_file import ScenarioError, load_scenario
from promoter.simulation.schemas import scenario_schema

WRONG = """\
start: 2026-11-23T09:00:00
people: {ann: Promoter.Operator}
steps:
  - push: {image: shop/web}
  - push: {image: "shop/web:v1"}
    wait: 1h
  - wait: soon
    refused: no
  - {}
  - report: {gate: scan, image: "shop/web:v1", verdict: good}
  - expect: {image: "shop/web:v1", in: prod}
  - expect: {image: "shop/web:v1", in: prod, current: v1}
  - expect: {image: "shop/web:v1", in: prod, is: waiting, for: [frost]}
  - expect: {image: "shop/web:v1", repository: shop/web, in: prod, is: waiting}
  - {until: 2026-11-23T09:00:00}
  - {wait: 1h, refused: "no"}
more: 1
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scenario.yaml"


def problems(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(ScenarioError) as raised:
        load_scenario(path)
    return [str(each).removeprefix(f"{path}:") for each in raised.value.problems]


def test_everything_that_is_wrong_is_told_with_its_line(path: Path) -> None:
    told = [
        "2:10: people.ann: expected a list, got text",
        "4:12: steps[0].push.image: 'shop/web' names no image: a repository and a tag",
        "5:5: steps[1]: is one of push, report,",
        "7:5: steps[2].wait: 'soon' is not a duration",
        "8:5: steps[2].refused: expected text or nothing, got true or false; put it in quotes",
        "9:5: steps[3]: is one of push, report,",
        "10:5: steps[4].report.in: is missing",
        "10:48: steps[4].report.verdict: invalid enum value 'good'",
        "11:5: steps[5].expect: expects of an image one or more of is, for,",
        "12:5: steps[6].expect: expects of an image one or more of is, for,",
        "13:5: steps[7].expect: 'frost' is no kind of condition; known are rule, arrival, gate,",
        "14:5: steps[8].expect: is about an image or a repository: one of both",
        "15:5: steps[9]: until needs a time zone, as in",
        "16:5: steps[10]: refused goes with something that somebody does",
        "17:1: more: is not known here; known are title, start, people, steps",
    ]
    found = problems(path, WRONG)
    assert [each for each, expected in zip(found, told, strict=True) if not each.startswith(expected)] == []


def test_a_start_without_a_zone_is_told(path: Path) -> None:
    [found] = problems(path, "start: 2026-11-23T09:00:00\nsteps: []\n")
    assert "start needs a time zone, as in 2026-11-27T15:00:00Z" in found


def test_what_is_no_yaml_is_told_with_its_line(path: Path) -> None:
    assert problems(path, "steps: [") == ["1:9: expected the node content, but found '<stream end>'"]


def test_what_is_wrong_is_wrong_in_the_editor_too() -> None:
    validator = jsonschema.Draft202012Validator(scenario_schema())
    document = yaml.safe_load(WRONG)
    wrong = {tuple(each.absolute_path)[:2] for each in validator.iter_errors(document)}
    assert wrong >= {("people", "ann"), ("steps", 0), ("steps", 2), ("steps", 4), ("steps", 7)}
    assert not list(validator.iter_errors({"steps": [{"push": {"image": "shop/web:v1"}}, {"wait": "1h"}]}))


WORDS = [
    *(
        "title",
        "start",
        "people",
        "steps",
        "push",
        "report",
        "promote",
        "approve",
        "hold",
        "rollback",
        "wait",
    ),
    *(
        "until",
        "expect",
        "image",
        "repository",
        "in",
        "to",
        "from",
        "is",
        "for",
        "current",
        "gate",
        "verdict",
    ),
]
values = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
known = st.sampled_from(["shop/web:v1", "shop/web", "prod", "1h", "current", "gate", "2026-11-23T09:00:00Z"])
trees = st.recursive(
    values | known,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)


@settings(max_examples=100)
@given(trees | st.builds(lambda steps: {"steps": steps}, st.lists(trees, max_size=4)))
def test_whatever_a_file_has_only_a_scenario_error_comes_of_it(
    tmp_path_factory: pytest.TempPathFactory, tree: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-scenario.yaml"
    path.write_text(json.dumps(tree))
    try:
        scenario = load_scenario(path)
    except ScenarioError:
        return
    assert isinstance(scenario, Scenario)
