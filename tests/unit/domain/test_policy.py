"""The policy: which rule is for which image, and everything that can be wrong with a file."""

import re
from itertools import pairwise, product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from promoter.domain.codec import convert, decode, encode
from promoter.domain.errors import InvalidError, NotFoundError
from promoter.domain.gate_name import is_gate_name
from promoter.domain.image import Repository, Tag
from promoter.domain.policy import Policy, PromotionRule
from promoter.domain.policy_problems import problems
from promoter.domain.selector import Glob, TagSelector
from tests.unit.domain.strategies import fits, policy_of, registry_id, repositories, tags

SHOP = Repository("shop/web")
V1 = Tag("v1")
ENVIRONMENT = {"name": "dev", "registry": registry_id("dev")}


def globs(rule: PromotionRule) -> tuple[Glob, ...]:
    """The patterns of a rule's tags."""
    assert not isinstance(rule.tags, TagSelector)
    return rule.tags


def matches(pattern: str, text: str) -> bool:
    """What a pattern means, said as simply as can be: try every way."""
    if not pattern:
        return not text
    if pattern.startswith("**"):
        return any(matches(pattern[2:], text[at:]) for at in range(len(text) + 1))
    head, rest = pattern[0], pattern[1:]
    if head == "*":
        run = text.partition("/")[0]
        return any(matches(rest, text[at:]) for at in range(len(run) + 1))
    return bool(text) and (text[0] == head or (head == "?" and text[0] != "/")) and matches(rest, text[1:])


patterns = st.lists(st.sampled_from(["*", "**", "?", "a", "b", "/", ".", "-"]), min_size=1, max_size=6).map(
    "".join
)


few_repositories = st.from_regex(r"[ab]{1,2}([.-][ab]{1,2})?(/[ab]{1,2}([.-][ab])?){0,2}", fullmatch=True)


def is_pattern(text: str) -> bool:
    return fits(Glob, text)


# Patterns.


@given(patterns.filter(is_pattern), few_repositories)
@example("*", "a/b")
@example("**", "a/b")
@example("***", "a/b")
@example("a.b", "a-b")
@example("a?b", "a/b")
@example("*/b", "a/a/b")
def test_a_pattern_matches_what_its_words_say(pattern: str, text: str) -> None:
    policy = policy_of({"repositories": [pattern], "tags": ["*"]})
    selected = bool(policy.rules_from("dev", Repository(text), V1))
    assert selected is matches(re.sub(r"\*{3,}", "**", pattern), text)


@pytest.mark.parametrize("text", ["", "a b", "{a,b}", "[ab]", "a|b", "a+", "(a)", "^a$", "a\n", "é", "a\\"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a pattern"):
        Glob(text)


def test_a_pattern_has_at_most_three_wildcards_that_run() -> None:
    assert Glob("*a**b*") == "*a**b*"
    with pytest.raises(ValueError, match="too many wildcards"):
        Glob("*a*b*c*")


@pytest.mark.parametrize("pattern", ["*a*a*", "**a**a**", "*a*?*", "??*a*a*b", "**/**/**"])
def test_the_worst_text_for_a_pattern_is_matched_in_a_bounded_number_of_steps(pattern: str) -> None:
    rules = policy_of({"repositories": ["**"], "tags": [pattern.replace("/", ".")]})
    for _ in range(5):
        assert rules.rules_from("dev", SHOP, Tag("a" * 127 + "-")) is not None
    many = policy_of({"repositories": [pattern] * 5, "tags": ["*"]})
    assert many.rules_from("dev", Repository("a" * 254 + "0"), V1) is not None


def test_one_of_several_patterns_is_enough_and_the_whole_text_counts() -> None:
    policy = policy_of({"repositories": ["shop/*", "base"], "tags": ["v*", "latest"]})
    assert policy.rules_from("dev", SHOP, Tag("latest"))
    assert policy.rules_from("dev", Repository("base"), V1)
    assert not policy.rules_from("dev", Repository("base/extra"), V1)
    assert not policy.rules_from("dev", Repository("my/shop/web"), V1)
    assert not policy.rules_from("dev", SHOP, Tag("latest2"))


# Which rule.


def test_the_first_rule_that_matches_decides_for_its_target() -> None:
    policy = policy_of(
        {"name": "strict", "repositories": ["shop/*"], "gates": ["scan"]},
        {"name": "loose", "repositories": ["**"]},
        {"name": "canary", "to": "prod", "repositories": ["shop/*"]},
    )
    assert [rule.name for rule in policy.rules_from("dev", SHOP, V1)] == ["strict", "canary"]
    assert [rule.name for rule in policy.rules_from("dev", Repository("base"), V1)] == ["loose"]
    assert [rule.name for rule in policy.rules_to("staging", SHOP, V1)] == ["strict"]


def test_a_target_may_have_several_sources_and_the_first_rule_of_each_counts() -> None:
    policy = policy_of(
        {"name": "from-dev", "from": "dev", "to": "prod"},
        {"name": "from-staging", "from": "staging", "to": "prod"},
        {"name": "also-from-dev", "from": "dev", "to": "prod"},
        {"name": "elsewhere", "from": "dev", "to": "staging"},
    )
    assert [rule.name for rule in policy.rules_to("prod", SHOP, V1)] == ["from-dev", "from-staging"]


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "from": st.sampled_from(["dev", "staging"]),
                "to": st.sampled_from(["staging", "prod"]),
                "repositories": st.sampled_from([["shop/*"], ["**"], ["base", "shop/web"]]),
                "tags": st.sampled_from([["v*"], ["*"], ["latest"]]),
            }
        ),
        max_size=6,
    ),
    st.sampled_from(["shop/web", "base"]),
    st.sampled_from(["v1", "latest", "x"]),
)
def test_precedence_is_the_order_of_the_file(
    selectors: list[dict[str, object]], repository: str, tag: str
) -> None:
    policy = policy_of(*({"name": f"r{number}"} | each for number, each in enumerate(selectors)))
    fit = [
        rule
        for rule in policy.rules
        if any(matches(glob, repository) for glob in rule.repositories)
        and any(matches(glob, tag) for glob in globs(rule))
    ]
    for source, target in product(("dev", "staging"), ("staging", "prod")):
        expected = next((rule for rule in fit if (rule.source, rule.target) == (source, target)), None)
        found = policy.rules_from(source, Repository(repository), Tag(tag))
        assert next((rule for rule in found if rule.target == target), None) == expected
        assert (expected is None) or expected in policy.rules_to(target, Repository(repository), Tag(tag))


@given(repositories, st.from_regex(r"sha256-[a-z0-9.]{0,20}", fullmatch=True))
def test_the_fall_back_tags_of_referrers_match_no_rule(repository: Repository, tag: str) -> None:
    policy = policy_of({"repositories": ["**"], "tags": ["*", "sha256-*"]})
    assert policy.rules_from("dev", repository, Tag(tag)) == ()
    assert policy.rules_to("staging", repository, Tag(tag)) == ()


@given(repositories, tags)
def test_everything_else_is_matched_by_a_rule_for_everything(repository: Repository, tag: Tag) -> None:
    policy = policy_of({"repositories": ["**"], "tags": ["*"]})
    expected = 0 if tag.names_referrer or tag == "current" else 1
    assert len(policy.rules_from("dev", repository, tag)) == expected


def test_the_pointer_of_the_target_is_no_image_s_tag() -> None:
    policy = policy_of({"tags": ["*"]})
    assert policy.rules_from("dev", SHOP, Tag("current")) == ()
    assert policy.rules_to("staging", SHOP, Tag("current")) == ()


def test_a_gate_is_asked_for_in_the_source_unless_it_names_another_environment() -> None:
    policy = policy_of(
        {"from": "staging", "to": "prod", "gates": ["smoke", {"name": "scan", "environment": "dev"}]}
    )
    [rule] = policy.rules
    assert [(gate.name, gate.environment) for gate in rule.requirements] == [
        ("smoke", "staging"),
        ("scan", "dev"),
    ]


def test_an_environment_is_found_by_its_name_and_its_registry_without_regard_to_case() -> None:
    policy = policy_of({})
    assert policy.environment("prod").registry == registry_id("prod")
    assert policy.environment_of_registry(registry_id("prod").upper()) is policy.environment("prod")
    assert policy.environment_of_registry(registry_id("other")) is None
    with pytest.raises(NotFoundError, match="no environment 'qa'; it has dev, staging, prod"):
        policy.environment("qa")


def test_an_environment_that_some_rule_leads_to_is_a_target() -> None:
    policy = policy_of({})
    assert policy.is_target("staging")
    assert not policy.is_target("dev")
    assert not policy.is_target("prod")


# The hash.


def test_the_hash_changes_with_every_part_of_the_content_and_with_nothing_else() -> None:
    one = {"gates": ["scan"], "automatic": True}
    variants = [
        policy_of(one),
        policy_of(one | {"name": "other"}),
        policy_of(one | {"to": "prod"}),
        policy_of(one | {"repositories": ["shop/*"]}),
        policy_of(one | {"tags": ["v*"]}),
        policy_of(one | {"gates": ["scan", "smoke"]}),
        policy_of(one | {"gates": [{"name": "scan", "environment": "prod"}]}),
        policy_of(one | {"automatic": False}),
        policy_of(one | {"track": "lts"}),
        policy_of(one, environments=("dev", "staging")),
        policy_of(one, {"name": "second"}),
    ]
    assert len({policy.hash for policy in variants}) == len(variants)
    assert policy_of(one).hash == policy_of(dict(reversed(one.items()))).hash
    assert decode(encode(variants[0]), Policy).hash == variants[0].hash


def test_the_order_of_rules_is_content() -> None:
    first: dict[str, object] = {"name": "first"}
    second: dict[str, object] = {"name": "second"}
    assert policy_of(first, second).hash != policy_of(second, first).hash
    assert policy_of(first, second).rules[0].hash == policy_of(second, first).rules[1].hash


def test_the_part_that_binds_a_promotion_holds_one_rule_and_its_two_ends() -> None:
    policy = policy_of({"name": "one"}, {"name": "two", "from": "staging", "to": "prod"})
    part = policy.part(policy.rules[1])
    assert [environment.name for environment in part.environments] == ["staging", "prod"]
    assert part.rules == (policy.rules[1],)
    assert part.hash != policy.hash


# What is wrong.


def test_a_sound_policy_has_no_problems() -> None:
    policy = policy_of(
        {"gates": ["scan", {"name": "smoke", "environment": "prod"}]},
        {"name": "on", "from": "staging", "to": "prod", "track": "lts-1"},
    )
    assert problems(policy) == []


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"name": ""}, "rules[0].name: '' is not a name"),
        ({"name": "Dev"}, "rules[0].name: 'Dev' is not a name"),
        ({"name": "a" * 41}, "is not a name: at most 40"),
        ({"name": "-a"}, "rules[0].name: '-a' is not a name"),
        ({"from": "qa"}, "rules[0].from: there is no environment 'qa'; there are dev, staging, prod"),
        ({"to": "qa"}, "rules[0].to: there is no environment 'qa'"),
        ({"repositories": []}, "rules[0].repositories: names nothing"),
        ({"tags": []}, "rules[0].tags: names nothing"),
        ({"track": "Main"}, "rules[0].track: 'Main' is not a name"),
        ({"gates": ["unit tests"]}, "rules[0].gates[0]: 'unit tests' is not a gate's name"),
        ({"gates": ["ok", {"name": ""}]}, "rules[0].gates[1]: '' is not a gate's name"),
        (
            {"gates": [{"name": "scan", "environment": "qa"}]},
            "rules[0].gates[0].environment: there is no environment 'qa'",
        ),
        ({"gates": ["scan", "scan"]}, "rules[0].gates: names a gate twice"),
        ({"gates": ["scan", {"name": "scan", "environment": "dev"}]}, "rules[0].gates: names a gate twice"),
        ({"from": "staging"}, "rules: the promotion path runs in a circle: staging -> staging"),
    ],
)
def test_a_problem_of_a_rule_names_the_path_to_the_value(rule: dict[str, object], problem: str) -> None:
    [found] = problems(policy_of(rule))
    assert problem in found


@pytest.mark.parametrize(
    ("environments", "problem"),
    [
        ([ENVIRONMENT | {"registry": "devacr"}], "environments[0].registry: 'devacr' is not the resource id"),
        ([ENVIRONMENT | {"registry": registry_id("dev") + "/"}], "is not the resource id of a registry"),
        (
            [ENVIRONMENT | {"registry": registry_id("dev")[:-6] + "acr"}],
            "is not the resource id of a registry",
        ),
        (
            [ENVIRONMENT, {"name": "two", "registry": registry_id("dev").upper()}],
            "environments[1].registry: environments[0] has the same registry",
        ),
        (
            [ENVIRONMENT, {"name": "dev", "registry": registry_id("two")}],
            "environments[1].name: environments[0]",
        ),
        ([ENVIRONMENT | {"name": "d~v"}], "environments[0].name: 'd~v' is not a name"),
        *(
            (
                [{"name": "hub", "loginServer": server}],
                f"environments[0].loginServer: {server!r} is not a host",
            )
            for server in (
                "docker.io:65536",
                "docker.io:0",
                "docker..io",
                "docker.io/",
                "-docker.io",
            )
        ),
    ],
)
def test_a_problem_of_an_environment_names_the_path_to_the_value(
    environments: list[dict[str, object]], problem: str
) -> None:
    found = problems(convert({"environments": environments, "rules": []}, Policy))
    assert [each for each in found if problem in each]


def test_two_rules_of_one_name_are_a_problem_of_the_second() -> None:
    [found] = problems(policy_of({}, {"to": "prod"}))
    assert found == "rules[1].name: rules[0] has the same name"


def test_a_circle_is_told_in_the_order_of_travel() -> None:
    policy = policy_of(
        {"name": "a", "from": "dev", "to": "staging"},
        {"name": "b", "from": "staging", "to": "prod"},
        {"name": "c", "from": "prod", "to": "dev"},
    )
    [found] = problems(policy)
    steps = found.removeprefix("rules: the promotion path runs in a circle: ").split(" -> ")
    assert steps[0] == steps[-1]
    path = {("dev", "staging"), ("staging", "prod"), ("prod", "dev")}
    assert set(pairwise(steps)) == path


def test_nothing_at_all_is_two_problems() -> None:
    found = problems(Policy(environments=(), rules=()))
    assert [each.partition(":")[0] for each in found] == ["environments", "rules"]


def test_all_problems_are_told_at_once() -> None:
    policy = policy_of(
        {"name": "A", "from": "qa", "tags": [], "gates": ["a b"]},
        {"name": "c", "from": "prod", "to": "prod", "track": ""},
        environments=("dev", "dev", "staging", "prod"),
    )
    assert [each.partition(": ")[0] for each in problems(policy)] == [
        "environments[1].name",
        "environments[1].registry",
        "rules[0].name",
        "rules[0].from",
        "rules[0].tags",
        "rules[0].gates[0]",
        "rules[1].track",
        "rules",
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"pointer": "-x"}, "environments[0].pointer"),
        ({"immutableTags": "yes"}, "environments[0].immutableTags"),
        ({"owner": "me"}, "environments[0]"),
    ],
)
def test_the_wrong_shape_is_located_before_anything_else(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidError) as raised:
        convert({"environments": [ENVIRONMENT | changes], "rules": []}, Policy)
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *((name, True) for name in ("a", "A.b_c-9", "a" * 64)),
        *((name, False) for name in ("a" * 65, "", "-a", "a.", "a b", "a~b", "a/b", "a\n", "é")),
    ],
)
def test_a_gate_s_name_fits_into_a_row_s_key(name: str, is_one: bool) -> None:  # noqa: FBT001 - a table
    assert is_gate_name(name) is is_one
