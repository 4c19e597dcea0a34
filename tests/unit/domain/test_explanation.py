"""A policy in words."""

from promoter.domain.codec import convert
from promoter.domain.explanation import (
    conditions_in_words,
    diagram,
    environment_in_words,
    explain,
    rule_in_words,
)
from promoter.domain.policy import Policy
from tests.unit.domain.strategies import policy_of, registry_id

TWO_PEOPLE = (
    "2 people with the role Promoter.Approver approved it within the last 1d, "
    "other than who asked for it, and nobody rejected it"
)
MOVING = (
    "takes what is promoted; `now` and `now-1x` name what it runs, and tags there may move. "
    "It is operated by Ops.A or Ops.B"
)
WHOLE = {
    "from": "staging",
    "to": "prod",
    "repositories": ["shop/*", "base"],
    "tags": {"semver": ">=1.0.0"},
    "gates": [
        "smoke",
        {"name": "scan", "environment": "dev", "maxAge": "7d", "issuers": ["trivy"], "reporters": ["t/o"]},
    ],
    "soak": "2h",
    "approvals": {"count": 2, "maxAge": "1d"},
    "freeze": [{"name": "weekend", "start": "0 16 * * FRI", "duration": "64h", "timezone": "Europe/Berlin"}],
    "automatic": True,
}


def test_a_rule_says_everything_that_it_asks_for() -> None:
    policy = policy_of(WHOLE)
    [rule] = policy.rules
    assert rule_in_words(rule) == (
        "Images of `shop/*` or `base` whose tag is a version in `>=1.0.0` (a higher one is newer) "
        "go from staging to prod by themselves"
    )
    assert conditions_in_words(policy, rule) == (
        "the image has arrived in staging under its tag",
        "gate smoke has passed in staging",
        "gate scan has passed in dev, at most 7d ago, as trivy says, reported by t/o",
        "it has been in staging for 2h",
        TWO_PEOPLE,
        "it lies outside of weekend: at 16:00 on Friday, for 64h, by the clock of Europe/Berlin",
        "it was rolled back neither in staging nor in prod",
        "its repository is not on hold in prod",
        "its tag names no other image in prod",
    )


def test_a_rule_by_hand_asks_for_a_hand_and_no_hold() -> None:
    policy = policy_of({"tags": {"regex": "rc-.*"}, "track": "rc"})
    [rule] = policy.rules
    assert rule_in_words(rule).endswith(
        "whose tag matches `rc-.*` go from dev to staging by hand, on the track rc"
    )
    assert "somebody promotes it by hand" in conditions_in_words(policy, rule)
    assert not any("hold" in words for words in conditions_in_words(policy, rule))


def test_an_environment_says_what_it_is() -> None:
    hub = {"name": "hub", "loginServer": "docker.io", "credentials": {"password": "${P}"}}
    moving = {
        "name": "prod",
        "registry": registry_id("prod"),
        "immutableTags": False,
        "pointer": "now",
        "roles": {"operator": ["Ops.A", "Ops.B"]},
    }
    rules = [
        {
            "name": f"r{track}",
            "from": "hub",
            "to": "prod",
            "repositories": ["*"],
            "tags": ["*"],
            "track": track,
        }
        for track in ("main", "1x")
    ]
    policy = convert({"environments": [hub, moving], "rules": rules}, Policy)
    said = [environment_in_words(policy, each) for each in policy.environments]
    assert said == [
        "is docker.io, outside of the tenant, with credentials: images only come from there",
        MOVING,
    ]
    assert diagram(policy).splitlines() == [
        "flowchart LR",
        '  e0[/"hub: docker.io"/]',
        '  e1["prod"]',
        '  e0 -.->|"rmain"| e1',
        '  e0 -.->|"r1x"| e1',
    ]


def test_the_whole_is_markdown_with_the_path_as_a_diagram() -> None:
    text = explain(policy_of(WHOLE, {"name": "end", "to": "staging"}))
    assert "### dev-to-staging\n\nImages of" in text
    assert '  e0(["dev"])\n  e1["staging"]' in text
    assert '  e1 -->|"dev-to-staging"| e2\n  e0 -.->|"end"| e1\n```' in text
    assert "An administrator may override gate, soak, approval, freeze, veto." in text
