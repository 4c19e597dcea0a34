"""Routes of HTTP triggers: ASP.NET's route templates, as far as Functions apps use them.

A template is literal text and parameters, `{name}`, `{name:constraint}`, `{name?}` or, at its end, `{*name}`.
Where several match, the more specific one is taken. A method that no matching route has is a 404 as in Azure,
not a 405 (github.com/Azure/azure-functions-host/issues/10098).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import unquote
from uuid import UUID

from localhost.host.errors import HostError
from localhost.host.functions import Function

_PARAMETER = re.compile(
    r"\{(?P<star>\*{0,2})(?P<name>\w+)(?P<constraints>(?::\w+(?:\((?:[^()]|\([^()]*\))*\))?)*)(?P<optional>\?)?\}"
)
_CONSTRAINT = re.compile(r":(\w+)(?:\(((?:[^()]|\([^()]*\))*)\))?")
_INT_BITS, _LONG_BITS = 31, 63


def _integer(bits: int) -> Callable[[str], bool]:
    return lambda text: bool(re.fullmatch(r"[+-]?\d+", text)) and -(2**bits) <= int(text) < 2**bits


def _readable(convert: Callable[[str], object]) -> Callable[[str], bool]:
    def matches(text: str) -> bool:
        try:
            convert(text)
        except (ValueError, ArithmeticError):
            return False
        return True

    return matches


def _bounded(low: str, high: str) -> Callable[[str], bool]:
    return lambda text: (
        _integer(_LONG_BITS)(text)
        and (low == "" or int(low) <= int(text))
        and (high == "" or int(text) <= int(high))
    )


def _long(low: str, high: str) -> Callable[[str], bool]:
    return lambda text: int(low or 0) <= len(text) and (high == "" or len(text) <= int(high))


def _matching(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda text: compiled.search(text) is not None


def _pair(argument: str) -> tuple[str, str]:
    low, comma, high = argument.partition(",")
    return low.strip(), (high if comma else low).strip()


_CONSTRAINTS: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "alpha": lambda _: lambda text: bool(re.fullmatch(r"[A-Za-z]*", text)),
    "bool": lambda _: lambda text: text.lower() in {"true", "false"},
    "decimal": lambda _: _readable(Decimal),
    "double": lambda _: _readable(float),
    "float": lambda _: _readable(float),
    "guid": lambda _: _readable(UUID),
    "int": lambda _: _integer(_INT_BITS),
    "long": lambda _: _integer(_LONG_BITS),
    "length": lambda argument: _long(*_pair(argument)),
    "minlength": lambda argument: _long(argument, ""),
    "maxlength": lambda argument: _long("", argument),
    "min": lambda argument: _bounded(argument, ""),
    "max": lambda argument: _bounded("", argument),
    "range": lambda argument: _bounded(*_pair(argument)),
    "regex": lambda argument: _matching(argument.replace("{{", "{").replace("}}", "}")),
    "required": lambda _: bool,
}


@dataclass(frozen=True, slots=True)
class Template:
    """A route template, compiled."""

    text: str
    pattern: re.Pattern[str]
    constraints: tuple[tuple[str, Callable[[str], bool]], ...]
    precedence: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Template":
        """Read a template.

        Raises:
            ValueError: it is none, or has something that this host does not know.
        """
        pattern, constraints, precedence = "", [], []
        for segment in filter(None, text.split("/")):
            parameter = _PARAMETER.fullmatch(segment)
            tail = _segment(segment)
            optional = parameter is not None and (parameter["optional"] or parameter["star"])
            pattern += f"(?:/{tail})?" if optional else f"/{tail}"
            for found in _PARAMETER.finditer(segment):
                constraints += [(found["name"], check) for check in _checks(found["constraints"])]
            precedence.append(_rank(segment, parameter))
        compiled = re.compile(pattern + "/?", re.IGNORECASE)
        return cls(text, compiled, tuple(constraints), tuple(precedence))

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters in a path as it was sent, percent-encoded; None where it does not match."""
        match = self.pattern.fullmatch(path)
        if match is None:
            return None
        values = {name: _decode(text) for name, text in match.groupdict().items() if text is not None}
        fits = all(check(values[name]) for name, check in self.constraints if name in values)
        return values if fits else None


def _segment(text: str) -> str:
    pattern, end = "", 0
    for found in _PARAMETER.finditer(text):
        pattern += _literal(text[end : found.start()])
        pattern += f"(?P<{found['name']}>{'.*' if found['star'] else '[^/]+'})"
        end = found.end()
    return pattern + _literal(text[end:])


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        message = f"'{text}' is no parameter that the local host can read"
        raise ValueError(message)
    return re.escape(text)


def _checks(text: str) -> Iterable[Callable[[str], bool]]:
    for name, argument in _CONSTRAINT.findall(text):
        if name not in _CONSTRAINTS:
            message = f"'{name}' is no route constraint"
            raise ValueError(message)
        yield _CONSTRAINTS[name](argument)


def _rank(segment: str, parameter: re.Match[str] | None) -> int:
    """ASP.NET's inbound precedence: text, then constrained, free and catch-all parameters."""
    if parameter is None:
        return 2 if "{" in segment else 1
    if parameter["star"]:
        return 4 if parameter["constraints"] else 5
    return 2 if parameter["constraints"] else 3


def _decode(text: str) -> str:
    """Decode percent-encoding, but not of a slash, which ASP.NET leaves as it is."""
    return unquote(re.sub("%2f", "%252F", text, flags=re.IGNORECASE))


@dataclass(frozen=True, slots=True)
class Route:
    """Where a function is served: a template and methods, all of them where none are named."""

    function: Function
    template: Template
    methods: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, function: Function, prefix: str) -> "Route":
        """The route of an HTTP-triggered function.

        Raises:
            HostError: its template cannot be read.
        """
        own = function.text("route") or function.name
        text = "/".join(filter(None, (prefix.strip("/"), own.strip("/"))))
        methods = function.trigger.properties.get("methods") or ()
        try:
            return cls(function, Template.parse(text), frozenset(str(method).upper() for method in methods))
        except (ValueError, re.error) as error:
            message = f"Function '{function.name}': the route '{text}' cannot be read: {error}."
            raise HostError(message) from error


class Routes:
    """All routes of an app, the most specific first."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Order the routes."""
        self._routes = sorted(routes, key=lambda route: (route.template.precedence, route.template.text))

    @property
    def pages(self) -> list[str]:
        """The paths that a browser can be sent to: those that GET takes and that have no parameters."""
        plain = [route for route in self._routes if "{" not in route.template.text]
        return [f"/{route.template.text}" for route in plain if not route.methods or "GET" in route.methods]

    def find(self, method: str, path: str) -> tuple[Function, dict[str, str]] | None:
        """The function that serves a request, and the parameters in its path."""
        for route in self._routes:
            if route.methods and method not in route.methods:
                continue
            parameters = route.template.match(path)
            if parameters is not None:
                return route.function, parameters
        return None
