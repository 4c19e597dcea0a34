"""The policy file: what is accepted, and what is said of what is not."""

from pathlib import Path

import pytest

from promoter.adapters.policy_file import load_policy
from promoter.domain.errors import PolicyError
from promoter.domain.image import Repository, Tag
from promoter.domain.policy import Policy

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries"
SETTINGS = {"DEV_ID": f"{ID}/devacr", "PROD_ID": f"{ID}/prodacr"}
ENVIRONMENTS = """
environments:
  - {name: dev, registry: "${DEV_ID}"}
  - {name: prod, registry: "${PROD_ID}", pointer: now, immutableTags: false}
"""
RULE = """
  - name: dev-to-prod
    from: dev
    to: prod
    repositories: ["shop/*"]
    tags: ["v*"]
"""
GOOD = f"""{ENVIRONMENTS}
rules:{RULE}
    gates:
      - unit-tests
      - {{name: scan, environment: dev}}
    automatic: true
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def load(path: Path, text: str | bytes, settings: dict[str, str] | None = None) -> Policy:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_policy(path, SETTINGS if settings is None else settings)


def problems(path: Path, text: str | bytes, settings: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(PolicyError) as raised:
        load(path, text, settings)
    return [problem.replace(f"{path}", "policy.yaml") for problem in raised.value.problems]


def test_a_good_policy_is_read_with_its_settings_filled_in(path: Path) -> None:
    policy = load(path, GOOD)

    [rule] = policy.rules_from("dev", Repository("shop/web"), Tag("v1"))
    assert [environment.registry for environment in policy.environments] == list(SETTINGS.values())
    assert policy.environment("prod").pointer == "now"
    assert not policy.environment("prod").immutable_tags
    assert [(gate.name, gate.environment) for gate in rule.requirements] == [
        ("unit-tests", "dev"),
        ("scan", "dev"),
    ]
    assert rule.automatic


def test_the_same_policy_in_other_words_has_the_same_hash(path: Path) -> None:
    other = GOOD.replace('["shop/*"]', "[shop/*]").replace("automatic: true", "automatic: true  # yes")

    assert load(path, GOOD).hash == load(path, other).hash


def test_a_setting_may_be_a_part_of_a_text(path: Path) -> None:
    text = GOOD.replace("${DEV_ID}", f"{ID}/${{NAME}}acr${{NONE_YET}}")

    policy = load(path, text, SETTINGS | {"NAME": "dev", "NONE_YET": "1"})

    assert policy.environment("dev").registry == f"{ID}/devacr1"


@pytest.mark.parametrize("settings", [{}, {"DEV_ID": ""}])
def test_every_setting_that_is_not_set_is_told_with_its_place(path: Path, settings: dict[str, str]) -> None:
    assert problems(path, GOOD, settings) == [
        "environments[0].registry: the setting 'DEV_ID' is not set",
        "environments[1].registry: the setting 'PROD_ID' is not set",
    ]


def test_a_setting_that_is_not_closed_is_told(path: Path) -> None:
    assert problems(path, GOOD.replace("${DEV_ID}", "${DEV_ID")) == [
        "environments[0].registry: '${DEV_ID' opens a setting and does not close it"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "automatic: true",
            "automatc: true",
            "rules[0].automatc: is not known here; did you mean automatic?",
        ),
        (
            "pointer: now",
            "zone: 1",
            "environments[1].zone: is not known here; known are name, registry, loginServer, credentials",
        ),
        ("name: scan, ", "", "rules[0].gates[1].name: is missing"),
        ("    from: dev\n", "", "rules[0].from: is missing"),
        ('["v*"]', "v1", "rules[0].tags: expected keys and values or a list, got text"),
        ('["v*"]', "[1.10]", "rules[0].tags[0]: expected text, got a number; put it in quotes"),
        ('["v*"]', '["v 1"]', "rules[0].tags[0]: 'v 1' is not a pattern"),
        ("automatic: true", "automatic: maybe", "rules[0].automatic: expected true or false, got text"),
        (
            "name: dev,",
            "name: no,",
            "environments[0].name: expected text, got true or false; put it in quotes",
        ),
        ("pointer: now", "pointer: a b", "environments[1].pointer: 'a b' is not a tag"),
        ("pointer: now", "pointer:", "environments[1].pointer: expected text, got nothing"),
        (
            "- unit-tests",
            "- 7",
            "rules[0].gates[0]: expected text or keys and values, got a number; put it in",
        ),
        ("- unit-tests", "- [a]", "rules[0].gates[0]: expected text or keys and values, got a list"),
        ("- unit-tests", "- [7]", "rules[0].gates[0]: expected text or keys and values, got a list"),
    ],
)
def test_what_does_not_fit_is_told_with_its_path(path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD

    [found] = problems(path, GOOD.replace(old, new, 1))

    assert found.startswith(expected)


def test_every_problem_of_every_environment_and_rule_is_told(path: Path) -> None:
    text = """
environments:
  - {nam: dev, registry: "${NONE}", pointer: "a b"}
  - 7
  - {name: 1, registry: 2}
rules:
  - {name: a, form: dev, tags: [1, "v*", "v 2"], automatic: "yes"}
  - {name: b, from: dev, to: prod, repositories: x, tags: [], gates: [{nam: 1}, 2]}
more: 1
"""
    assert [problem.partition(": ")[0] for problem in problems(path, text)] == [
        "environments[0].registry",
        "more",
        "environments[0].nam",
        "environments[0].name",
        "environments[0].pointer",
        "environments[1]",
        "environments[2].name",
        "environments[2].registry",
        "rules[0].form",
        "rules[0].from",
        "rules[0].to",
        "rules[0].repositories",
        "rules[0].tags[0]",
        "rules[0].tags[2]",
        "rules[0].automatic",
        "rules[1].repositories",
        "rules[1].gates[0].nam",
        "rules[1].gates[0].name",
        "rules[1].gates[1]",
        "rules[1].tags",
    ]


def test_a_policy_of_the_right_shape_is_checked_for_its_sense(path: Path) -> None:
    text = GOOD.replace("to: prod", "to: nowhere").replace("name: scan", "name: unit-tests")

    assert problems(path, text) == [
        "rules[0].to: there is no environment 'nowhere'; there are dev, prod",
        "rules[0].gates: names a gate twice",
    ]


def test_a_path_in_a_circle_is_told(path: Path) -> None:
    back = (
        RULE.replace("dev-to-prod", "back").replace("from: dev", "from: prod").replace("to: prod", "to: dev")
    )

    [found] = problems(path, GOOD + back)

    assert found.startswith("rules: the promotion path runs in a circle")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "policy: expected keys and values, got nothing"),
        ("- 1", "policy: expected keys and values, got a list"),
        ("just text", "policy: expected keys and values, got text"),
        ("a: 1\nb: 2\na: 3", "policy.yaml:3:1: 'a' is here twice"),
        ("a:\n  - {b: 1, b: 2}", "policy.yaml:2:12: 'b' is here twice"),
        ("a: &x 1\nb: *x", "policy.yaml:2:4: aliases are not accepted: write it out"),
        ("a: &x {b: 1}\nc: {<<: *x}", "policy.yaml:2:9: aliases are not accepted: write it out"),
        ("? [a, b]\n: 1", "policy.yaml:1:3: a key must be plain text"),
        ("a: [", "policy.yaml:1:5: expected the node content, but found '<stream end>'"),
        ("a: 1\n b: 2", "policy.yaml:2:3: mapping values are not allowed here"),
        ("a: !!python/object:os.system {}", "policy.yaml:1:4: tags, as !!str is one, are not accepted"),
        ("a: !!timestamp soon", "policy.yaml:1:4: tags, as !!str is one, are not accepted"),
        ("a: !x 1", "policy.yaml:1:4: tags, as !!str is one, are not accepted"),
        ("a: 2026-99-99", "policy.yaml: this is not YAML: month must be in 1..12"),
        ("[" * 1000, "policy.yaml: this is not YAML: maximum recursion depth exceeded"),
        (b"a: \x00", "policy.yaml: this is not YAML: unacceptable character"),
        (b"a: \xff", "policy.yaml: this is not YAML: unacceptable character"),
    ],
)
def test_what_is_no_plain_yaml_is_told_with_its_line(path: Path, text: str | bytes, expected: str) -> None:
    assert problems(path, text)[0].startswith(expected)


def test_a_number_as_a_key_is_told(path: Path) -> None:
    assert "1: is not known here; known are environments, rules" in problems(path, "1: 2")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="No such file"):
        load_policy(tmp_path / "none.yaml", SETTINGS)


def test_a_file_that_is_a_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="Is a directory"):
        load_policy(tmp_path, SETTINGS)


def test_a_file_too_large_to_be_a_policy_is_not_read(path: Path) -> None:
    assert problems(path, "#" * (256 * 1024 + 1)) == [
        "policy.yaml: has 262145 bytes; at most 262144 are read"
    ]
