"""The API's description: valid, and true to the routes, the types and the answers."""

import json
import subprocess
import sys
from html import escape
from html.parser import HTMLParser
from typing import Any, override

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from promoter.domain.codec import decode
from promoter.entrypoints.docs_page import SECURITY, _inline, page
from promoter.entrypoints.openapi import description
from promoter.entrypoints.problem_types import PROBLEM_TYPES
from promoter.entrypoints.prose import PROSE
from promoter.entrypoints.requests import read_query
from promoter.entrypoints.routes import ROUTES, Nothing
from promoter.entrypoints.schemas import Schemas
from tests.fakes.world import WEB
from tests.unit.application.stories import in_flight, qualified, released
from tests.unit.entrypoints.running import Functions, call, read, request


def operations() -> dict[str, dict[str, Any]]:
    found = [each for methods in description()["paths"].values() for each in methods.values()]
    return {each["operationId"]: each for each in found}


def fits(value: object, schema: dict[str, Any]) -> list[str]:
    """What of a value does not fit a schema of the description."""
    whole = {**schema, "components": description()["components"]}
    checker = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in checker.iter_errors(value)]


def test_it_is_valid_openapi_3_1() -> None:
    assert description()["openapi"] == "3.1.0"
    validate(description())
    json.dumps(description())


def test_it_describes_every_route_and_no_other() -> None:
    described = {
        (method.upper(), path.removeprefix("/"), each["operationId"])
        for path, methods in description()["paths"].items()
        for method, each in methods.items()
    }
    assert described == {(route.method, route.path, route.name) for route in ROUTES.values()}
    assert PROSE.keys() == ROUTES.keys()


@pytest.mark.parametrize("name", [name for name, prose in PROSE.items() if prose.example])
def test_the_example_of_each_call_is_one_that_it_takes(name: str) -> None:
    route, example = ROUTES[name], PROSE[name].example
    assert example is not None
    if route.body is Nothing:
        params = {key: str(value) for key, value in example.items()}
        read_query(request("GET", "x", params=params), route.query)
    else:
        decode(json.dumps(example), route.body)
        assert fits(example, operations()[name]["requestBody"]["content"]["application/json"]["schema"]) == []


def test_every_call_says_who_may_make_it_and_every_field_what_it_is() -> None:
    for name, operation in operations().items():
        assert operation["x-needs"] == (ROUTES[name].needs or "nothing")
        assert operation["summary"]
        assert operation["description"].endswith(".")
        for parameter in operation["parameters"]:
            assert parameter["description"], (name, parameter["name"])
    schemas = description()["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema["description"]] == []
    for name in {route.body.__name__ for route in ROUTES.values() if route.body is not Nothing}:
        properties = schemas[name]["properties"].items()
        assert [field for field, schema in properties if not schema.get("description")] == [], name
    assert "in JSON)" not in json.dumps(schemas)


def test_times_are_told_as_times() -> None:
    schemas = description()["components"]["schemas"]
    assert schemas["Record"]["properties"]["createdAt"]["format"] == "date-time"
    time = {"type": "string", "format": "date-time"}
    assert time in schemas["Record"]["properties"]["completedAt"]["anyOf"]
    assert "format" not in json.dumps(schemas["Record"]["properties"]["reason"])


def test_what_a_docstring_says_of_a_field_is_told_with_the_field() -> None:
    class Child(msgspec.Struct, rename="camel"):
        """Some words.

        Attributes:
            some_thing: What it is,
                at length.
        """

        some_thing: int

    assert Schemas([Child]).components["Child"] == {
        "title": "Child",
        "description": "Some words.",
        "type": "object",
        "properties": {"someThing": {"type": "integer", "description": "What it is, at length."}},
        "required": ["someThing"],
    }
    [limit] = [each for each in operations()["history"]["parameters"] if each["name"] == "limit"]
    assert limit["description"].startswith("At most that many")
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}


async def test_what_is_answered_is_what_is_described(functions: Functions) -> None:
    world = functions.world
    image = await qualified(world, "v1")
    await world.run()
    await released(world, "v2")
    await in_flight(world, "v3")
    await world.push("v4")
    line = {"environment": "prod", "repository": WEB}
    report = {"repository": WEB, "digest": image, "environment": "dev", "gate": "scan", "verdict": "failed"}
    asked: list[tuple[str, object, dict[str, str]]] = [
        ("environments", None, {}),
        ("history", None, {}),
        ("candidates", None, {}),
        ("show", None, {}),
        ("decide", None, {"repository": WEB, "tag": "v2", "to": "prod"}),
        ("report_gate", report, {}),
        ("promote", {"repository": WEB, "tag": "v2", "to": "staging"}, {}),
        ("promote", {"repository": WEB, "tag": "v9", "to": "staging"}, {}),
        ("promote", {}, {}),
        ("roll_back", line | {"dryRun": True}, {}),
        ("roll_back", line, {}),
        ("roll_back", {"record": "prod~shop:web~9999999997.main"}, {}),
        ("adopt", line | {"tag": "v2"}, {}),
        ("hold", {"reason": "x"}, {}),
        ("unhold", None, {}),
        ("retry", None, {}),
        ("abort", None, {}),
        ("approve", {"repository": WEB, "digest": image, "rule": "x", "decision": "approve"}, {}),
        ("health", None, {}),
        ("health_details", None, {}),
        ("openapi", None, {}),
    ]
    statuses = set()
    for name, body, params in asked:
        answer = await call(functions, name, body, params=params)
        described = operations()[name]["responses"][str(answer.status_code)]
        statuses.add(answer.status_code)
        contents = described.get("content", {})
        assert (answer.mimetype in contents) is bool(answer.get_body()), (name, answer.status_code)
        if answer.get_body():
            assert fits(read(answer), contents[answer.mimetype]["schema"]) == [], name
    assert statuses == {200, 202, 204, 400, 404, 409}


def test_every_kind_of_problem_is_listed_with_what_to_do() -> None:
    listed = {each["type"]: each for each in description()["x-problem-types"]}
    assert len(listed) == len(PROBLEM_TYPES) + 1
    for each in PROBLEM_TYPES:
        found = listed[f"urn:promoter:problem:{each.name}"]
        assert (found["status"], found["remedy"]) == (each.status, each.remedy)
        described = {status for operation in operations().values() for status in operation["responses"]}
        assert str(each.status) in described | {"405"}, "a method that does not exist is of no call"


def test_nobody_pays_for_the_description_who_does_not_ask_for_it() -> None:
    program = "import sys, function_app; print(*sorted(each for each in sys.modules if 'promoter' in each))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603
    loaded = set(done.stdout.split())
    assert "promoter.entrypoints.handlers" in loaded
    only_here = {"openapi", "docs_page", "dashboard", "prose", "schemas"}
    assert loaded & {f"promoter.entrypoints.{each}" for each in only_here} == set()


async def test_both_descriptions_are_served(functions: Functions) -> None:
    answer = await call(functions, "openapi")
    assert (answer.status_code, read(answer)) == (200, json.loads(json.dumps(description())))
    answer = await call(functions, "docs")
    assert (answer.mimetype, answer.get_body().decode()) == ("text/html", page())
    assert answer.headers["Content-Security-Policy"] == SECURITY


class Checker(HTMLParser):
    """Reads a page, and keeps what it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.attributes: set[str] = set()
        self.tags: set[str] = set()

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        self.attributes |= values.keys()
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name == "href" and value]
        if tag not in {"meta", "link", "br"}:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_shows_every_call_and_loads_and_runs_nothing() -> None:
    text, checker = page(), Checker()
    checker.feed(text)
    assert checker.open == []
    assert len(set(checker.ids)) == len(checker.ids)
    assert set(checker.links) - {"openapi.json"} <= {f"#{each}" for each in checker.ids}
    assert checker.tags & {"script", "link", "img", "iframe", "form", "object", "base"} == set()
    assert not any(name.startswith("on") or name in {"src", "style"} for name in checker.attributes)
    assert "@import" not in text
    assert "url(" not in text
    for name, prose in PROSE.items():
        assert name in checker.ids
        assert escape(prose.summary) in text
    for name in description()["components"]["schemas"]:
        assert f"type-{name}" in checker.ids


def test_whatever_is_told_is_escaped() -> None:
    assert _inline("<b>&`<i>`**<u>**") == "&lt;b&gt;&amp;<code>&lt;i&gt;</code><strong>&lt;u&gt;</strong>"
