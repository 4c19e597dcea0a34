"""The policy's JSON Schema: what editors say of a file is what the app says, as far as a schema can."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from promoter.adapters.policy_check import StandIns
from promoter.adapters.policy_file import policy_of
from promoter.domain.errors import PolicyError
from promoter.simulation.schemas import FOLDER, schemas, text_of
from tests.unit.domain.strategies import registry_id

SCHEMA = json.loads((FOLDER / "policy.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
SETTINGS = {"SOAK": "2h", "DEV": registry_id("dev"), "NAME": "one"}
SAMPLES = sorted(
    [
        *FOLDER.glob("*policy.yaml"),
        *FOLDER.glob("localhost/*policy.yaml"),
        *FOLDER.glob("examples/*/policy.yaml"),
    ]
)


@pytest.mark.parametrize(("name", "schema"), schemas().items())
def test_a_schema_is_what_the_types_say_today(name: str, schema: dict[str, Any]) -> None:
    assert (FOLDER / name).read_text() == text_of(schema), "make schema"


@pytest.mark.parametrize("name", schemas())
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((FOLDER / name).read_text()))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_policy_here_names_its_schema_and_is_valid(path: Path) -> None:
    text = path.read_text()
    first = text.partition("\n")[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (path.parent / first.partition("=")[2]).resolve() == FOLDER / "policy.schema.json"
    VALIDATOR.validate(yaml.safe_load(text))
    policy_of(yaml.safe_load(text), StandIns({}, path))


def test_an_editor_is_told_of_every_key() -> None:
    for name, definition in SCHEMA["$defs"].items():
        assert definition["description"], name
        untold = {key for key, each in definition["properties"].items() if not each.get("description")}
        assert not untold - {"environments", "rules"}, name
    pattern = SCHEMA["$defs"]["PromotionRule"]["properties"]["repositories"]["items"]
    assert pattern["examples"] == ["shop/*"]
    assert pattern["patternErrorMessage"].startswith("A pattern: ")
    assert SCHEMA["$defs"]["Environment"]["properties"]["pointer"]["default"] == "current"


def document(**changes: object) -> dict[str, Any]:
    """A policy of two environments and one rule, with changes to the rule."""
    rule = {"name": "one", "from": "dev", "to": "prod", "repositories": ["shop/*"], "tags": ["v*"]}
    return {
        "environments": [
            {"name": "dev", "registry": registry_id("dev")},
            {"name": "prod", "registry": registry_id("prod")},
        ],
        "rules": [rule | changes],
    }


WRONG: list[dict[str, object]] = [
    {"name": "One"},
    {"name": "a" * 41},
    {"nam": "one"},
    {"from": 1},
    {"repositories": []},
    {"repositories": ["shop/{a,b}"]},
    {"repositories": "shop/*"},
    {"tags": {}},
    {"tags": {"semver": ">=1", "regex": "v.*"}},
    {"tags": {"semver": ""}},
    {"tags": ["v 1"]},
    {"tags": "v*"},
    {"gates": ["unit tests"]},
    {"gates": [{"environment": "dev"}]},
    {"gates": [{"name": "scan", "maxAge": "7 days"}]},
    {"gates": [7]},
    {"soak": 7200},
    {"soak": "two hours"},
    {"approvals": {"count": 0}},
    {"approvals": {"count": 11}},
    {"approvals": 1},
    {"freeze": [{"name": "weekend", "start": "FRI", "duration": "64h"}]},
    {"freeze": [{"name": "weekend", "start": "0 16 * * FRI"}]},
    {"automatic": "yes"},
    {"track": "1.x"},
]


@pytest.mark.parametrize("change", WRONG, ids=json.dumps)
def test_what_is_wrong_is_wrong_in_the_editor_too(change: dict[str, object]) -> None:
    assert VALIDATOR.is_valid(document())
    assert not VALIDATOR.is_valid(document(**change))
    with pytest.raises(PolicyError):
        policy_of(document(**change), SETTINGS)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"registry": "devacr"},
        {"registry": registry_id("x") + "/y"},
        {"loginServer": "https://docker.io"},
        {"loginServer": "docker.io", "credentials": {"password": "hunter2"}},
        {"loginServer": "docker.io", "credentials": {"username": "${ME}"}},
        {"registry": registry_id("x"), "roles": {"operator": []}},
        {"registry": registry_id("x"), "pointer": "-"},
        {"registry": registry_id("x"), "immutableTags": "no"},
    ],
    ids=json.dumps,
)
def test_so_is_what_is_wrong_with_an_environment(environment: dict[str, object]) -> None:
    wrong = document()
    wrong["environments"].append({"name": "third", **environment})
    assert not VALIDATOR.is_valid(wrong)
    with pytest.raises(PolicyError):
        policy_of(wrong, SETTINGS)


VALUES: dict[str, list[object]] = {
    "name": ["one", "a-1", "${NAME}", "x${NAME}", "-", "a" * 40],
    "from": ["dev", "qa"],
    "repositories": [["**"], ["shop/*", "a?b"], ["${NAME}/*"], [""]],
    "tags": [
        ["*"],
        ["${NAME}-*"],
        {"semver": "^1.2 || 3.x"},
        {"semver": ">=1.0.0 <2.0.0-0"},
        {"semver": "1.2.3 - 2"},
        {"semver": "\t1.x "},
        {"regex": r"v\d+"},
        {"regex": ""},
        {"regex": "("},
    ],
    "gates": [
        [],
        ["a"],
        [{"name": "a.b", "maxAge": "1d12h", "issuers": ["ci"], "environment": "prod"}],
        [""],
    ],
    "soak": ["90s", "${SOAK}", "0h", "99999w", None],
    "approvals": [{}, {"count": 10, "roles": ["A.B"], "maxAge": "2w"}, {"count": 3, "roles": [" "]}, None],
    "freeze": [
        [],
        [{"name": "w", "start": "0 16 * * FRI", "duration": "64h"}],
        [{"name": "w", "start": " */5  0-3\t1,2 JAN MON#1 ", "duration": "1m", "timezone": "Etc/GMT+5"}],
        [{"name": "w", "start": "0 16 L * *", "duration": "1m", "timezone": "America/Port-au-Prince"}],
        [{"name": "w", "start": "0 16 * * *", "duration": "1m", "timezone": "Mars"}],
    ],
    "automatic": [True, False],
    "track": ["main", "1x"],
}


@settings(max_examples=200)
@given(st.fixed_dictionaries({}, optional={key: st.sampled_from(values) for key, values in VALUES.items()}))
def test_whatever_the_app_accepts_the_editor_accepts(changes: dict[str, object]) -> None:
    sample = document(**changes)
    try:
        policy_of(sample, SETTINGS)
    except PolicyError:
        return
    VALIDATOR.validate(sample)
