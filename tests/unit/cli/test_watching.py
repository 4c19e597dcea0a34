"""watch: what happens, as it happens."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.fakes.api import page
from tests.unit.cli.conftest import Desk
from tests.unit.cli.samples import GATE, SOAK, candidate, record


def after(looks: int) -> Callable[[float], None]:
    """Presses Ctrl-C after so many looks."""
    left = looks

    def pause(_: float) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    return pause


def test_each_change_is_told_once_and_ctrl_c_ends_it_quietly(desk: Desk) -> None:
    old = record(id="prod~old")
    for found in ([candidate(GATE)], [candidate(SOAK)], [candidate(SOAK)], []):
        desk.api.put("GET /candidates", page(*found))
    desk.api.put("GET /promotions", page(old))
    desk.api.put("GET /promotions", page(old))
    desk.api.put("GET /promotions", page(record("importing"), old))
    desk.api.put("GET /promotions", page(record(), old))
    desk.around = replace(desk.around, pause=after(5))

    ended = desk.run("watch", "shop/web", "--in", "prod")

    assert (ended.code, ended.err) == (130, "\n")
    told = [each.partition("  ")[2] for each in ended.out.splitlines()]
    assert [each.split(",")[0].split(" (")[0] for each in told] == [
        f"shop/web:v2 to prod waiting: {GATE['text']}",
        "shop/web:v2 to prod waiting: has to soak",
        "shop/web:v2 to prod: manual importing",
        "shop/web:v2 to prod: manual succeeded after 3 s",
    ]
    where = {"repository": "shop/web", "environment": "prod"}
    assert desk.api.asked("GET /candidates")[0].query == where


def test_json_comes_as_a_line_each(desk: Desk) -> None:
    desk.api.put("GET /candidates", page(candidate()))
    desk.api.put("GET /promotions", page(record("pending")))
    desk.around = replace(desk.around, pause=after(2))
    ended = desk.run("watch", "--json")
    assert [json.loads(each) for each in ended.out.splitlines()] == [record("pending"), candidate()]


def test_it_goes_on_when_the_server_is_away_for_a_while(desk: Desk) -> None:
    desk.api.put("GET /candidates", page())
    desk.api.put_problem("GET /candidates", 503, "storage is down")
    desk.api.put_problem("GET /candidates", 503, "storage is down")
    desk.api.put("GET /candidates", page(candidate()))
    desk.api.put("GET /promotions", page())
    desk.around = replace(desk.around, pause=after(4))
    ended = desk.run("watch")
    assert ended.err.count("storage is down; looking again every 2 s") == 1
    assert "shop/web:v2 to prod waiting" in ended.out


@pytest.mark.parametrize(("status", "code"), [(503, 4), (403, 5)])
def test_a_server_that_was_never_there_is_not_waited_for(desk: Desk, status: int, code: int) -> None:
    desk.api.put_problem("GET /promotions", status, "no")
    assert desk.run("watch").code == code
