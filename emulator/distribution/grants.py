"""What a request to a registry needs, and what a caller's credentials grant."""

from dataclasses import dataclass
from typing import Protocol, Self, override

from aiohttp import web

from emulator.distribution.tokens import Access
from emulator.identity import roles
from emulator.identity.assignments import Assignments
from emulator.identity.principal import Principal

_ACTIONS = {
    "pull": roles.PULL,
    "metadata_read": roles.PULL,
    "push": roles.PUSH,
    "metadata_write": roles.PUSH,
    "delete": roles.DELETE,
}
_PULLS = {"pull", "metadata_read"}


@dataclass(frozen=True)
class Scope:
    """An action on something (Distribution: token scope), such as `repository:shop/web:pull`."""

    type: str
    name: str
    action: str

    @classmethod
    def of(cls, request: web.Request) -> Self | None:
        """Read what a request needs; None where anybody who is known may do it."""
        if request.path.endswith("/_catalog") and "repository" not in request.match_info:
            return cls("registry", "catalog", "*")
        repository = request.match_info.get("repository")
        return cls("repository", repository, _action(request)) if repository else None

    @override
    def __str__(self) -> str:
        action = "pull,push" if self.action == "push" else self.action
        return f"{self.type}:{self.name}:{action}"


def _action(request: web.Request) -> str:
    properties = request.path.startswith("/acr/")
    match request.method:
        case "GET" | "HEAD" if properties or request.path.endswith("/tags/list"):
            return "metadata_read"
        case "GET" | "HEAD":
            return "pull"
        case "PATCH" if properties:
            return "metadata_write"
        case "DELETE" if "session" not in request.match_info:
            return "delete"
        case _:
            return "push"


class Grant(Protocol):
    """What credentials are good for."""

    @property
    def principal(self) -> Principal:
        """Whose they are."""

    def permits(self, scope: Scope, /) -> bool:
        """Tell whether they are good for it."""


@dataclass(frozen=True)
class Everything:
    """The admin user's grant, and everybody's where nothing is checked."""

    principal: Principal

    def permits(self, _scope: Scope) -> bool:
        """Say yes."""
        return True


@dataclass(frozen=True)
class Pulling:
    """The grant of who is not known, where anonymous pull is enabled."""

    principal: Principal

    def permits(self, scope: Scope) -> bool:
        """Tell whether it is to pull."""
        return scope.action in _PULLS


@dataclass(frozen=True)
class ByRoles:
    """What a principal's roles on the registry permit."""

    principal: Principal
    assignments: Assignments
    resource_id: str

    def permits(self, scope: Scope) -> bool:
        """Tell whether one of the roles permits it."""
        action = roles.PULL if scope.type == "registry" else _ACTIONS.get(scope.action)
        return action is not None and self.assignments.permits(self.principal, action, self.resource_id)


@dataclass(frozen=True)
class ByToken:
    """What an access token names."""

    principal: Principal
    access: list[Access]

    def permits(self, scope: Scope) -> bool:
        """Tell whether the token names it. Who may pull may read what there is to pull."""
        return any(
            (one.type, one.name) == (scope.type, scope.name)
            and (scope.action in one.actions or (scope.action == "metadata_read" and "pull" in one.actions))
            for one in self.access
        )


def granted(grant: Grant, wanted: str) -> Access | None:
    """Narrow a scope that a client asks for to what it may have; None where the scope is none."""
    kind, _, rest = wanted.partition(":")
    name, _, actions = rest.rpartition(":")
    if not (kind and name and actions):
        return None
    asked = actions.split(",")
    if kind == "repository" and "*" in asked:
        asked = list(_ACTIONS)
    return Access(kind, name, [action for action in asked if grant.permits(Scope(kind, name, action))])
