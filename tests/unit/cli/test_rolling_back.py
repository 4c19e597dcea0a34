"""rollback: what it shows before, what it does, and what it says where it cannot."""

import json
from typing import Any

import pytest

from tests.unit.cli.conftest import Desk
from tests.unit.cli.samples import FAILED, ID, MET, decision, record

POST = "POST /rollbacks"
EARLIER = "prod~shop:web~9999999999.main"
LINE = {"repository": "shop/web", "environment": "prod"}
TEXT = "prod shop/web (main) would go back from v2 to v1"


def plan(outcome: str = "qualified", *conditions: dict[str, Any], **more: object) -> dict[str, Any]:
    """What a dry run answers."""
    return {
        "dryRun": True,
        "text": TEXT,
        "record": record(id=EARLIER, tag="v1"),
        "decision": decision(outcome, *(conditions or (MET,))),
        **more,
    }


def test_with_yes_it_is_one_call_by_record_or_by_repository(desk: Desk) -> None:
    desk.api.put(POST, record("pending", kind="rollback", tag="v1"), 202)
    assert desk.run("rollback", EARLIER, "--yes", "--reason", "slow").code == 0
    ended = desk.run("rollback", "shop/web", "--in", "prod", "--track", "1.x", "--yes")
    assert ended.code == 0
    assert ended.out.startswith("shop/web:v1 to prod: rollback pending")
    assert [each.body for each in desk.api.requests] == [
        {"record": EARLIER, "reason": "slow"},
        {**LINE, "track": "1.x"},
    ]


def test_a_person_sees_what_would_happen_and_gets_just_that(desk: Desk) -> None:
    desk.api.put(POST, plan())
    desk.api.put(POST, record("pending", kind="rollback", tag="v1"), 202)
    desk.api.put(f"GET /promotions/{ID}", record(kind="rollback", tag="v1"))
    desk.types("y", "it is slow")
    ended = desk.run("rollback", "shop/web", "--in", "prod", "--wait")
    assert ended.code == 0
    assert ended.err.startswith(f"{TEXT}\nRoll prod back to shop/web:v1? [y/N]:")
    assert "rollback succeeded" in ended.out
    rehearsed, done = desk.api.asked(POST)
    assert rehearsed.body == {**LINE, "dryRun": True}
    assert done.body == {"record": EARLIER, "reason": "it is slow"}


def test_without_a_yes_only_the_dry_run_was_made(desk: Desk) -> None:
    desk.api.put(POST, plan())
    desk.types("n")
    ended = desk.run("rollback", EARLIER, "--reason", "slow")
    assert ended.code == 1
    assert [each.body["dryRun"] for each in desk.api.requests] == [True]


def test_what_cannot_be_rolled_back_is_not_asked_about(desk: Desk) -> None:
    desk.api.put(POST, plan("refused", FAILED, text="cannot be rolled back"))
    desk.types()
    ended = desk.run("rollback", EARLIER)
    assert ended.code == 1
    assert ended.err.startswith("Error: cannot be rolled back\n  ✘ refused")


@pytest.mark.parametrize(("outcome", "code"), [("qualified", 0), ("refused", 1)])
def test_a_dry_run_needs_no_yes_and_ends_by_what_would_be(desk: Desk, outcome: str, code: int) -> None:
    desk.api.put(POST, plan(outcome))
    ended = desk.run("rollback", "shop/web", "--in", "prod", "--dry-run")
    assert (ended.code, ended.out) == (code, f"{TEXT}\n")
    assert json.loads(desk.run("rollback", EARLIER, "--dry-run", "--json").out) == plan(outcome)


@pytest.mark.parametrize("said", ["Object contains unknown field `dryRun`", "`dryRun` is not known here"])
def test_an_older_server_that_knows_no_dry_run_is_named(desk: Desk, said: str) -> None:
    desk.api.put_problem(POST, 400, said)
    desk.types()
    ended = desk.run("rollback", EARLIER)
    assert ended.code == 2
    assert f"the Promoter at {desk.api.url} may be older than this command line" in ended.err
