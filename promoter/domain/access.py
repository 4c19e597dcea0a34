"""Who may do what: callers, their roles, and the capability that each call asks for.

| capability | what it is for | roles that give it |
|---|---|---|
| read | every GET | any of these, or one named after them such as `Promoter.Operator.Prod` |
| report | gate results | `Promoter.Reporter`, `.Admin` |
| operate | promote, roll back, retry, abort, adopt, hold | `Promoter.Operator`, `.Admin` |
| approve | approve, reject, withdraw | `Promoter.Approver`, `.Admin` |
| administer | override conditions | `Promoter.Admin` |

Where the policy names roles for an environment, those take the place of `Promoter.Operator` and
`Promoter.Approver` there; where a rule names roles for its approvals, those take the place of its target's.
No role but Admin implies another: who operates neither reports the verdicts that he operates by, nor
approves. That nobody approves what he requested himself is the approval's own rule, Admin or not.
"""

import contextlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Protocol

import msgspec

from promoter.domain.actor import Actor
from promoter.domain.errors import ForbiddenError

NAMELESS = "key"
"""How an actor was known (`Actor.via`) that is nobody in particular: whoever holds a function's key."""
_SHOWN = 300


class Role(StrEnum):
    """The roles of the app registration; a policy may name more, for single environments."""

    READER = "Promoter.Reader"
    REPORTER = "Promoter.Reporter"
    OPERATOR = "Promoter.Operator"
    APPROVER = "Promoter.Approver"
    ADMIN = "Promoter.Admin"


class Capability(StrEnum):
    """What a call asks for."""

    READ = "read"
    REPORT = "report"
    OPERATE = "operate"
    APPROVE = "approve"
    ADMINISTER = "administer"

    @property
    def role(self) -> Role:
        """The role that gives it in every environment which names none of its own."""
        return _ROLES[self]

    @property
    def needs_a_name(self) -> bool:
        """Whether it is only for somebody in particular, whatever the roles."""
        return self in {Capability.APPROVE, Capability.ADMINISTER}


_ROLES = {
    Capability.READ: Role.READER,
    Capability.REPORT: Role.REPORTER,
    Capability.OPERATE: Role.OPERATOR,
    Capability.APPROVE: Role.APPROVER,
    Capability.ADMINISTER: Role.ADMIN,
}


class Caller(msgspec.Struct, frozen=True):
    """Who calls, and the roles that he has; nobody's are none."""

    actor: Actor
    roles: frozenset[str]

    @property
    def is_somebody(self) -> bool:
        """Whether this is one person or program, and not whoever holds a key."""
        return self.actor.via != NAMELESS

    def has_any(self, roles: Iterable[str]) -> bool:
        """Whether one of these roles is the caller's; an Admin stands in for every role."""
        return Role.ADMIN in self.roles or not self.roles.isdisjoint(roles)


class EnvironmentRoles(Protocol):
    """The roles that an environment of the policy asks for."""

    @property
    def operator(self) -> tuple[str, ...]:
        """Any of these may operate it."""
        ...

    @property
    def approver(self) -> tuple[str, ...]:
        """Any of these may approve promotions into it."""
        ...


class Guarded(Protocol):
    """An environment, as far as access to it goes."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def roles(self) -> EnvironmentRoles:
        """Its roles."""
        ...


def permit(caller: Caller, capability: Capability, environment: Guarded | None = None) -> None:
    """Let a caller do what he asks for, or say which role he lacks.

    Args:
        caller: Who asks.
        capability: What for.
        environment: Where; None where it is about no environment in particular.

    Raises:
        ForbiddenError: He may not.
    """
    place = f" in {environment.name}" if environment else ""
    if capability.needs_a_name and not caller.is_somebody:
        message = (
            f"{capability}{place} is for somebody in particular, and a function's key is nobody: "
            "it is possible with PROMOTER_AUTH=entra only"
        )
        raise ForbiddenError(message)
    if capability is Capability.READ and any(_is_ours(role) for role in caller.roles):
        return
    wanted = _roles(capability, environment)
    if not caller.has_any(wanted):
        has = ", ".join(sorted(caller.roles))[:_SHOWN] or "no role"
        needs = " or ".join(wanted) or Role.ADMIN
        message = f"{capability}{place} needs the role {needs}; {caller.actor.name} has {has}"
        raise ForbiddenError(message)


def permit_somewhere(caller: Caller, capability: Capability, environments: Iterable[Guarded]) -> None:
    """Let a caller do what he asks for in general or in one environment at least.

    It is asked before it is known which environment a call is about; `permit` is asked again when it is.

    Raises:
        ForbiddenError: He may not, anywhere.
    """
    for environment in environments:
        with contextlib.suppress(ForbiddenError):
            permit(caller, capability, environment)
            return
    permit(caller, capability)


def _is_ours(role: str) -> bool:
    """Whether this is a global role, or one named after it for an environment, as Promoter.Operator.Prod."""
    return any(role == each or role.startswith(f"{each}.") for each in Role)


def _roles(capability: Capability, environment: Guarded | None) -> tuple[str, ...]:
    if environment is not None and capability is Capability.OPERATE:
        return environment.roles.operator
    if environment is not None and capability is Capability.APPROVE:
        return environment.roles.approver
    return (capability.role,)
