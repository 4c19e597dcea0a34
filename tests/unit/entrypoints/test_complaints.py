"""What is wrong with a request is said in JSON's words, all at once, with the path to it."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from promoter.application.approve import ApprovalWanted
from promoter.application.promote import Wanted
from promoter.application.take_gate_result import GateReport
from promoter.domain.errors import InvalidError
from promoter.entrypoints.complaints import convert_query, decode_request
from promoter.entrypoints.routes import ROUTES, DecisionQuery

REPORT = {
    "repository": "shop/web",
    "tag": "v1",
    "environment": "dev",
    "gate": "unit-tests",
    "verdict": "passed",
}
WANTED = {"repository": "shop/web", "tag": "v1", "to": "prod"}


def complaint(document: object, type_: type[msgspec.Struct]) -> tuple[str, str | None]:
    with pytest.raises(InvalidError) as caught:
        decode_request(json.dumps(document), type_)
    return str(caught.value), caught.value.field


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"gate": 7}, "gate", "expected a string, and this is a number"),
        ({"gate": 7.5}, "gate", "expected a string, and this is a number"),
        ({"gate": None}, "gate", "expected a string, and this is null"),
        ({"gate": True}, "gate", "expected a string, and this is true or false"),
        ({"gate": []}, "gate", "expected a string, and this is an array"),
        ({"repository": {}}, "repository", "expected a string, and this is an object"),
        ({"repository": None}, "repository", "expected a string, and this is null"),
        ({"repository": 7}, "repository", "expected a string, and this is a number"),
        ({"issuer": 7}, "issuer", "expected a string or null, and this is a number"),
        ({"verdict": "ok"}, "verdict", "'ok' is none of passed, failed"),
        ({"verdict": "x" * 500}, "verdict", "'" + "x" * 79 + " is none of passed, failed"),
        ({"at": "yesterday"}, "at", "expected a time such as 2026-11-23T17:00:00Z"),
        ({"at": 5}, "at", "expected a time such as 2026-11-23T17:00:00Z or null, and this is a number"),
        ({"verdikt": "passed"}, "verdikt", "`verdikt` is not known here; did you mean verdict?"),
        (
            {"colour": 1},
            "colour",
            f"`colour` is not known here; known are {', '.join(GateReport.__struct_encode_fields__)}",
        ),
    ],
)
def test_what_does_not_fit_is_told_in_the_words_of_json(
    changes: dict[str, object], field: str, message: str
) -> None:
    assert complaint(REPORT | changes, GateReport) == (message, field)


def test_everything_that_is_missing_is_told_at_once() -> None:
    assert complaint({}, Wanted) == ("`repository` and `to` are missing", "repository")
    assert complaint({"to": "prod"}, Wanted) == ("`repository` is missing", "repository")
    assert complaint({"gate": "x"}, GateReport) == (
        "`repository`, `environment` and `verdict` are missing",
        "repository",
    )
    assert complaint(WANTED | {"override": {}}, Wanted) == (
        "`conditions` and `reason` are missing",
        "override.conditions",
    )


@pytest.mark.parametrize(
    ("override", "field", "message"),
    [
        ({"conditions": ["soak"]}, "reason", "`reason` is missing"),
        ({"conditions": "x", "reason": "x"}, "conditions", "expected an array, and this is a string"),
        ({"conditions": [1], "reason": ""}, "conditions[0]", "expected a string, and this is a number"),
        (
            {"conditions": [], "reason": "x", "why": 1},
            "why",
            "`why` is not known here; known are conditions, reason",
        ),
        ("soak", "", "expected an object or null, and this is a string"),
    ],
)
def test_the_path_leads_to_what_is_wrong(override: object, field: str, message: str) -> None:
    path = f"override.{field}".rstrip(".")
    assert complaint(WANTED | {"override": override}, Wanted) == (message, path)


@pytest.mark.parametrize(
    ("document", "kind"), [([], "an array"), (None, "null"), ("x", "a string"), (7, "a number")]
)
def test_a_body_that_is_no_object_is_told(document: object, kind: str) -> None:
    assert complaint(document, ApprovalWanted) == (f"expected an object, and this is {kind}", None)


def test_a_parameter_of_a_query_is_told_too() -> None:
    good = {"repository": "shop/web", "to": "prod"}
    for changes, message, field in (
        ({"wait": "long"}, "expected a whole number, and this is a string", "wait"),
        ({"wait": "61"}, "expected a whole number of at most 60", "wait"),
        ({"wait": "-1"}, "expected a whole number of at least 0", "wait"),
        ({"tags": "v1"}, "`tags` is not known here; did you mean tag?", "tags"),
    ):
        with pytest.raises(InvalidError) as caught:
            convert_query(good | changes, DecisionQuery)
        assert (str(caught.value), caught.value.field) == (message, field)
    with pytest.raises(InvalidError, match="`repository` and `to` are missing"):
        convert_query({}, DecisionQuery)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from([route.body for route in ROUTES.values()]), st.data())
def test_whatever_is_asked_it_is_taken_or_told_without_the_names_of_pythons_types(
    type_: type[msgspec.Struct], data: st.DataObject
) -> None:
    names = st.sampled_from([*type_.__struct_encode_fields__, "x"])
    document = data.draw(st.dictionaries(names, st.just("v1") | JSON, max_size=6) | JSON)
    try:
        decode_request(json.dumps(document), type_)
    except InvalidError as error:
        text = str(error).replace("`x`", "")
        assert not any(f"`{name}`" in text for name in ("str", "int", "array", "object", "null", "bool"))
        assert "Expected" not in text


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_whatever_a_message_is_only_the_typed_error_comes_of_it(text: str | bytes) -> None:
    with contextlib.suppress(InvalidError):
        decode_request(text, GateReport)
