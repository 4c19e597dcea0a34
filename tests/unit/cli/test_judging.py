"""report, approve, reject, withdraw, hold and unhold."""

import json
from typing import Any

import pytest

from tests.fakes.api import page
from tests.unit.cli.conftest import Desk
from tests.unit.cli.samples import DIGEST, SOAK, candidate, line

APPROVED = {"repository": "shop/web", "digest": DIGEST, "rule": "staging-to-prod"}


def report(**more: object) -> dict[str, Any]:
    result = {"environment": "dev", "gate": "unit-tests", "verdict": "passed", "at": "2026-11-24T18:00:00Z"}
    return {"repository": "shop/web", "digest": DIGEST, "result": result, **more}


def test_a_verdict_is_reported_with_all_that_is_known_of_it(desk: Desk) -> None:
    desk.api.put("POST /gates", report(), 202)
    more = (
        "--issuer",
        "ci",
        "--evidence",
        "12 of 12",
        "--link",
        "https://ci/1",
        "--at",
        "2026-11-24T18:00:00Z",
    )
    ended = desk.run("report", "shop/web:v1", "unit-tests", "passed", "--in", "dev", *more)
    assert (ended.code, ended.out) == (0, "unit-tests in dev passed: shop/web@sha256:0123456789ab\n")
    assert desk.api.requests[0].body == {
        "repository": "shop/web",
        "tag": "v1",
        "environment": "dev",
        "gate": "unit-tests",
        "verdict": "passed",
        "issuer": "ci",
        "evidence": "12 of 12",
        "url": "https://ci/1",
        "at": "2026-11-24T18:00:00Z",
    }


def test_what_the_reporter_should_know_is_said(desk: Desk) -> None:
    desk.api.put("POST /gates", report(note="no rule asks for unit-test"), 202)
    assert desk.run("report", "shop/web:v1", "unit-test", "passed", "--in", "dev").out.endswith(
        "\nno rule asks for unit-test\n"
    )


def test_a_verdict_is_passed_or_failed(desk: Desk) -> None:
    ended = desk.run("report", "shop/web:v1", "unit-tests", "green", "--in", "dev")
    assert (ended.code, desk.api.requests) == (2, [])
    assert "Invalid value for 'VERDICT': 'green' is not one of 'passed', 'failed'." in ended.err
    ended = desk.run("report", "shop/web:v1", "unit-tests", "--in", "dev")
    assert "Missing argument 'VERDICT'. Choose from:" in ended.err


def test_an_approval_is_for_the_digest_that_waits_and_shows_what_it_waits_for(desk: Desk) -> None:
    other = candidate(tag="v3", digest="sha256:" + "3" * 64)
    desk.api.put("GET /candidates", page(other, candidate(SOAK)))
    desk.api.put("POST /approvals", {"approved": True})
    desk.types("y")
    ended = desk.run("approve", "shop/web:v2", "--to", "prod", "--comment", "looks good")
    assert ended.code == 0
    assert "has to soak" in ended.err
    assert "Approve shop/web:v2 (sha256:0123456789ab) under rule staging-to-prod? [y/N]:" in ended.err
    [request] = desk.api.asked("POST /approvals")
    assert request.body == {**APPROVED, "decision": "approve", "comment": "looks good"}
    assert ended.out == "approved: shop/web:v2 (sha256:0123456789ab) under rule staging-to-prod\n"


@pytest.mark.parametrize("command", ["reject", "withdraw"])
def test_what_only_stops_is_not_asked_about(desk: Desk, command: str) -> None:
    desk.api.put("POST /approvals", {"document": 1})
    ended = desk.run(command, f"shop/web@{DIGEST}", "--rule", "staging-to-prod", "--json")
    assert (ended.code, json.loads(ended.out)) == (0, {"document": 1})
    [request] = desk.api.requests
    assert request.body == {**APPROVED, "decision": command}


def test_what_does_not_wait_cannot_be_approved_by_its_tag(desk: Desk) -> None:
    desk.api.put("GET /candidates", page(candidate(tag="v3")))
    ended = desk.run("approve", "shop/web:v2", "--to", "prod", "--yes")
    assert ended.code == 6
    assert "promoter candidates" in ended.err


def test_an_image_that_waits_under_several_rules_needs_one_named(desk: Desk) -> None:
    desk.api.put("GET /candidates", page(candidate(), candidate(rule="hotfix")))
    desk.api.put("POST /approvals", {})
    ended = desk.run("approve", "shop/web:v2", "--to", "prod", "--yes")
    assert (ended.code, desk.api.asked("POST /approvals")) == (2, [])
    assert "staging-to-prod, hotfix" in ended.err
    assert desk.run("approve", "shop/web:v2", "--to", "prod", "--rule", "hotfix", "--yes").code == 0
    assert desk.api.asked("POST /approvals")[0].body["rule"] == "hotfix"


def test_an_approval_by_tag_needs_the_environment(desk: Desk) -> None:
    ended = desk.run("approve", "shop/web:v2", "--yes")
    assert (ended.code, desk.api.requests) == (2, [])
    assert "--to" in ended.err


def test_a_line_is_held_and_let_go(desk: Desk) -> None:
    hold = {"reason": "inventory", "actor": {"name": "ann"}, "at": "2026-11-24T18:00:00Z"}
    desk.api.put("PUT /holds/prod/shop:web", line(hold=hold))
    desk.api.put("DELETE /holds/prod/shop:web", None, 204)
    desk.types("inventory", "y", "y")
    ended = desk.run("hold", "shop/web", "--in", "prod", "--track", "1.x")
    assert ended.code == 0
    assert "on hold, now, by ann: inventory" in ended.out
    assert desk.run("unhold", "shop/web", "--in", "prod").out == (
        "Automation may move shop/web in prod again.\n"
    )
    held, let_go = desk.api.requests
    assert (held.body, held.query) == ({"reason": "inventory"}, {"track": "1.x"})
    assert (let_go.body, let_go.query) == (None, {})
    assert desk.run("unhold", "shop/web", "--in", "prod", "--yes", "--json").out == ""


def test_a_hold_needs_a_reason_that_a_script_must_give(desk: Desk) -> None:
    ended = desk.run("hold", "shop/web", "--in", "prod", "--yes")
    assert (ended.code, desk.api.requests) == (2, [])
    assert "--reason" in ended.err
    desk.types("never asked for")
    assert desk.run("hold", "shop/web", "--in", "prod", "--yes").code == 2
