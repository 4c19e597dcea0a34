"""The runtime's contract: every function as Azure's own worker library indexes it, against a table.

What that library does not check itself is checked here: schedules, names, and the settings that they need.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localhost.host.ncrontab import Schedule
from promoter.entrypoints.routes import ROUTES

ROOT = Path(__file__).parents[3]
STORAGE = "PromoterStorage"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,126}")
_QUEUE = re.compile(r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]")
_SETTING = re.compile(r"%([^%]+)%")

type Bindings = dict[str, dict[str, Any]]


def queue(name: str) -> dict[str, Any]:
    return {"direction": "IN", "type": "queueTrigger", "queueName": name, "connection": STORAGE}


def http(method: str, route: str, level: str = "FUNCTION") -> dict[str, Any]:
    trigger = {"direction": "IN", "type": "httpTrigger", "authLevel": level}
    return trigger | {"methods": [method], "route": route}


def every_method(route: str) -> dict[str, Any]:
    return {"direction": "IN", "type": "httpTrigger", "authLevel": "ANONYMOUS", "route": route}


WAKE: Bindings = {
    "wake": {"direction": "OUT", "type": "queue", "queueName": "promoter-work", "connection": STORAGE}
}
ANSWER: Bindings = {"$return": {"direction": "OUT", "type": "http"}}
EVENT_GRID = {"direction": "IN", "type": "eventGridTrigger"}
TIMER = {"direction": "IN", "type": "timerTrigger", "schedule": "%PROMOTER_RECONCILE_SCHEDULE%"}

FUNCTIONS: dict[str, Bindings] = {
    "image_pushed": {"event": EVENT_GRID} | WAKE,
    "quality_gate": {"message": queue("quality-gates")} | WAKE,
    "quality_gate_poison": {"message": queue("quality-gates-poison")},
    "advance": {"message": queue("promoter-work")} | WAKE,
    "advance_poison": {"message": queue("promoter-work-poison")},
    "reconcile": {"timer": TIMER} | WAKE,
    "promote": {"req": http("POST", "promotions")} | WAKE | ANSWER,
    "retry": {"req": http("POST", "promotions/{id}/retry")} | WAKE | ANSWER,
    "abort": {"req": http("POST", "promotions/{id}/abort")} | ANSWER,
    "roll_back": {"req": http("POST", "rollbacks")} | WAKE | ANSWER,
    "adopt": {"req": http("POST", "adoptions")} | WAKE | ANSWER,
    "report_gate": {"req": http("POST", "gates")} | WAKE | ANSWER,
    "approve": {"req": http("POST", "approvals")} | WAKE | ANSWER,
    "hold": {"req": http("PUT", "holds/{environment}/{repository}")} | ANSWER,
    "unhold": {"req": http("DELETE", "holds/{environment}/{repository}")} | WAKE | ANSWER,
    "history": {"req": http("GET", "promotions")} | ANSWER,
    "show": {"req": http("GET", "promotions/{id}")} | ANSWER,
    "environments": {"req": http("GET", "environments")} | ANSWER,
    "candidates": {"req": http("GET", "candidates")} | ANSWER,
    "decide": {"req": http("GET", "decisions")} | ANSWER,
    "health": {"req": http("GET", "health", "ANONYMOUS")} | ANSWER,
    "unknown": {"req": every_method("{*path}")} | ANSWER,
    "openapi": {"req": http("GET", "openapi.json")} | ANSWER,
    "docs": {"req": http("GET", "docs")} | ANSWER,
    "dashboard": {"req": http("GET", "dashboard", "ANONYMOUS")} | ANSWER,
    "health_details": {"req": http("GET", "health/details")} | ANSWER,
}


@dataclass(frozen=True)
class Indexed:
    """What the worker library made of an app."""

    exit_code: int
    errors: str
    functions: dict[str, Bindings]
    names: list[str]


def index(app: Path, **settings: str) -> Indexed:
    """Index an app in a process of its own."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "tests.integration.runtime.index_app", str(app)],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    listing = json.loads(done.stdout) if done.returncode == 0 else []
    functions = {
        each["name"]: {binding.pop("name"): binding for binding in each["bindings"]} for each in listing
    }
    return Indexed(done.returncode, done.stderr, functions, [each["name"] for each in listing])


@pytest.fixture(scope="module")
def indexed() -> Indexed:
    found = index(ROOT)
    assert found.exit_code == 0, found.errors
    return found


@pytest.fixture(scope="module")
def settings() -> dict[str, str]:
    sample: dict[str, dict[str, str]] = json.loads((ROOT / "local.settings.sample.json").read_text())
    return sample["Values"]


def test_the_app_has_exactly_these_functions(indexed: Indexed) -> None:
    assert indexed.functions
    assert sorted(indexed.names) == sorted(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_exactly_these_bindings(indexed: Indexed, name: str) -> None:
    assert indexed.functions[name] == FUNCTIONS[name]


def test_names_are_ones_that_azure_takes_and_differ_by_more_than_case(indexed: Indexed) -> None:
    assert [name for name in indexed.names if not _NAME.fullmatch(name)] == []
    assert len({name.lower() for name in indexed.names}) == len(indexed.names)


def test_queues_are_ones_that_azure_takes_and_each_has_its_poison_queue_read(indexed: Indexed) -> None:
    bindings = [binding for each in indexed.functions.values() for binding in each.values()]
    queues = {binding["queueName"] for binding in bindings if "queueName" in binding}
    assert [name for name in queues if not _QUEUE.fullmatch(name)] == []
    read = {binding["queueName"] for binding in bindings if binding["type"] == "queueTrigger"}
    assert {f"{name}-poison" for name in read if not name.endswith("-poison")} <= read
    assert queues == read


def test_no_two_functions_answer_the_same_request(indexed: Indexed) -> None:
    requests = [
        (method, re.sub(r"{[^}]*}", "{}", binding["route"]))
        for each in indexed.functions.values()
        for binding in each.values()
        if binding["type"] == "httpTrigger"
        for method in binding.get("methods", ["any other"])
    ]
    assert len(set(requests)) == len(requests)


def test_the_table_of_routes_lists_what_the_app_registers_and_nothing_else(indexed: Indexed) -> None:
    registered = {
        name: (binding.get("methods"), binding["route"])
        for name, each in indexed.functions.items()
        for binding in each.values()
        if binding["type"] == "httpTrigger"
    }
    assert registered.pop("unknown") == (None, "{*path}")
    assert {name: ([route.method], route.path) for name, route in ROUTES.items()} == registered


def levels(found: Indexed) -> dict[str, str]:
    bindings = ((name, binding) for name, each in found.functions.items() for binding in each.values())
    return {name: binding["authLevel"] for name, binding in bindings if binding["type"] == "httpTrigger"}


def test_only_what_admits_anybody_is_open_without_a_key(indexed: Indexed) -> None:
    found, for_anybody = levels(indexed), {"health", "dashboard"}
    assert {name for name, level in found.items() if level != "FUNCTION"} == for_anybody | {"unknown"}
    assert {name for name, route in ROUTES.items() if route.needs is None} == for_anybody


@pytest.mark.parametrize(("enabled", "level"), [("True", "ANONYMOUS"), ("False", "FUNCTION")])
def test_no_key_is_asked_for_only_where_the_platform_signs_callers_in(enabled: str, level: str) -> None:
    found = index(ROOT, PROMOTER_AUTH="entra", WEBSITE_AUTH_ENABLED=enabled)
    assert set(levels(found).values()) == {level, "ANONYMOUS"}


def test_every_setting_that_a_binding_names_is_in_the_sample(
    indexed: Indexed, settings: dict[str, str]
) -> None:
    text = json.dumps(indexed.functions)
    connections = set(re.findall(r'"connection": "([^"]+)"', text))
    needed = set(_SETTING.findall(text)) | connections
    assert needed == {"PROMOTER_RECONCILE_SCHEDULE", STORAGE}
    assert needed <= settings.keys()


def test_schedules_are_ncrontab(indexed: Indexed, settings: dict[str, str]) -> None:
    texts = [
        _SETTING.sub(lambda found: settings[found[1]], binding["schedule"])
        for each in indexed.functions.values()
        for binding in each.values()
        if binding["type"] == "timerTrigger"
    ]
    assert texts
    for text in texts:
        assert len(text.split()) == 6
        Schedule.parse(text)


def test_host_json_holds_what_the_queues_rely_on() -> None:
    host = json.loads((ROOT / "host.json").read_text())
    queues = host["extensions"]["queues"]
    assert queues["messageEncoding"] == "none"
    assert queues["visibilityTimeout"] == "00:00:30"
    assert queues["maxPollingInterval"] == "00:00:02"
    assert queues["maxDequeueCount"] == 5
    assert host["extensions"]["http"]["routePrefix"] == "api"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import azure.functions as func\napp = func.FunctionApp()\n", "has no functions"),
        ("import nothing_of_that_name\n", "No module named 'nothing_of_that_name'"),
        (None, "was not found, or has no functions"),
    ],
)
def test_an_app_without_functions_is_an_error_and_no_empty_list(
    tmp_path: Path, source: str | None, error: str
) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    if source is not None:
        (tmp_path / "function_app.py").write_text(source)
    found = index(tmp_path)
    assert found.exit_code != 0
    assert error in found.errors
