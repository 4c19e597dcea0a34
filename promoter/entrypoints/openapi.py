"""The OpenAPI 3.1 description, made of the table of routes and of the types that it names.

Imported only where it is asked for: no other call pays for it.
"""

import re
from functools import cache
from typing import Any

from promoter import __version__
from promoter.application.idempotency import FIELD
from promoter.application.paging import Page
from promoter.domain.image import MAX_REPOSITORY, REPOSITORY
from promoter.entrypoints.answers import JSON
from promoter.entrypoints.callers import CLIENT
from promoter.entrypoints.problem_types import INTERNAL, PREFIX, PROBLEM_TYPES
from promoter.entrypoints.problems import KIND, ProblemView
from promoter.entrypoints.prose import INTRODUCTION, PROSE
from promoter.entrypoints.routes import ROUTES, AnyRoute, Nothing
from promoter.entrypoints.schemas import REFERENCE, Schemas, attributes
from promoter.entrypoints.views import RecordView

_PROBLEM = f"{REFERENCE}Problem"
_ALWAYS = (400, 401, 403, 500, 503)
_NOT_FOUND, _OF_WRITES = (404,), (409, 413, 422)
_IN_PATH: dict[str, dict[str, Any]] = {
    "id": {"description": "The record's id, as a list or a promotion has answered it."},
    "environment": {"description": "The environment's name."},
    "repository": {
        "description": "The repository's name, with `:` for `/`.",
        "schema": {
            "type": "string",
            "pattern": f"^(?:{REPOSITORY.pattern.replace('/', ':')})$",
            "maxLength": MAX_REPOSITORY,
        },
    },
}
_EXAMPLES = {"id": "prod~shop:web~9999999998.main", "environment": "prod", "repository": "shop:web"}
_LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where to look at it again."}}
_RETRY_AFTER = {
    "Retry-After": {"schema": {"type": "string"}, "description": "After how many seconds to look again."}
}
_ETAG = {"ETag": {"schema": {"type": "string"}, "description": "Changes with what is shown."}}
_SECURITY: dict[str, Any] = {
    "entra": {
        "type": "http",
        "scheme": "bearer",
        "description": "PROMOTER_AUTH=entra: a token of Microsoft Entra for this app.",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "x-functions-key",
        "description": "PROMOTER_AUTH=keys: the key of that function, or of the app.",
    },
}


@cache
def description() -> dict[str, Any]:
    """The whole description, as plain JSON."""
    types = [type_ for route in ROUTES.values() for answer in route.answers.values() for type_ in answer]
    taken = [
        type_ for route in ROUTES.values() for type_ in (route.query, route.body) if type_ is not Nothing
    ]
    schemas = Schemas([*taken, *types, ProblemView])
    queries = {schemas.of(route.query)["$ref"] for route in ROUTES.values() if route.query is not Nothing}
    paths: dict[str, Any] = {}
    for route in ROUTES.values():
        paths.setdefault(f"/{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Promoter",
            "version": __version__,
            "summary": "Carries container images from environment to environment.",
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api"}],
        "tags": [{"name": group} for group in dict.fromkeys(prose.group for prose in PROSE.values())],
        "security": [{"entra": []}, {"key": []}, {}],
        "paths": paths,
        "components": {
            "schemas": {
                name: schema
                for name, schema in schemas.components.items()
                if f"{REFERENCE}{name}" not in queries
            },
            "securitySchemes": _SECURITY,
        },
        "x-problem-types": [
            {
                "type": PREFIX + each.name,
                "status": each.status,
                "title": each.title,
                "remedy": each.remedy,
            }
            for each in (*PROBLEM_TYPES, INTERNAL)
        ],
    }


def _operation(route: AnyRoute, schemas: Schemas) -> dict[str, Any]:
    prose = PROSE[route.name]
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [prose.group],
        "summary": prose.summary,
        "description": prose.text,
        "parameters": [*_path_parameters(route), *_query_parameters(route, schemas), *_headers(route)],
        "responses": _responses(route, schemas),
        "x-needs": route.needs or "nothing",
    }
    if route.needs is None:
        operation["security"] = [{}]
    if route.body is not Nothing:
        content = {"schema": schemas.of(route.body), **({"example": prose.example} if prose.example else {})}
        required = bool(schemas.whole(route.body).get("required"))
        operation["requestBody"] = {"required": required, "content": {JSON: content}}
    return operation


def _path_parameters(route: AnyRoute) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "example": _EXAMPLES[name],
            **_IN_PATH[name],
        }
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query_parameters(route: AnyRoute, schemas: Schemas) -> list[dict[str, Any]]:
    if route.query is Nothing:
        return []
    whole, said = schemas.whole(route.query), attributes(route.query)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in whole.get("required", ()),
            "schema": _without_null(schema),
            **({"description": said[name]} if name in said else {}),
        }
        for name, schema in whole["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a parameter that may be left out: in a query nothing is null, and nothing is empty."""
    options = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    found: dict[str, Any] = options[0] if options else schema
    kept = {key: value for key, value in found.items() if key != "description"}
    return {**kept, "minLength": 1} if kept.get("type") == "string" else kept


def _headers(route: AnyRoute) -> list[dict[str, Any]]:
    if not route.changes:
        return []
    client = "Your program's name. Needed wherever a browser could have sent the call."
    key = "Any text of your own, such as a UUID: the same call with the same key is carried out once."
    return [
        {
            "name": CLIENT,
            "in": "header",
            "description": client,
            "schema": {"type": "string"},
            "example": "curl",
        },
        {
            "name": FIELD,
            "in": "header",
            "description": key,
            "schema": {"type": "string", "pattern": "^[!-~]+$", "minLength": 1, "maxLength": 255},
        },
    ]


def _responses(route: AnyRoute, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, types in route.answers.items():
        found[str(status)] = {"description": _says(status), "headers": _answer_headers(route, status)}
        if types:
            found[str(status)]["content"] = _content(types, schemas)
        if links := _links(types):
            found[str(status)]["links"] = links
    if not route.changes and route.needs is not None:
        found["304"] = {"description": "It has not changed since it had the ETag of If-None-Match."}
    problems = (*_ALWAYS, *_NOT_FOUND, *(_OF_WRITES if route.changes else ()))
    if route.needs is None:
        problems = (400, 500)
    for status in sorted(problems):
        content = {KIND: {"schema": {"$ref": _PROBLEM}}}
        found.setdefault(str(status), {"description": _of_problems(status), "content": content})
    return found


def _links(types: tuple[object, ...]) -> dict[str, Any]:
    """Where what is answered can be taken to."""
    at = {RecordView: "/id", Page[RecordView]: "/items/0/id"}
    pointer = next((at[type_] for type_ in types if type_ in at), None)
    if pointer is None:
        return {}
    parameters = {"id": f"$response.body#{pointer}"}
    return {name: {"operationId": name, "parameters": parameters} for name in ("show", "retry", "abort")}


def _content(types: tuple[object, ...], schemas: Schemas) -> dict[str, Any]:
    if types == (str,):
        return {"text/html": {"schema": {"type": "string"}}}
    found = [schemas.of(type_) for type_ in types]
    return {JSON: {"schema": found[0] if len(found) == 1 else {"anyOf": found}}}


def _answer_headers(route: AnyRoute, status: int) -> dict[str, Any]:
    if not route.changes:
        waits = _RETRY_AFTER if "wait" in route.query.__struct_encode_fields__ else {}
        return {**_ETAG, **waits} if status == 200 and route.needs is not None else {}  # noqa: PLR2004 - OK
    return {**_LOCATION, **_RETRY_AFTER} if "wait" in route.query.__struct_encode_fields__ else {}


def _says(status: int) -> str:
    return {
        200: "As it is now.",
        202: "Taken; what it starts goes on in the background.",
        204: "Done.",
        503: "It does not run.",
    }[status]


def _of_problems(status: int) -> str:
    titles = [each.title for each in (*PROBLEM_TYPES, INTERNAL) if each.status == status]
    return "; or: ".join(titles) + "."
