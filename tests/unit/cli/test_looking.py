"""status, candidates, history, show and explain."""

import json
import re

import pytest

from tests.fakes.api import page
from tests.unit.cli.conftest import Desk
from tests.unit.cli.samples import DIGEST, FAILED, GATE, ID, MET, SOAK, candidate, decision, line, record

STATE = [
    "on hold, 1 h ago, by ann: rolled back",
    "2 under way",
    "sha256:ffffffffffff is vetoed, 2 min ago",
    "drift, 24 h ago: pushed v9 sha256:0123456789ab",
]
HOLD = {"reason": "rolled back", "actor": {"name": "ann"}, "at": "2026-11-24T17:00:00Z"}


def test_status_says_what_runs_where_and_what_is_the_matter_there(desk: Desk) -> None:
    veto = {"digest": "sha256:" + "f" * 64, "record": ID, "at": "2026-11-24T17:58:00Z"}
    drift = {"change": "pushed", "digest": DIGEST, "at": "2026-11-23T18:00:00Z", "tag": "v9"}
    busy = line(hold=HOLD, inFlight=2, vetoes=[veto], drift=[drift])
    desk.api.put("GET /environments", page(line(environment="staging", current=None), busy))

    ended = desk.run("status")

    assert ended.code == 0
    rows = ended.out.splitlines()
    assert rows[0].split() == ["ENVIRONMENT", "REPOSITORY", "CURRENT", "DIGEST", "STATE"]
    assert rows[1].split() == ["staging", "shop/web", "-", "-", "-"]
    assert rows[2].split()[:4] == ["prod", "shop/web", "v1", "sha256:0123456789ab"]
    assert all(row.endswith(each) for row, each in zip(rows[2:], STATE, strict=True))


def test_status_says_since_when_and_by_whom_where_the_server_does(desk: Desk) -> None:
    known = line()["current"] | {"since": "2026-11-24T16:00:00Z", "actor": {"name": "ann\x1b"}}
    desk.api.put("GET /environments", page(line(current=known)))
    assert desk.run("status").out.splitlines()[1].endswith("sha256:0123456789ab  came 2 h ago, by ann\\x1b")


def test_status_of_one_repository_or_environment_shows_nothing_else(desk: Desk) -> None:
    both = line(), line(track="1.x")
    desk.api.put("GET /environments", page(both[0], cursor="next"))
    desk.api.put("GET /environments", page(both[1]))
    ended = desk.run("status", "shop/web", "--in", "prod", "--json")
    assert json.loads(ended.out) == page(*both)
    where = {"repository": "shop/web", "environment": "prod"}
    assert [each.query for each in desk.api.requests] == [where, {**where, "cursor": "next"}]
    assert "shop/web (track 1.x)" in desk.run("status").out


def test_status_of_what_is_unknown_says_so(desk: Desk) -> None:
    desk.api.put("GET /environments", page())
    ended = desk.run("status", "shop/none", "--in", "prod")
    assert ended.code == 6
    assert "knows nothing of shop/none in prod" in ended.err


@pytest.mark.parametrize(
    ("command", "route", "text"),
    [
        ("status", "GET /environments", "Nothing runs anywhere"),
        ("candidates", "GET /candidates", "Nothing waits"),
        ("history", "GET /promotions", "Nothing has been promoted"),
    ],
)
def test_an_empty_list_is_said_in_words_and_is_no_failure(
    desk: Desk, command: str, route: str, text: str
) -> None:
    desk.api.put(route, page())
    ended = desk.run(command)
    assert (ended.code, ended.out.startswith(text)) == (0, True)
    assert json.loads(desk.run(command, "--json").out) == page()


def test_candidates_say_what_they_wait_for_and_until_when(desk: Desk) -> None:
    asked = {"actor": {"name": "ann"}, "at": "2026-11-24T18:00:00Z"}
    desk.api.put("GET /candidates", page(candidate(GATE, SOAK, requested=asked)))
    ended = desk.run("candidates", "shop/web", "--to", "prod")
    assert desk.api.requests[0].query == {"repository": "shop/web", "environment": "prod"}
    assert "30 min ago" in ended.out
    assert GATE["text"] in ended.out
    assert "has to soak (in 1 h 48 min)" in ended.out
    assert "asked for by ann" in ended.out
    assert MET["text"] not in ended.out


def test_history_is_read_in_pages_as_far_as_is_wanted(desk: Desk) -> None:
    desk.api.put("GET /promotions", page(*[record()] * 100, cursor="a"))
    desk.api.put("GET /promotions", page(*[record("failed")] * 20, cursor="b"))
    ended = desk.run("history", "shop/web", "--in", "prod", "--limit", "120")
    assert ended.code == 0
    assert ended.out.count(ID) == 120
    assert "--cursor b" in ended.out
    where = {"repository": "shop/web", "environment": "prod"}
    assert [each.query for each in desk.api.requests] == [
        {**where, "limit": "100"},
        {**where, "limit": "20", "cursor": "a"},
    ]


def test_history_says_who_did_what_when(desk: Desk) -> None:
    desk.api.put("GET /promotions", page(record("importing"), record()))
    ended = desk.run("history", "--active")
    assert desk.api.requests[0].query == {"active": "true", "limit": "20"}
    _, under_way, over = ended.out.splitlines()
    assert re.split("  +", under_way) == ["10 min ago", "shop/web:v2", "manual importing", "ann", ID]
    assert "manual succeeded" in over
    assert over.startswith("9 min ago ")


def test_on_a_narrow_terminal_nothing_that_is_copied_is_cut(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promoter.cli.session._WIDE", 60)
    name = "payments/checkout-service"
    desk.api.put("GET /environments", page(line(repository=name, environment="production-eu", hold=HOLD)))
    desk.api.put("GET /promotions", page(record(repository=name)))
    status, history = desk.run("status").out, desk.run("history").out
    assert "…" not in status + history
    assert "sha256:0123456789ab" in status
    assert ID in "".join(row.split()[-1] for row in history.splitlines()[1:])


def test_a_record_is_shown_whole(desk: Desk) -> None:
    failure = {"code": "tag-conflict", "message": "v2 is taken"}
    desk.api.put(f"GET /promotions/{ID}", record("failed", failure=failure, rollbackOf="prod~earlier"))
    ended = desk.run("show", ID)
    assert ended.code == 0
    facts = (ID, "shop/web:v2", DIGEST, "from staging", "manual failed", "v2 is taken (tag-conflict)", "ann")
    for fact in (*facts, "it is time", "after 3 s", "prod~earlier", "rule staging-to-prod", MET["text"]):
        assert fact in ended.out


def test_json_is_the_answer_of_the_api_and_nothing_else(desk: Desk) -> None:
    document = record(new={"field": [1]}, reason="wo läuft es?")
    desk.api.put(f"GET /promotions/{ID}", document)
    ended = desk.run("show", ID, "--json")
    assert json.loads(ended.out) == document
    assert (ended.out.count("\n"), ended.err) == (1, "")
    assert "läuft" in ended.out


def test_show_waits_and_says_meanwhile_how_it_goes(desk: Desk) -> None:
    route = f"GET /promotions/{ID}"
    for phase in ("pending", "pending", "importing", "failed"):
        desk.api.put(route, record(phase))
    ended = desk.run("show", ID, "--wait", "9", "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["phase"] == "failed"
    assert [each.query for each in desk.api.requests] == [{}, *[{"wait": "9"}] * 3]
    said = ended.err.splitlines()
    assert [each.split(",")[0] for each in said] == [
        "shop/web:v2 to prod: manual pending",
        "shop/web:v2 to prod: manual importing",
    ]
    assert desk.pauses == [1.0, 1.0]  # this server does not wait; it is not asked again at once


@pytest.mark.parametrize(
    "said", ["Object contains unknown field `wait`", "wait: `wait` is not known here; known are none at all"]
)
def test_a_server_that_does_not_know_how_to_wait_is_asked_again_and_again(desk: Desk, said: str) -> None:
    route = f"GET /promotions/{ID}"
    desk.api.put(route, record("pending"))
    desk.api.put_problem(route, 400, said)
    desk.api.put(route, record("importing"))
    desk.api.put(route, record())
    ended = desk.run("show", ID, "--wait", "9")
    assert ended.code == 0
    assert [each.query for each in desk.api.requests] == [{}, {"wait": "9"}, {}, {}]


def test_a_wait_that_has_run_out_is_no_failure_and_no_success(desk: Desk) -> None:
    desk.api.put(f"GET /promotions/{ID}", record("importing"))
    ended = desk.run("show", ID, "--wait", "0")
    assert ended.code == 3
    assert "manual importing" in ended.out


@pytest.mark.parametrize(
    ("outcome", "state", "code", "words"),
    [
        ("qualified", MET, 0, "✔ met"),
        ("waiting", SOAK, 3, "… not yet"),
        ("refused", FAILED, 1, "✘ refused"),
        ("new", {**MET, "state": "odd"}, 3, "? odd"),
    ],
)
def test_explain_tells_every_condition_and_ends_by_the_outcome(
    desk: Desk, outcome: str, state: dict[str, str], code: int, words: str
) -> None:
    found = decision(outcome, MET, state, earliest=state.get("earliest"))
    desk.api.put("GET /decisions", found)
    ended = desk.run("explain", "shop/web:v2", "--to", "prod", "--from", "staging")
    assert ended.code == code
    assert desk.api.requests[0].query == {
        "repository": "shop/web",
        "tag": "v2",
        "to": "prod",
        "from": "staging",
    }
    assert ended.out.startswith(f"shop/web:v2 to prod: {outcome} (rule staging-to-prod)\n")
    assert MET["text"] in ended.out
    assert words in ended.out
    assert ("in 1 h 48 min" in ended.out) == (state is SOAK)
    assert json.loads(desk.run("explain", "shop/web:v2", "--to", "prod", "--json").out) == found


def test_explain_shows_the_evidence_that_a_gate_gave(desk: Desk) -> None:
    evidence = {"issuer": "ci", "evidence": "12 of 12", "url": "https://ci.example.com/1"}
    desk.api.put("GET /decisions", decision("qualified", {**MET, "evidence": evidence}))
    ended = desk.run("explain", f"shop/web:v2@{DIGEST}", "--to", "prod")
    assert ended.out.splitlines()[2].strip() == "12 of 12 · https://ci.example.com/1"
    assert desk.api.requests[0].query == {"repository": "shop/web", "digest": DIGEST, "to": "prod"}


def test_explain_says_what_was_overridden_and_it_no_longer_stands_in_the_way(desk: Desk) -> None:
    said = [{"decision": "rejected", "actor": {"name": "bob"}}]
    overridden = {**FAILED, "evidence": said, "overridden": True}
    desk.api.put("GET /decisions", decision("qualified", overridden))
    ended = desk.run("explain", "shop/web:v2", "--to", "prod")
    assert ended.out.splitlines()[1:] == [f"  ! overridden  {FAILED['text']}"]
    desk.api.put("GET /candidates", page(candidate(decision=decision("waiting", overridden, SOAK))))
    ended = desk.run("candidates")
    assert FAILED["text"] not in ended.out


def test_explain_says_until_when_a_condition_is_as_it_is(desk: Desk) -> None:
    until = {**MET, "until": "2026-11-24T18:30:00Z"}
    desk.api.put("GET /decisions", decision("waiting", until, {**SOAK, "until": "2026-12-24T18:00:00Z"}))
    said = desk.run("explain", "shop/web:v2", "--to", "prod").out
    assert re.search(r"as v2 \(until .*, in 30 min\)", said)
    assert re.search(r"has to soak \(from .*, in 1 h 48 min; until .*, in 30 days\)", said)


def test_explain_waits_until_the_decision_does_not(desk: Desk) -> None:
    desk.api.put("GET /decisions", decision("waiting", GATE))
    desk.api.put("GET /decisions", decision("waiting", GATE))
    desk.api.put("GET /decisions", decision("qualified", MET))
    ended = desk.run("explain", "shop/web:v2", "--to", "prod", "--wait")
    assert ended.code == 0
    assert ended.err == f"waiting: {GATE['text']}\n"
    assert [each.query.get("wait") for each in desk.api.requests] == [None, "20", "20"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("shop/web", "names no image"),
        ("shop/web:", "names no image"),
        (":v1", "names no image"),
        ("shop/web@", "names no image"),
        ("devacr.azurecr.io:443/shop/web:v1", "registry in front"),
    ],
)
def test_what_is_no_image_is_told_before_anything_is_asked(desk: Desk, typed: str, said: str) -> None:
    ended = desk.run("explain", typed, "--to", "prod")
    assert (ended.code, desk.api.requests) == (2, [])
    assert said in ended.err
