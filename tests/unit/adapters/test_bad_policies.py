"""Policies that must never be accepted: each problem is told with its place, all of them at once."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promoter.adapters.policy_check import check
from promoter.adapters.policy_file import load_policy
from promoter.domain.errors import PolicyError

ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries"
SETTINGS = {"DEV": f"{ID}/devacr", "PROD": f"{ID}/prodacr", "PASSWORD": "hunter-two"}
SECRET = "s3cret-Pa55word"
MEGABYTE = 1024 * 1024

ALL_AT_ONCE = f"""\
environments:
  - {{name: dev, registry: "${{DEV}}"}}
  - {{name: prod, registry: "${{PROD}}"}}
  - {{name: lost, registry: "${{LOST}}"}}
  - name: hub
    loginServer: docker.io
    credentials:
      username: ${{USER}}
      password: {SECRET}
rules:
  - name: twice
    from: dev
    to: prod
    repositories: ["**"]
    tags: ["*"]
    gates: [{{name: scan, environment: qa}}]
  - {{name: twice, from: prod, to: dev, repositories: ["**"], tags: {{semver: ">>1"}}}}
  - name: slow
    from: dev
    to: hub
    repositories: ["shop/*"]
    tags: {{regex: "(a+)+$"}}
    freeze:
      - {{name: short, start: "0 16 * * FRI", duration: 0h}}
"""

EXPECTED = [
    "policy.yaml:4:18: environments[2].registry: the setting 'LOST' is not set",
    "policy.yaml:6:5: environments[3].loginServer: rules[2] leads to hub",
    "policy.yaml:8:7: environments[3].credentials.username: the setting 'USER' is not set",
    "policy.yaml:9:7: environments[3].credentials.password: must be an app setting, as ${NAME}",
    "policy.yaml:10:1: rules: the promotion path runs in a circle: ",
    "policy.yaml:16:26: rules[0].gates[0].environment: there is no environment 'qa'",
    "policy.yaml:17:6: rules[1].name: rules[0] has the same name",
    "policy.yaml:17:69: rules[1].tags.semver: '>>1' is not a range of semantic versions",
    "policy.yaml:22:12: rules[2].tags.regex: '(a+)+$' could take exponential time",
    "policy.yaml:24:46: rules[2].freeze[0].duration: '0h' must be longer than nothing",
]

ENVIRONMENTS = f"""\
environments:
  - {{name: dev, registry: {ID}/devacr}}
  - {{name: prod, registry: {ID}/prodacr}}
"""


def rule(text: str = "") -> str:
    return f"""{ENVIRONMENTS}rules:
  - {{name: one, from: dev, to: prod, repositories: ["shop/*"], tags: ["v*"], {text}}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def problems(path: Path, text: str | bytes) -> list[str]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    checked = check(path, SETTINGS)
    assert checked.policy is None
    return [str(problem).replace(str(path), "policy.yaml") for problem in checked.problems]


def test_everything_that_is_wrong_is_told_at_once_each_with_its_line(path: Path) -> None:
    found = problems(path, ALL_AT_ONCE)
    assert len(found) == len(EXPECTED)
    for problem, expected in zip(found, EXPECTED, strict=True):
        assert problem.startswith(expected)


def test_what_the_app_hears_at_its_start_is_what_the_check_says(path: Path) -> None:
    told = [problem.partition(": ")[2] for problem in problems(path, ALL_AT_ONCE)]
    with pytest.raises(PolicyError) as raised:
        load_policy(path, SETTINGS)
    assert sorted(raised.value.problems) == sorted(told)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rule("gates: [scan, scan]"), "rules[0].gates: names a gate twice"),
        (rule('freeze: [{name: all, start: "0 0 * * *", duration: 1d}]'), "leaves no time in which anything"),
        (
            rule('freeze: [{name: a, start: "0 0 31 2 *", duration: 1d}]'),
            "is not a cron expression that ever fires",
        ),
        (rule("soak: 0s"), "rules[0].soak: '0s' must be longer than nothing"),
        (rule("approvals: {count: 0}"), "rules[0].approvals.count: is 0; from 1 to 10"),
        (rule().replace('["v*"]', '{semver: ""}'), "every version is *"),
        (rule().replace('["v*"]', "{}"), "rules[0].tags: names tags by semver or by regex: one of both"),
        (rule().replace('["v*"]', "{regex: '(x+x+)+y'}"), "could take exponential time"),
        (rule().replace('["v*"]', "{regex: '.*.*.*.*='}"), "leaves open in 4 places"),
        (rule().replace('["shop/*"]', '["*a*a*a*a*b"]'), "too many wildcards"),
        ("x" * 5 * MEGABYTE, "has 5242880 bytes; at most 262144 are read"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "policy.yaml:2:8: aliases are not accepted"),
        ("a: !!python/name:os.system", "policy.yaml:1:4: tags, as !!str is one, are not accepted"),
        ("a: !!timestamp soon", "policy.yaml:1:4: tags, as !!str is one, are not accepted"),
        ('a: "\\ud83d\\ude00"', "policy.yaml:1:4: an escaped half of a character"),
        ("a: 1\na: 2", "policy.yaml:2:1: 'a' is here twice"),
        ("- " * 10_000, "this is not YAML: maximum recursion depth exceeded"),
        ("{" * 10_000, "this is not YAML: maximum recursion depth exceeded"),
        (b"\xff\xfe\x00", "this is not YAML"),
    ],
)
def test_one_bad_thing_is_told_alone(path: Path, text: str | bytes, expected: str) -> None:
    [found] = problems(path, text)
    assert expected in found


SECRETS = [
    f"password: {SECRET}",
    f"password: [{SECRET}]",
    f"password: {{{SECRET}: 1}}",
    f"password: ${{{SECRET}}}",
    f"password: prefix-${{{SECRET}",
    f"password: {SECRET}${{PASSWORD}}",
    f"password: ${{PASSWORD}}\n      username: {SECRET}",
    f"pasword: {SECRET}",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_password_that_is_written_out_is_never_repeated(path: Path, secret: str) -> None:
    hub = f"  - name: hub\n    loginServer: docker.io\n    credentials:\n      {secret}\n"
    found = problems(path, rule().replace("rules:", f"{hub}rules:"))
    assert any("environments[2].credentials" in problem for problem in found)
    assert SECRET not in "".join(found)


@pytest.mark.parametrize("key", ["loginServer", "registry"])
def test_nor_is_one_in_an_address(path: Path, key: str) -> None:
    found = problems(
        path, rule().replace("rules:", f"  - {{name: hub, {key}: 'https://me:{SECRET}@x.io'}}\nrules:")
    )
    assert any(f"environments[2].{key}" in problem for problem in found)
    assert SECRET not in "".join(found)


@pytest.mark.parametrize(
    "change",
    [
        (f"{ID}/prodacr", '"${PASSWORD}"'),
        ('"shop/*"', '"${PASSWORD} x"'),
        ("to: prod", 'to: "${PASSWORD}"'),
        ("name: one", 'name: "a ${PASSWORD}"'),
        ('tags: ["v*"],', 'tags: {semver: "${PASSWORD}"},'),
        ('tags: ["v*"],', 'tags: ["*"], gates: ["a ${PASSWORD}"]'),
    ],
)
def test_what_a_setting_stands_for_is_never_repeated(path: Path, change: tuple[str, str]) -> None:
    assert change[0] in rule()
    found = "".join(problems(path, rule().replace(*change)))
    assert "${PASSWORD}" in found
    assert "(as it is set)" in found
    assert SETTINGS["PASSWORD"] not in found


def test_only_as_much_is_told_as_anybody_reads(path: Path) -> None:
    found = problems(path, "environments: []\nrules:\n" + "  - 1\n" * 2000)
    assert len(found) == 101
    assert found[-1] == "policy.yaml: policy: has 1901 problems more"
    [long] = problems(path, rule().replace('"v*"', f'"v {"x" * 2000}"'))
    assert len(long) < 600


@pytest.mark.parametrize(
    "windows",
    [
        [("*/2 * * * *", "3m")] * 64,
        [("0 0 29 2 *", "3000d")] * 64,
        [(f"{minute} 0 * * *", "23h59m") for minute in range(0, 60, 4)],
    ],
)
def test_windows_that_follow_one_another_for_long_are_found_in_bounded_time(
    path: Path, windows: list[tuple[str, str]]
) -> None:
    """The suite's own time limit is the assertion: this took minutes a rule."""
    each = "".join(
        f'{{name: w{number}, start: "{start}", duration: {duration}}},'
        for number, (start, duration) in enumerate(windows)
    )
    line = rule(f"freeze: [{each}]").splitlines()[-1]
    text = "\n".join(line.replace("one", f"r{number}") for number in range(3))
    assert all("leaves no time" in problem for problem in problems(path, f"{ENVIRONMENTS}rules:\n{text}"))


# Whatever is in the file, the answer is a policy or a PolicyError.

WORDS = [
    *("environments", "rules", "name", "registry", "loginServer", "credentials", "password", "pointer"),
    *("from", "to", "repositories", "tags", "semver", "regex", "gates", "soak", "approvals", "count"),
    *("freeze", "start", "duration", "timezone", "automatic", "track", "roles", "operator", "maxAge"),
]
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(
        [*WORDS, f"{ID}/devacr", "dev", "v*", "2h", "0 16 * * FRI", "${DEV}", "${NONE", "${}", "1.x"]
    ),
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=25,
)
pieces = st.sampled_from(
    [
        *WORDS,
        "\n",
        "\n  ",
        "\n- ",
        ": ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&a ",
        "*a",
        "!!int ",
        "'",
        '"',
        "<<",
        "? ",
    ]
)


@settings(max_examples=150)
@given(trees)
@example({"environments": [{"name": "\ud800"}], "rules": [{"name": "\x00", "tags": {"regex": "\ud800"}}]})
@example({"environments": {}, "rules": {}})
def test_whatever_values_a_file_has_only_a_policy_error_comes_of_it(
    tmp_path_factory: pytest.TempPathFactory, tree: object
) -> None:
    outcome(tmp_path_factory, json.dumps(tree))


@settings(max_examples=150)
@given(st.lists(pieces | st.text(max_size=3), max_size=40).map("".join))
@example("a: =")
@example("a: 0001-01-01T00:00:00+23:59")
@example("a: 1_" + "0" * 5000)
@example("<<: [1]")
@example("? |\n  x\n: 1")
def test_whatever_text_a_file_has_only_a_policy_error_comes_of_it(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    outcome(tmp_path_factory, text)


@settings(max_examples=50)
@given(st.binary(max_size=40))
def test_whatever_bytes_a_file_has_only_a_policy_error_comes_of_it(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    outcome(tmp_path_factory, content)


def outcome(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any-policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", errors="surrogatepass"))
    checked = check(path, SETTINGS)
    if checked.policy is None:
        with pytest.raises(PolicyError) as raised:
            load_policy(path, SETTINGS)
        assert len(raised.value.problems) == len(checked.problems) > 0
        assert SETTINGS["PASSWORD"] not in str(raised.value)
    else:
        assert not checked.problems
        assert load_policy(path, SETTINGS) == checked.policy
