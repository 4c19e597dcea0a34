"""docs/policy.md: what it shows as good is accepted, what it shows as bad is refused with those words."""

import asyncio
import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml

from promoter.adapters.policy_check import StandIns, check
from promoter.adapters.policy_file import load_policy
from promoter.domain.errors import PolicyError
from promoter.domain.policy import Policy, PromotionRule
from promoter.domain.semver import SemverRange
from promoter.simulation.scenario import Expect, Scenario, Standing, Step
from promoter.simulation.scenario_file import load_scenario
from promoter.simulation.schemas import FOLDER, schemas
from promoter.simulation.simulate import simulate
from tests.unit.domain.strategies import registry_id

PAGE = (FOLDER / "docs" / "policy.md").read_text()
_BLOCK = re.compile(r"^```yaml (\w+)\n(.*?)^```\n(?:```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)
_RULE_KEYS = {field.encode_name for field in msgspec.structs.fields(PromotionRule)}
ENVIRONMENTS = [{"name": name, "registry": registry_id(name)} for name in ("dev", "staging", "prod")]
RULE = {"name": "one", "from": "dev", "to": "prod", "repositories": ["**"], "tags": ["*"]}


class Block(NamedTuple):
    """An example, the line that it starts in, and for a bad one what is said of it."""

    text: str
    line: int
    said: list[str]


def blocks(kind: str) -> list[Block]:
    found = (each for each in _BLOCK.finditer(PAGE) if each[1] == kind)
    return [
        Block(each[2], PAGE.count("\n", 0, each.start()) + 1, (each[3] or "").splitlines()) for each in found
    ]


def name_of(block: Block) -> str:
    return f"line {block.line}"


def whole(text: str) -> str:
    """A policy that the example is a part of: rules, environments, or keys of one rule."""
    if "&" in text and "*" in text:
        return text
    keys: dict[str, Any] = yaml.safe_load(text)
    if set(keys) <= _RULE_KEYS:
        return yaml.safe_dump({"environments": ENVIRONMENTS, "rules": [RULE | keys]})
    environments = keys.get("environments", ENVIRONMENTS)
    ends = {"from": environments[0]["name"], "to": environments[-1]["name"]}
    return yaml.safe_dump({"environments": environments, "rules": keys.get("rules", [RULE | ends])})


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(whole(text))
    return path


@pytest.mark.parametrize("block", blocks("good"), ids=name_of)
def test_what_is_good_is_accepted(block: Block, tmp_path: Path) -> None:
    path = write(tmp_path, block.text)
    load_policy(path, StandIns({}, path))


@pytest.mark.parametrize("block", blocks("bad"), ids=name_of)
def test_what_is_bad_is_refused_with_those_words_and_no_others(block: Block, tmp_path: Path) -> None:
    path = write(tmp_path, block.text)
    with pytest.raises(PolicyError) as raised:
        load_policy(path, StandIns({"DEV_REGISTRY_ID": registry_id("dev")}, path))
    assert block.said
    for said in block.said:
        assert any(said in problem for problem in raised.value.problems), raised.value.problems
    assert len(raised.value.problems) == len(block.said), raised.value.problems


def test_the_scenario_is_as_it_says(tmp_path: Path) -> None:
    [block] = blocks("scenario")
    path = tmp_path / "scenario.yaml"
    path.write_text(block.text)
    policy = FOLDER / "policy.yaml"
    checked = check(policy, StandIns({}, policy))
    assert checked.policy is not None
    timeline = asyncio.run(simulate(checked.policy, load_scenario(path)))
    assert [(each.text, each.details) for each in timeline.failures] == []


def test_the_first_example_is_the_policy_that_is_shipped(tmp_path: Path) -> None:
    shipped = FOLDER / "policy.yaml"
    shown = write(tmp_path, blocks("good")[0].text)
    settings = StandIns({}, shipped)
    assert load_policy(shown, settings) == load_policy(shipped, settings)


def keys_of(schema: dict[str, Any]) -> set[str]:
    return {key for each in schema["$defs"].values() for key in each.get("properties", ())}


@pytest.mark.parametrize("name", ["policy.schema.json", "scenario.schema.json"])
def test_every_key_is_named(name: str) -> None:
    told = set(re.findall(r"`(\w+)", PAGE)) | set(re.findall(r"^\s*(?:- )?(\w+):", PAGE, re.MULTILINE))
    assert keys_of(schemas()[name]) - told - {"environments", "rules"} == set()
    assert Scenario.__struct_fields__[0] in told
    assert {field.encode_name for field in msgspec.structs.fields(Step)} <= told
    assert {field.encode_name for field in msgspec.structs.fields(Expect)} <= told
    assert {str(each) for each in Standing} - told <= {"importing", "qualified"}


def test_every_default_that_is_told_is_one() -> None:
    policy = Policy(environments=(), rules=())
    assert policy.hash
    defaults = schemas()["policy.schema.json"]["$defs"]
    for struct, key in (
        ("Environment", "pointer"),
        ("Environment", "immutableTags"),
        ("PromotionRule", "track"),
        ("Approvals", "count"),
        ("FreezeWindow", "timezone"),
    ):
        default = str(defaults[struct]["properties"][key]["default"])
        shown = default.lower() if default in {"True", "False"} else default
        assert re.search(rf"^\| `{key}` \| .*; `{shown}` \|$", PAGE, re.MULTILINE), key


def test_the_table_of_versions_is_right() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+?) \| (.+?) \|$", PAGE.partition("### Versions")[2], re.MULTILINE)
    ranges = [(SemverRange(each[0].replace("\\|", "|")), each[1], each[2]) for each in rows[:4]]
    assert len(ranges) == 4
    for versions, takes, leaves in ranges:
        assert all(versions.matches(tag) for tag in re.findall(r"`([^`]+)`", takes)), versions
        assert not any(versions.matches(tag) for tag in re.findall(r"`([^`]+)`", leaves)), versions


def test_the_conditions_are_told_in_the_order_in_which_they_are_judged() -> None:
    from promoter.domain.conditions import CONDITIONS  # noqa: PLC0415

    told = re.search(r"in this order: ([a-z,\s]+)\.", PAGE)
    assert told is not None
    assert re.split(r",\s+", told[1]) == [kind.KIND for kind in CONDITIONS]
