"""The API's description as one page: no script, nothing loaded, readable without a network."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from promoter.entrypoints.answers import JSON
from promoter.entrypoints.openapi import description
from promoter.entrypoints.problems import KIND as PROBLEM
from promoter.entrypoints.prose import PROSE
from promoter.entrypoints.schemas import REFERENCE

_STYLE = Path(__file__).with_name("docs.css").read_text()
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
SECURITY = "; ".join(
    (
        f"default-src 'none'; style-src 'sha256-{_HASH}'",
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
)
"""The page's content security policy: its own style sheet, and nothing else."""
_HEADERS = {"X-Promoter-Client", "Idempotency-Key"}


@cache
def page() -> str:
    """The whole page."""
    api = description()
    calls = [
        (method, path, operation)
        for path, methods in api["paths"].items()
        for method, operation in methods.items()
    ]
    groups = {
        tag["name"]: [call for call in calls if call[2]["tags"] == [tag["name"]]] for tag in api["tags"]
    }
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Promoter's API</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"{_navigation(groups)}<main>\n<h1>Promoter's API</h1>\n"
        f'<p class="sub">Version {escape(api["info"]["version"])}. '
        'For programs: <a href="openapi.json">openapi.json</a>.</p>\n'
        f"{_paragraphs(api['info']['description'])}"
        f"{''.join(_group(name, found) for name, found in groups.items())}"
        f"{_types(api['components']['schemas'])}{_problems(api['x-problem-types'])}"
        "</main>\n</body>\n</html>\n"
    )


def _navigation(groups: Mapping[str, list[tuple[str, str, dict[str, Any]]]]) -> str:
    parts = ["<nav>\n"]
    for name, calls in groups.items():
        links = "".join(
            f'<li><a href="#{each["operationId"]}">{escape(each["summary"])}</a></li>\n'
            for _, _, each in calls
        )
        parts.append(f"<h2>{escape(name)}</h2>\n<ul>\n{links}</ul>\n")
    more = '<li><a href="#types">Types</a></li>\n<li><a href="#problems">Errors</a></li>\n'
    parts.append(f"<h2>Reference</h2>\n<ul>\n{more}</ul>\n</nav>\n")
    return "".join(parts)


def _group(name: str, calls: Iterable[tuple[str, str, dict[str, Any]]]) -> str:
    return f"<h2>{escape(name)}</h2>\n" + "".join(_call(*call) for call in calls)


def _call(method: str, path: str, operation: dict[str, Any]) -> str:
    needs = operation["x-needs"]
    who = "for anybody" if needs == "nothing" else f"needs <code>{escape(needs)}</code>"
    return (
        f'<section class="call" id="{operation["operationId"]}">\n<header>'
        f'<span class="method {method}">{method.upper()}</span> <span class="path">/api{escape(path)}</span> '
        f'<span class="needs">{who}</span></header>\n<div>\n<h3>{escape(operation["summary"])}</h3>\n'
        f"{_paragraphs(operation['description'])}{_parameters(operation)}{_body(operation)}"
        f"<h4>For example</h4>\n<pre><code>{escape(_example(method, path, operation))}</code></pre>\n"
        f"<h4>Answers</h4>\n{_answers(operation)}</div>\n</section>\n"
    )


def _parameters(operation: dict[str, Any]) -> str:
    rows = [
        _row(each["name"], each["schema"], each.get("description", ""), required=each.get("required", False))
        for each in operation["parameters"]
        if each["name"] not in _HEADERS
    ]
    return f"<h4>Parameters</h4>\n{_table(rows)}" if rows else ""


def _body(operation: dict[str, Any]) -> str:
    if "requestBody" not in operation:
        return ""
    name = operation["requestBody"]["content"][JSON]["schema"]["$ref"].removeprefix(REFERENCE)
    return f"<h4>Body</h4>\n{_fields(description()['components']['schemas'][name])}"


def _fields(schema: dict[str, Any]) -> str:
    must = schema.get("required", ())
    return _table(
        _row(name, each, each.get("description", ""), required=name in must)
        for name, each in schema["properties"].items()
    )


def _answers(operation: dict[str, Any]) -> str:
    rows, errors = [], []
    for status, answer in operation["responses"].items():
        contents = answer.get("content", {})
        if PROBLEM in contents:
            errors.append(f"<code>{status}</code>")
            continue
        kinds = [_kind(content["schema"]) for kind, content in contents.items() if kind == JSON]
        shown = f'<span class="kind">{kinds[0]}</span>' if kinds else ""
        rows.append(
            f"<tr><th><code>{status}</code>{shown}</th><td>{escape(answer['description'])}</td></tr>\n"
        )
    told = 'A <a href="#problems">problem document</a>, which says what to do.'
    return _table([*rows, f"<tr><th>{' '.join(errors)}</th><td>{told}</td></tr>\n"])


def _example(method: str, path: str, operation: dict[str, Any]) -> str:
    """A command that makes the call, as it works on the local stack."""
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", parameter["example"])
    example = PROSE[operation["operationId"]].example or {}
    address = f"http://127.0.0.1:7071/api{path}"
    if method == "get":
        query = "&".join(f"{name}={value}" for name, value in example.items())
        return f"curl '{address}?{query}'" if query else f"curl {address}"
    verb = "" if method == "post" else f" -X {method.upper()}"
    command = f"curl{verb} {address} \\\n  -H 'X-Promoter-Client: curl'"
    if method == "post" and "requestBody" not in operation:
        return f"{command} -X POST"
    return f"{command} -d '{json.dumps(example, indent=2)}'" if "requestBody" in operation else command


def _types(schemas: Mapping[str, dict[str, Any]]) -> str:
    parts = ['<h2 id="types">Types</h2>\n']
    for name, schema in schemas.items():
        choices = ", ".join(f"<code>{escape(str(each))}</code>" for each in schema.get("enum", ()))
        inner = _fields(schema) if "properties" in schema else f"<p>One of {choices}.</p>\n"
        parts.append(
            f'<details id="type-{name}">\n<summary>{escape(name)}</summary>\n'
            f"{_paragraphs(schema.get('description', ''))}{inner}</details>\n"
        )
    return "".join(parts)


def _problems(types: Iterable[dict[str, Any]]) -> str:
    text = "<p>The <code>type</code> of each begins with <code>urn:promoter:problem:</code>.</p>\n"
    return f'<h2 id="problems">Errors</h2>\n{text}{_table(_problem(each) for each in types)}'


def _problem(each: dict[str, Any]) -> str:
    name = escape(each["type"].rpartition(":")[2])
    return (
        f'<tr id="problem-{name}"><th><code>{name}</code><span class="kind">{each["status"]}</span></th>'
        f"<td>{escape(each['title'])}. {_inline(each['remedy'])}</td></tr>\n"
    )


def _table(rows: Iterable[str]) -> str:
    return f"<table>\n{''.join(rows)}</table>\n"


def _row(name: str, schema: dict[str, Any], text: str, *, required: bool) -> str:
    must = ' <span class="must">needed</span>' if required else ""
    return (
        f'<tr><th><code>{escape(name)}</code>{must}<span class="kind">{_kind(schema)}</span></th>'
        f"<td>{_inline(text)}</td></tr>\n"
    )


def _kind(schema: dict[str, Any]) -> str:
    """What a value is, in a few words, with a link to its type."""
    if "$ref" in schema:
        name = escape(schema["$ref"].removeprefix(REFERENCE))
        return f'<a href="#type-{name}">{name}</a>'
    if "anyOf" in schema:
        kinds = [_kind(each) for each in schema["anyOf"] if each != {"type": "null"}]
        return " or ".join(kinds)
    if schema.get("type") == "array":
        return f"array of {_kind(schema['items'])}" if schema.get("items") else "array"
    return escape({"date-time": "time"}.get(schema.get("format", ""), str(schema.get("type", "anything"))))


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{_inline(each)}</p>\n" for each in text.strip().split("\n\n") if each)


def _inline(text: str) -> str:
    """Text with `code` and **strong** words; whatever else it holds is escaped."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", marked)
