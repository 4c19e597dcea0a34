"""Paths of Resource Manager, compared without case as Azure does, and the actions that they need."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from re import Pattern
from typing import Protocol

from aiohttp import web

from emulator.identity.principal import Principal

SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
GROUP = rf"{SUBSCRIPTION}/resourceGroups/(?P<group>[^/]+)"


@dataclass(frozen=True)
class Call:
    """A request whose sender is known.

    Attributes:
        request: The request.
        path: What its path names.
        principal: Who sent it.
    """

    request: web.Request
    path: Mapping[str, str]
    principal: Principal

    @property
    def scope(self) -> str:
        """The resource id that the path begins with."""
        return self.path["scope"]

    def link(self, path: str) -> str:
        """Add the api-version of this call to a path."""
        return f"{path}?api-version={self.request.query['api-version']}"


@dataclass(frozen=True)
class Route:
    """One call of the REST API.

    Attributes:
        method: Its HTTP method.
        path: Regular expression of its path. A group `scope` holds the resource that `action` is done to.
        answer: What answers.
        action: What the caller must be permitted; None is nothing.
    """

    method: str
    path: str
    answer: Callable[[Call], Awaitable[web.Response]]
    action: str | None = None
    pattern: Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compile the path."""
        object.__setattr__(self, "pattern", re.compile(self.path, re.IGNORECASE))


class Room(Protocol):
    """A part of Resource Manager."""

    def routes(self) -> list[Route]:
        """Name the calls that it answers."""
