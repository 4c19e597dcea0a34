"""Calls, and what goes wrong with them: each ends in one message and an exit code."""

import json
import socket

import pytest

from promoter import __version__
from tests.fakes.api import page
from tests.unit.cli.conftest import Desk
from tests.unit.cli.samples import FAILED, GATE, ID, decision, record

PROMOTE = ("promote", "shop/web:v2", "--to", "prod", "--yes")
POST = "POST /promotions"


def test_a_write_says_which_program_it_comes_from_and_can_be_asked_twice(desk: Desk) -> None:
    desk.api.put(POST, record("pending"), 202)
    desk.run(*PROMOTE)
    desk.run(*PROMOTE)
    first, second = (each.headers for each in desk.api.requests)
    assert first["X-Promoter-Client"] == "promoter"
    assert first["User-Agent"] == f"promoter/{__version__}"
    assert len(first["Idempotency-Key"]) == 32
    assert first["Idempotency-Key"] != second["Idempotency-Key"]


def test_what_was_lost_on_the_way_is_asked_again_under_the_same_key(desk: Desk) -> None:
    desk.api.put(POST, cut=True)
    desk.api.put_problem(POST, 503, "storage is down", Retry_After="7")
    desk.api.put(POST, "<html>", 502)
    desk.api.put(POST, record("pending"), 202)
    ended = desk.run(*PROMOTE)
    assert ended.code == 0
    assert len({each.headers["Idempotency-Key"] for each in desk.api.requests}) == 1
    assert desk.pauses == [1.0, 7.0, 4.0]
    assert "storage is down; trying again in 7 s" in ended.err


def test_a_call_that_is_still_being_carried_out_is_asked_for_its_answer(desk: Desk) -> None:
    desk.api.put(POST, cut=True)
    running = {"type": "urn:promoter:problem:still-running", "Retry_After": "2"}
    desk.api.put_problem(POST, 409, "the first call is still being carried out", **running)
    desk.api.put(POST, record("pending"), 202)
    ended = desk.run(*PROMOTE)
    assert (ended.code, desk.pauses) == (0, [1.0, 2.0])


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, "what is wrong. Report it."), (409, "what is wrong"), (400, "what is wrong")],
)
def test_what_to_do_is_told_where_it_is_not_to_ask_for_something_else(
    desk: Desk, status: int, said: str
) -> None:
    desk.api.put_problem("GET /candidates", status, "what is wrong", remedy="Report it.")
    assert desk.run("candidates").err == f"Error: {said}\n"


@pytest.mark.parametrize(
    ("call", "command"),
    [("promotions", "history"), ("decisions", "explain"), ("environments", "status"), ("candidates",) * 2],
)
def test_what_the_server_calls_by_its_own_name_is_told_as_the_command(
    desk: Desk, call: str, command: str
) -> None:
    told = f"there is none; GET /api/{call} lists them"
    desk.api.put_problem(f"GET /promotions/{ID}", 404, told, field="id")
    assert desk.run("show", ID).err == f"Error: there is none; `promoter {command}` lists them\n"


def test_whoever_is_not_known_is_told_how_to_sign_in(desk: Desk) -> None:
    desk.api.put_problem("GET /candidates", 401, "the platform names no caller", remedy="Sign in.")
    ended = desk.run("candidates")
    assert ended.code == 5
    assert ended.err.startswith("Error: the platform names no caller: sign in by a function's key (--key")


def test_after_a_few_times_it_is_given_up(desk: Desk) -> None:
    desk.api.put_problem(POST, 503, "storage is down")
    ended = desk.run(*PROMOTE)
    assert ended.code == 4
    assert desk.pauses == [1.0, 2.0, 4.0]
    assert ended.err.endswith("Error: storage is down\n")


def test_nobody_is_kept_waiting_for_longer_than_half_a_minute(desk: Desk) -> None:
    desk.api.put_problem(POST, 503, "the registry is throttled", Retry_After="31")
    ended = desk.run(*PROMOTE)
    assert (ended.code, desk.pauses) == (4, [])


def test_what_only_looks_is_not_asked_again_but_where_it_waits(desk: Desk) -> None:
    desk.api.put_problem("GET /environments", 503, "storage is down")
    assert (desk.run("status").code, desk.pauses) == (4, [])

    route = f"GET /promotions/{ID}"
    desk.api.put(route, record("importing"))
    desk.api.put(route, cut=True)
    desk.api.put(route, record())
    assert (desk.run("show", ID, "--wait").code, desk.pauses) == (0, [1.0])


def test_a_server_that_is_not_there_is_named(desk: Desk) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    ended = desk.run("status", url=url)
    assert ended.code == 4
    assert ended.err == f"Error: {url} cannot be reached: connection refused\n"


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 2), (403, 5), (404, 6), (409, 1), (413, 1), (429, 4), (500, 1), (503, 4), (504, 4)],
)
def test_each_problem_is_one_message_and_an_exit_code(desk: Desk, status: int, code: int) -> None:
    desk.api.put_problem("GET /candidates", status, "what is wrong")
    ended = desk.run("candidates")
    assert (ended.code, ended.out, ended.err) == (code, "", "Error: what is wrong\n")


def test_the_offending_field_is_named(desk: Desk) -> None:
    desk.api.put_problem(POST, 400, "'V 1' is not a tag", field="tag")
    ended = desk.run(*PROMOTE)
    assert (ended.code, ended.err) == (2, "Error: tag: 'V 1' is not a tag\n")
    desk.api.put_problem(POST, 400, "X-Promoter-Actor is a name", field="X-Promoter-Actor")
    desk.run(*PROMOTE)
    assert desk.run(*PROMOTE).err == "Error: X-Promoter-Actor is a name\n"


def test_all_problems_of_a_server_that_is_not_ready_are_listed(desk: Desk) -> None:
    desk.api.put_problem(
        "GET /candidates", 503, "Promoter is not ready", problems=["rules: none", "x: unset"]
    )
    ended = desk.run("candidates")
    assert ended.err == "Error: Promoter is not ready\n  rules: none\n  x: unset\n"


def test_a_refusal_tells_its_conditions_and_a_script_gets_the_document(desk: Desk) -> None:
    desk.api.put_problem(POST, 409, "gate failed", decision=decision("refused", FAILED, GATE))
    ended = desk.run(*PROMOTE, "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["decision"]["outcome"] == "refused"
    assert ended.err.startswith("Error: gate failed\n  ✘ refused")
    assert GATE["text"] in ended.err


def test_a_refusal_for_what_may_still_come_is_another_exit_code(desk: Desk) -> None:
    desk.api.put_problem(POST, 409, GATE["text"], decision=decision("waiting", GATE))
    ended = desk.run(*PROMOTE)
    assert ended.code == 3
    assert ended.err.startswith(f"Not yet: {GATE['text']}\n  … not yet")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (401, 5, "does not let you in (401): sign in"),
        (403, 5, "does not let you in (403): sign in"),
        (302, 5, "does not let you in (302): sign in"),
        (404, 6, "does not know this call (404): check --url"),
        (418, 1, "answered 418"),
        (503, 4, "answered 503"),
    ],
)
def test_what_the_platform_answers_in_place_of_promoter_is_told_with_what_to_do(
    desk: Desk, status: int, code: int, said: str
) -> None:
    desk.api.put("GET /candidates", "<html>", status, Location="https://login.example.com")
    ended = desk.run("candidates")
    assert ended.code == code
    assert said in ended.err


@pytest.mark.parametrize("document", ["<html>hello</html>", "[]", "", b"\xff\xfe"])
def test_an_answer_of_something_else_is_not_taken_for_promoters(desk: Desk, document: str | bytes) -> None:
    desk.api.put("GET /candidates", document)
    ended = desk.run("candidates")
    assert ended.code == 1
    assert "not Promoter's: check --url" in ended.err


def test_control_characters_of_an_answer_do_not_reach_the_terminal(desk: Desk) -> None:
    desk.api.put_problem("GET /candidates", 409, "a\x1b]0;title\x07b\u202ec")
    assert desk.run("candidates").err == "Error: a\\x1b]0;title\\x07b\\u202ec\n"
    desk.api.put("GET /promotions", page(record(actor={"name": "\x1b[31mann\n\x1b[2J"})))
    out = desk.run("history").out
    assert "\\x1b[31mann\\n\\x1b[2J" in out
    assert "\x1b" not in out
