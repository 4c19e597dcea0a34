"""promote, retry, abort and adopt."""

import json

import pytest

from tests.fakes.api import page
from tests.unit.cli.conftest import Desk
from tests.unit.cli.samples import (
    DIGEST,
    FAILED,
    GATE,
    ID,
    MET,
    SOAK,
    candidate,
    condition,
    decision,
    line,
    record,
)

POST = "POST /promotions"
PROMOTE = ("promote", "shop/web:v2", "--to", "prod")
WANTED = {"repository": "shop/web", "tag": "v2", "to": "prod"}


def test_a_promotion_that_is_under_way_is_done_as_far_as_was_asked(desk: Desk) -> None:
    desk.api.put(POST, record("pending"), 202)
    ended = desk.run(*PROMOTE, "--yes", "--reason", "it is time", "--from", "staging")
    assert ended.code == 0
    assert ended.out == f"shop/web:v2 to prod: manual pending (record {ID})\n"
    [request] = desk.api.requests
    assert request.body == {**WANTED, "reason": "it is time", "from": "staging"}


def test_an_image_is_promoted_by_digest_and_conditions_are_overridden_by_name(desk: Desk) -> None:
    desk.api.put(POST, record("pending"), 202)
    image = f"shop/web@{DIGEST}"
    override = ("--override", "soak", "--override", "freeze")
    desk.run("promote", image, "--to", "prod", "-y", *override, "--reason", "on fire")
    assert desk.api.requests[0].body == {
        "repository": "shop/web",
        "digest": DIGEST,
        "to": "prod",
        "reason": "on fire",
        "override": {"conditions": ["soak", "freeze"], "reason": "on fire"},
    }
    ended = desk.run("promote", image, "--to", "prod", "-y", *override)
    assert ended.code == 2
    assert "--reason" in ended.err


def test_what_runs_there_already_is_said_to(desk: Desk) -> None:
    desk.api.put(POST, record())
    ended = desk.run(*PROMOTE, "--yes", "--wait")
    assert ended.code == 0
    assert ended.out.startswith("prod runs shop/web:v2 already")


@pytest.mark.parametrize(("phase", "code"), [("succeeded", 0), ("failed", 1), ("superseded", 1)])
def test_with_wait_the_exit_code_says_how_the_promotion_has_ended(desk: Desk, phase: str, code: int) -> None:
    failure = None if phase == "succeeded" else {"code": "x", "message": "v2 is another image in prod"}
    desk.api.put(POST, record("pending"), 202)
    desk.api.put(f"GET /promotions/{ID}", record(phase, failure=failure))
    ended = desk.run(*PROMOTE, "--yes", "--wait")
    assert ended.code == code
    assert f"manual {phase}" in ended.out
    assert ("v2 is another image" in ended.out) == (code == 1)


def test_where_only_time_is_missing_the_candidate_is_shown_and_the_exit_code_says_so(desk: Desk) -> None:
    requested = {"actor": {"name": "ann"}, "at": "2026-11-24T18:00:00Z"}
    desk.api.put(POST, candidate(SOAK, requested=requested), 202)
    desk.api.put(POST, candidate(SOAK), 202)
    assert "asked for by ann: it goes ahead by itself" in desk.run(*PROMOTE, "--yes").out
    ended = desk.run(*PROMOTE, "--yes")
    assert ended.code == 3
    assert ended.out.startswith("shop/web:v2 to prod waiting: has to soak (in 1 h 48 min)")
    assert "it goes ahead by itself" not in ended.out
    assert json.loads(desk.run(*PROMOTE, "--yes", "--json").out) == candidate(SOAK)


def test_with_wait_it_is_asked_again_until_nothing_is_missing(desk: Desk) -> None:
    desk.api.put_problem(POST, 409, GATE["text"], decision=decision("waiting", GATE))
    desk.api.put(POST, candidate(SOAK), 202)
    desk.api.put(POST, record("pending"), 202)
    desk.api.put(f"GET /promotions/{ID}", record())
    ended = desk.run(*PROMOTE, "--yes", "--wait", "600")
    assert ended.code == 0
    assert desk.pauses == [10.0, 10.0]
    assert ended.err.splitlines()[0] == f"waiting: {GATE['text']}"
    assert "has to soak" in ended.err.splitlines()[1]


def test_a_request_that_goes_ahead_by_itself_is_followed_and_not_made_again(desk: Desk) -> None:
    requested = {"actor": {"name": "ann"}, "at": "2026-11-24T17:49:59Z"}
    older = record("failed", createdAt="2026-11-24T17:49:00Z")
    desk.api.put(POST, candidate(SOAK, requested=requested), 202)
    desk.api.put("GET /promotions", page(record(tag="v3"), older))
    desk.api.put("GET /promotions", page(record("importing"), older))
    desk.api.put(f"GET /promotions/{ID}", record())
    ended = desk.run(*PROMOTE, "--yes", "--wait", "600")
    assert ended.code == 0
    assert len(desk.api.asked(POST)) == 2
    assert desk.api.asked("GET /promotions")[0].query == {
        "environment": "prod",
        "repository": "shop/web",
        "limit": "20",
    }


def test_a_refusal_is_not_waited_for(desk: Desk) -> None:
    desk.api.put_problem(POST, 409, "gate failed", decision=decision("refused", FAILED))
    ended = desk.run(*PROMOTE, "--yes", "--wait")
    assert (ended.code, desk.pauses) == (1, [])


def test_a_request_that_somebody_rejects_is_not_waited_for_either(desk: Desk) -> None:
    rejected = condition("approval", "refused", "was rejected by bob")
    desk.api.put(POST, candidate(decision=decision("refused", SOAK, rejected)), 202)
    ended = desk.run(*PROMOTE, "--yes", "--wait")
    assert (ended.code, desk.pauses) == (1, [])
    assert "was rejected by bob" in ended.out


def test_when_the_wait_runs_out_the_last_answer_counts(desk: Desk) -> None:
    desk.api.put_problem(POST, 409, GATE["text"], decision=decision("waiting", GATE))
    assert desk.run(*PROMOTE, "--yes", "--wait", "0").code == 3
    desk.api.put(POST, candidate(SOAK), 202)
    desk.api.put(POST, candidate(SOAK), 202)
    ended = desk.run(*PROMOTE, "--yes", "--wait", "0")
    assert ended.code == 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--wait", "shop/web:v2"), 0),
        (("shop/web:v2", "--wait"), 0),
        (("--wait", "5", "shop/web:v2"), 0),
        (("--wait=5", "shop/web:v2"), 0),
        (("--wait=soon", "shop/web:v2"), 2),
    ],
)
def test_seconds_may_follow_wait_and_may_be_left_out(
    desk: Desk, arguments: tuple[str, ...], code: int
) -> None:
    desk.api.put(POST, record(), 202)
    assert desk.run("promote", *arguments, "--to", "prod", "--yes").code == code


def test_before_a_promotion_a_person_sees_what_it_would_change_and_says_yes(desk: Desk) -> None:
    by_hand = condition("automatic", "pending", "waits to be promoted by hand")
    desk.api.put("GET /environments", page(line()))
    desk.api.put("GET /decisions", decision("waiting", MET, by_hand))
    desk.api.put(POST, record("pending"), 202)
    desk.types("y")
    ended = desk.run(*PROMOTE)
    assert ended.code == 0
    assert "Promote shop/web:v2 to prod? [y/N]:" in ended.err
    assert MET["text"] in ended.err
    assert " v1 " in ended.err
    assert desk.api.asked("GET /environments")[0].query == {"environment": "prod", "repository": "shop/web"}
    assert by_hand["text"] not in ended.err
    assert ended.out.startswith("shop/web:v2 to prod: manual pending")


@pytest.mark.parametrize("answer", ["n", ""])
def test_without_a_yes_nothing_is_changed(desk: Desk, answer: str) -> None:
    desk.api.put("GET /environments", page())
    desk.api.put("GET /decisions", decision("qualified", MET))
    desk.types(answer)
    ended = desk.run(*PROMOTE)
    assert ended.code == 1
    assert ended.err.endswith("Error: nothing was changed\n")
    assert desk.api.asked(POST) == []


ASKS = [
    PROMOTE,
    ("retry", ID),
    ("rollback", ID, "--reason", "slow"),
    ("adopt", "shop/web:v1", "--in", "prod"),
    ("hold", "shop/web", "--in", "prod", "--reason", "slow"),
    ("unhold", "shop/web", "--in", "prod"),
    ("approve", f"shop/web@{DIGEST}", "--rule", "staging-to-prod"),
]


@pytest.mark.parametrize("command", ASKS, ids=[command[0] for command in ASKS])
def test_where_nobody_can_be_asked_nothing_is_done_and_the_missing_yes_is_named(
    desk: Desk, command: tuple[str, ...]
) -> None:
    ended = desk.run(*command)
    assert (ended.code, desk.api.requests) == (2, [])
    assert "--yes" in ended.err


def test_a_failed_promotion_is_tried_again(desk: Desk) -> None:
    desk.api.put(f"POST /promotions/{ID}/retry", record("pending", retryOf=ID, id="prod~new"), 202)
    desk.api.put("GET /promotions/prod~new", record())
    desk.types("y")
    ended = desk.run("retry", ID, "--wait")
    assert ended.code == 0
    assert f"Try {ID} again? [y/N]:" in ended.err


def test_what_has_not_started_is_stopped(desk: Desk) -> None:
    desk.api.put(f"POST /promotions/{ID}/abort", record("superseded"))
    ended = desk.run("abort", ID, "--reason", "not now")
    assert (ended.code, desk.api.requests[0].body) == (0, {"reason": "not now"})
    assert "manual superseded" in ended.out


def test_what_runs_today_is_adopted(desk: Desk) -> None:
    desk.api.put("POST /adoptions", record("pending", kind="adopted"), 202)
    desk.types("y")
    ended = desk.run("adopt", "shop/web:v1", "--in", "prod", "--reason", "first")
    assert ended.code == 0
    assert desk.api.requests[0].body == {
        "environment": "prod",
        "repository": "shop/web",
        "tag": "v1",
        "reason": "first",
    }
    assert "adopted pending" in ended.out
    ended = desk.run("adopt", f"shop/web@{DIGEST}", "--in", "prod", "--yes")
    assert ended.code == 2
    assert "by the tag" in ended.err
