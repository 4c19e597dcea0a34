"""Route templates, without a server."""

import pytest

from localhost.host.errors import HostError
from localhost.host.functions import Binding, Function
from localhost.host.routes import Route, Routes, Template


def function(name: str, route: str = "", *methods: str) -> Function:
    trigger = Binding("req", "httpTrigger", {"route": route, "methods": list(methods)})
    return Function(name, name, trigger, {})


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("a/b", "/a/b", {}),
        ("a/b", "/A/B/", {}),
        ("a/{x}", "/a/1", {"x": "1"}),
        ("a/{x}", "/a/one%20two", {"x": "one two"}),
        ("a/{x}", "/a/one%2Ftwo", {"x": "one%2Ftwo"}),
        ("a/{x?}", "/a", {}),
        ("a/{x?}", "/a/1", {"x": "1"}),
        ("a/{x:int}/b", "/a/-7/b", {"x": "-7"}),
        ("a/{*rest}", "/a/b/c", {"rest": "b/c"}),
        ("a/{*rest}", "/a", {}),
        ("v{major:int}.{minor:int}/x", "/v1.2/x", {"major": "1", "minor": "2"}),
        (r"a/{x:regex(^(ab)+\d{{2}}$)}", "/a/abab12", {"x": "abab12"}),
        ("a/{x:length(2,3):alpha}", "/a/abc", {"x": "abc"}),
        (
            "a/{x:guid}",
            "/a/00000000-0000-0000-0000-000000000001",
            {"x": "00000000-0000-0000-0000-000000000001"},
        ),
    ],
)
def test_a_template_matches(template: str, path: str, values: dict[str, str]) -> None:
    assert Template.parse(template).match(path) == values


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("a/b", "/a"),
        ("a/{x}", "/a"),
        ("a/{x}", "/a/b/c"),
        ("a/{x:int}", "/a/b"),
        ("a/{x:int}", "/a/2147483648"),
        ("a/{x:alpha}", "/a/b1"),
        ("a/{x:bool}", "/a/maybe"),
        ("a/{x:range(1,9)}", "/a/10"),
        ("a/{x:min(5)}", "/a/4"),
        ("a/{x:maxlength(2)}", "/a/abc"),
        ("a/{x:guid}", "/a/b"),
        ("a/{x:double}", "/a/b"),
    ],
)
def test_a_template_does_not_match(template: str, path: str) -> None:
    assert Template.parse(template).match(path) is None


@pytest.mark.parametrize("template", ["a/{x=5}", "a/{x:unknown}", "a/{x", "a/{x:regex([)}"])
def test_a_template_that_cannot_be_read_names_the_function(template: str) -> None:
    with pytest.raises(HostError, match="Function 'f': the route"):
        Route.of(function("f", template), "api")


def test_the_more_specific_route_wins_whatever_the_order() -> None:
    templates = ["{*rest}", "{a}/{b}", "x/{b}", "x/{z:int}", "x/y"]
    expected = {"/x/y": "x/y", "/x/1": "x/{z:int}", "/x/z": "x/{b}", "/y/z": "{a}/{b}", "/y": "{*rest}"}
    for order in (templates, templates[::-1]):
        routes = Routes(Route.of(function(template, template), "") for template in order)
        for path, template in expected.items():
            found = routes.find("GET", path)
            assert found is not None
            assert found[0].name == template


def test_a_route_without_the_method_gives_way_to_a_less_specific_one() -> None:
    routes = Routes(
        [Route.of(function("get", "x/y", "GET"), ""), Route.of(function("post", "x/{a}", "post"), "")]
    )
    found = routes.find("POST", "/x/y")
    assert found is not None
    assert (found[0].name, found[1]) == ("post", {"a": "y"})
    assert routes.find("DELETE", "/x/y") is None


def test_without_a_route_the_name_is_served_below_the_prefix() -> None:
    routes = Routes([Route.of(function("hello"), "/api/v2/")])
    assert routes.find("GET", "/api/v2/hello") is not None
    assert routes.find("GET", "/hello") is None
