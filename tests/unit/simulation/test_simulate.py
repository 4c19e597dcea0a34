"""Scenarios: what each step does, and how what was expected is held against what is."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promoter.domain.codec import convert
from promoter.domain.policy import Policy
from promoter.simulation.scenario import Scenario
from promoter.simulation.simulate import simulate
from promoter.simulation.timeline import Entry
from tests.unit.domain.strategies import policy_of, registry_id

UNEXPECTED = "it is refused, which the step does not say (`refused:` says so)"
V1, V2 = "shop/web:v1", "shop/web:v2"
GATED = policy_of({"name": "on", "gates": ["unit-tests"], "automatic": True})
OPEN = policy_of({"name": "on", "automatic": True})


async def run(policy: Policy, *steps: dict[str, Any], **more: object) -> list[Entry]:
    scenario = convert({"start": "2026-11-23T09:00:00Z", "steps": steps, **more}, Scenario)
    return (await simulate(policy, scenario)).entries


def told(entries: list[Entry]) -> list[str]:
    """Everything that was told, in short."""
    return [f"{each.at:%d %H:%M:%S} {each.sort} {each.text}" for each in entries]


def failed(entries: list[Entry]) -> list[tuple[str, ...]]:
    return [(each.text, *each.details) for each in entries if each.sort == "failed"]


def push(image: str = V1, **more: object) -> dict[str, Any]:
    return {"push": {"image": image, "to": "dev", **more}}


def passed(image: str = V1) -> dict[str, Any]:
    return {"report": {"gate": "unit-tests", "image": image, "in": "dev"}}


def expect(image: str = V1, /, **what: object) -> dict[str, Any]:
    return {"expect": {"image": image, "in": "staging", **what}}


def runs(tag: str | None, **what: object) -> dict[str, Any]:
    return {"expect": {"repository": "shop/web", "in": "staging", "current": tag, **what}}


async def test_what_happens_is_told_in_its_order_each_step_a_second_later() -> None:
    entries = await run(GATED, {"note": "One image."}, push(), passed(), {"wait": "1h"}, runs("v1"))
    assert told(entries) == [
        "23 09:00:00 note One image.",
        "23 09:00:00 step push of shop/web:v1 to dev",
        "23 09:00:00 event staging: shop/web:v1 is waiting",
        "23 09:00:01 step unit-tests has passed for shop/web:v1 in dev, reported by reporter",
        "23 09:00:01 event staging: shop/web:v1 is promoted (automatic)",
        "23 09:00:01 event staging: shop/web runs v1 now",
        "23 10:00:01 met shop/web in staging: runs v1",
    ]
    assert entries[2].details == ("waits for gate unit-tests in dev; nothing reported yet",)


async def test_what_is_not_as_expected_is_told_beside_what_is_and_why() -> None:
    entries = await run(GATED, push(), expect(**{"is": "refused", "for": ["soak"], "because": ["veto"]}))
    assert failed(entries) == [
        (
            "expected shop/web:v1 in staging: is refused, waits for soak, because of veto",
            "- is refused",
            "+ is waiting",
            "- waits for soak",
            "+ waits for gate",
            "- because of veto",
            "+ because of nothing",
            "why: waits for gate unit-tests in dev; nothing reported yet",
        )
    ]


@pytest.mark.parametrize(
    ("what", "difference"),
    [
        (
            {"says": "unit-test in"},
            ('- says "unit-test in"', "+ says waits for gate unit-tests in dev; nothing"),
        ),
        ({"earliest": "2026-11-24T09:00:00Z"}, ("- until 2026-11-24T09:00:00Z", "+ until no time known")),
        ({"for": []}, ("- waits for nothing", "+ waits for gate")),
        ({"is": "current"}, ("- is current", "+ is waiting")),
        ({"is": "promoted"}, ("- is promoted", "+ is waiting")),
        ({"is": "failed"}, ("- is failed", "+ is waiting")),
    ],
)
async def test_each_expectation_of_an_image_can_fail(
    what: dict[str, object], difference: tuple[str, str]
) -> None:
    [(_, expected, found, _)] = failed(await run(GATED, push(), expect(**what)))
    assert expected == difference[0]
    assert found.startswith(difference[1])


@pytest.mark.parametrize(
    ("what", "difference"),
    [
        ({"current": "v2"}, ("- runs v2", "+ runs v1")),
        ({"current": None}, ("- runs nothing", "+ runs v1")),
        ({"onHold": True}, ("- hold yes", "+ hold no")),
    ],
)
async def test_each_expectation_of_a_repository_can_fail(
    what: dict[str, object], difference: tuple[str, str]
) -> None:
    step = {"expect": {"repository": "shop/web", "in": "staging", **what}}
    [(_, *both)] = failed(await run(OPEN, push(), step))
    assert both == list(difference)


async def test_a_release_line_is_named_wherever_it_is_not_the_usual_one() -> None:
    on = {"repository": "shop/web", "in": "staging", "track": "1x"}
    entries = await run(OPEN, {"expect": {**on, "current": None}}, {"hold": on}, {"unhold": on})
    assert [line.split("shop/web")[1] for line in told(entries) if "shop/web" in line] == [
        " (1x) in staging: runs nothing",
        " (1x) in staging",
        " (1x) in staging",
    ]


async def test_time_that_passes_lets_everything_happen_that_is_due() -> None:
    policy = policy_of({"soak": "2h", "automatic": True})
    entries = await run(
        policy,
        push(),
        expect(**{"is": "waiting", "for": ["soak"], "earliest": "2026-11-23T11:00:00Z"}),
        {"until": "2026-11-23T12:00:00+01:00"},
        expect(**{"is": "current"}),
        {"until": "2026-11-23T10:59:59Z"},
    )
    assert "23 11:00:00 event staging: shop/web runs v1 now" in told(entries)
    assert failed(entries) == [("it is later than 2026-11-23T10:59:59Z already",)]


async def test_the_same_tag_again_is_another_image_and_another_tag_may_be_the_same() -> None:
    policy = policy_of({"automatic": True}, environments=("dev", "staging", "prod"))
    entries = await run(
        policy,
        push(),
        push("shop/web:latest", sameAs=V1),
        expect("shop/web:latest", **{"is": "current"}),
        push(),
        expect(**{"is": "failed", "because": ["tag"]}),
    )
    assert failed(entries) == []


async def test_a_push_goes_where_images_come_from_unless_that_may_be_several() -> None:
    assert failed(await run(policy_of({}, environments=("dev", "staging")), {"push": {"image": V1}})) == []
    [(text,)] = failed(await run(policy_of({}), {"push": {"image": V1}}))
    assert text == f"{UNEXPECTED}: images may be pushed to dev or prod: say `to`"


async def test_an_image_that_no_rule_is_for_is_told() -> None:
    policy = policy_of({"tags": ["v*"]})
    entries = await run(policy, push("shop/web:main"), expect("shop/web:main", **{"is": "refused"}))
    assert "23 09:00:00 event dev: no rule leads shop/web:main on from here" in told(entries)
    assert failed(entries) == []


async def test_a_verdict_that_no_rule_counts_is_told() -> None:
    typo = {"report": {"gate": "unit-test", "image": V1, "in": "dev"}}
    assert told(await run(GATED, push(), typo))[-1] == (
        "23 09:00:01 event no rule asks for gate unit-test in dev, so it decides nothing; "
        "asked for there: unit-tests"
    )


async def test_what_others_push_to_a_target_is_drift() -> None:
    entries = await run(OPEN, push(), {"push": {"image": V2, "to": "staging"}})
    assert told(entries)[-1].endswith("staging: shop/web:v2 was pushed by others: drift")


async def test_what_is_refused_must_be_expected_and_what_is_expected_must_be_refused() -> None:
    by_hand = {"promote": {"image": V1, "to": "staging", "from": "dev"}}
    assert failed(await run(GATED, push(), by_hand | {"refused": "waits for gate"})) == []
    [(text, expected)] = failed(await run(GATED, push(), by_hand | {"refused": "is on hold"}))
    assert text.startswith("it is refused, but with other words: waits for gate unit-tests")
    assert expected == '- is refused with "is on hold"'
    [(text,)] = failed(await run(GATED, push(), by_hand))
    assert text.startswith(f"{UNEXPECTED}: waits for gate")
    [(text, _)] = failed(await run(GATED, push() | {"refused": "no"}))
    assert text == "it is not refused"


async def test_an_unknown_environment_is_what_fails_and_the_rest_goes_on() -> None:
    entries = await run(
        OPEN,
        {"push": {"image": V1, "to": "qa"}},
        {"expect": {"image": V1, "in": "qa", "is": "current"}},
        push(),
        runs("v1"),
    )
    assert len(failed(entries)) == 2
    assert all("no environment 'qa'" in "".join(each) for each in failed(entries))
    assert entries[-1].sort == "met"


async def test_whoever_is_named_has_the_roles_that_are_named_and_nobody_else_lacks_any() -> None:
    policy = policy_of({"approvals": {"count": 1}})
    people = {"ann": ["Promoter.Operator"], "bob": ["Promoter.Approver"], "ci": ["Promoter.Reporter"]}

    def ask(word: str, by: str, **more: object) -> dict[str, Any]:
        return {word: {"image": V1, "to": "staging", "by": by, **more}}

    line = {"repository": "shop/web", "in": "staging"}
    entries = await run(
        policy,
        push(),
        {"report": {"gate": "scan", "image": V1, "in": "dev", "by": "ann"}, "refused": "Promoter.Reporter"},
        {"report": {"gate": "scan", "image": V1, "in": "dev", "by": "ci", "issuer": "trivy"}},
        ask("promote", "bob") | {"refused": "Promoter.Operator"},
        ask("promote", "ann", override=["approval"]) | {"refused": "Promoter.Admin"},
        {"hold": {**line, "by": "bob"}, "refused": "Promoter.Operator"},
        {"hold": {**line, "by": "ann"}},
        {"unhold": {**line, "by": "bob"}, "refused": "Promoter.Operator"},
        {"unhold": {**line, "by": "ann"}},
        ask("promote", "ann"),
        ask("approve", "ann") | {"refused": "Promoter.Approver"},
        ask("reject", "bob", comment="too early"),
        expect(**{"is": "refused", "because": ["approval"], "says": "too early"}),
        ask("withdraw", "bob"),
        ask("approve", "bob"),
        expect(**{"is": "current"}),
        {"push": {"image": V2, "to": "dev"}},
        ask("promote", "anybody", image=V2, override=["approval"], reason="now"),
        expect(V2, **{"is": "current"}),
        {"rollback": {**line, "by": "bob", "to": "v1"}, "refused": "Promoter.Operator"},
        {"rollback": {**line, "by": "ann", "to": "v3"}, "refused": "was never promoted to staging"},
        {"rollback": {**line, "by": "ann", "to": "v1"}},
        runs("v1", onHold=True),
        expect(V2, **{"is": "refused", "because": ["veto"], "for": ["approval", "automatic", "hold"]}),
        people=people,
    )
    assert failed(entries) == []


async def test_what_runs_already_is_adopted_and_a_promotion_of_it_says_so() -> None:
    entries = await run(
        OPEN,
        {"push": {"image": V1, "to": "staging"}},
        {"adopt": {"image": V1, "in": "staging"}},
        runs("v1"),
        push(sameAs=V1),
        {"promote": {"image": V1, "to": "staging"}},
    )
    assert failed(entries) == []
    assert told(entries)[-1].endswith("event staging: shop/web:v1 runs there already")


async def test_who_may_come_from_two_places_has_to_say_from_where() -> None:
    policy = policy_of(
        {"name": "one", "to": "prod", "approvals": {}},
        {"name": "two", "from": "staging", "to": "prod", "approvals": {}},
    )
    opinion = {"image": V1, "to": "prod"}
    entries = await run(
        policy,
        push(),
        {"approve": opinion, "refused": "shop/web:v1 may come from dev or staging: say `from`"},
        {"approve": opinion | {"image": "shop/web:v1", "to": "dev"}, "refused": "no rule leads"},
        {"approve": opinion | {"from": "dev"}},
        {"expect": {"image": V1, "in": "prod", "from": "dev", "is": "waiting", "for": ["automatic"]}},
    )
    assert failed(entries) == []


async def test_an_image_from_outside_the_tenant_comes_by_its_push_too() -> None:
    hub = {"name": "hub", "loginServer": "docker.io"}
    prod = {"name": "prod", "registry": registry_id("prod")}
    rule = {
        "name": "in",
        "from": "hub",
        "to": "prod",
        "repositories": ["**"],
        "tags": ["*"],
        "automatic": True,
    }
    policy = convert({"environments": [hub, prod], "rules": [rule]}, Policy)
    entries = await run(
        policy, {"push": {"image": V1}}, {"expect": {"image": V1, "in": "prod", "is": "current"}}
    )
    assert failed(entries) == []


IMAGES = st.sampled_from([V1, V2, "shop/web:v1.5.0", "shop/api:v1"])
PLACES = st.sampled_from(["dev", "staging", "prod"])
STEPS = st.one_of(
    st.builds(lambda image, to: {"push": {"image": image, "to": to}}, IMAGES, PLACES),
    st.builds(lambda image, a, b: {"push": {"image": image, "to": a, "sameAs": b}}, IMAGES, PLACES, IMAGES),
    st.builds(
        lambda image, place, verdict: {
            "report": {"gate": "unit-tests", "image": image, "in": place, "verdict": verdict}
        },
        IMAGES,
        PLACES,
        st.sampled_from(["passed", "failed"]),
    ),
    st.builds(
        lambda word, image, to: {word: {"image": image, "to": to}},
        st.sampled_from(["promote", "approve", "reject", "withdraw"]),
        IMAGES,
        PLACES,
    ),
    st.builds(
        lambda word, place: {word: {"repository": "shop/web", "in": place}},
        st.sampled_from(["hold", "unhold", "rollback"]),
        PLACES,
    ),
    st.builds(lambda image, place: {"adopt": {"image": image, "in": place}}, IMAGES, PLACES),
    st.builds(lambda time: {"wait": time}, st.sampled_from(["1m", "3h", "8d"])),
    st.builds(
        lambda image, place: {"expect": {"image": image, "in": place, "is": "current"}}, IMAGES, PLACES
    ),
)
EVERYTHING = policy_of(
    {"name": "a", "gates": [{"name": "unit-tests", "maxAge": "7d"}], "soak": "2h", "automatic": True},
    {
        "name": "b",
        "from": "staging",
        "to": "prod",
        "tags": {"semver": "*"},
        "approvals": {"count": 1, "maxAge": "1d"},
        "freeze": [{"name": "night", "start": "0 20 * * *", "duration": "10h"}],
        "automatic": True,
        "track": "versions",
    },
    {"name": "c", "from": "dev", "to": "prod"},
)


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=25))
async def test_whatever_happens_a_simulation_comes_to_its_end_and_time_goes_on(
    steps: list[dict[str, Any]],
) -> None:
    entries = await run(EVERYTHING, *steps)
    times = [each.at for each in entries]
    assert times == sorted(times)
    assert {each.step for each in entries if each.sort == "step"} == {
        number for number, step in enumerate(steps, 1) if not set(step) & {"wait", "expect"}
    }
