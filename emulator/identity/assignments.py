"""Role assignments. A principal that nobody put under check may do anything."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from emulator.errors import ArmError
from emulator.identity.principal import Principal
from emulator.identity.roles import Role, find_role
from emulator.store.database import Database


class Assignment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role on a scope.

    Attributes:
        role: Its name or GUID.
        scope: The resource id of a subscription, a resource group or a resource; all below it is meant too.
    """

    role: str
    scope: str

    def __post_init__(self) -> None:
        """Check that the role is one."""
        find_role(self.role)

    @property
    def definition(self) -> Role:
        """The role."""
        return find_role(self.role)

    def covers(self, scope: str) -> bool:
        """Tell whether a resource id is at or below the scope."""
        mine, other = self.scope.rstrip("/").lower(), scope.lower()
        return other == mine or other.startswith(f"{mine}/")


class Assignments:
    """The principals under check, and their role assignments."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._checked: dict[str, tuple[str, list[Assignment]]] = {}
        for name, text in database.all("select name, assignments from principals order by name"):
            assignments = msgspec.json.decode(str(text), type=list[Assignment])
            self._checked[str(name).lower()] = str(name), assignments

    def check(self, principal: Principal, assignments: Sequence[Assignment]) -> None:
        """Put a principal under check, with exactly these assignments."""
        text = msgspec.json.encode(assignments).decode()
        with self._database.transaction():
            self.uncheck(principal)
            self._database.execute("insert into principals values (?, ?)", principal.name, text)
        self._checked[principal.key] = principal.name, list(assignments)

    def uncheck(self, principal: Principal) -> bool:
        """Let a principal do anything again; False where it could already."""
        self._database.execute("delete from principals where lower(name) = ?", principal.key)
        return self._checked.pop(principal.key, None) is not None

    def view(self) -> list[dict[str, object]]:
        """Show the principals under check, and what they may."""
        return [
            {"principal": name, "assignments": msgspec.to_builtins(assignments)}
            for name, assignments in self._checked.values()
        ]

    def permits(self, principal: Principal, action: str, scope: str) -> bool:
        """Tell whether a principal may do something to a resource."""
        if principal.key not in self._checked:
            return True
        _, assignments = self._checked[principal.key]
        return any(each.covers(scope) and each.definition.permits(action) for each in assignments)

    def require(self, principal: Principal, action: str, scope: str) -> None:
        """Check that a principal may do something to a resource.

        Raises:
            ArmError: 403 AuthorizationFailed, in the words of Resource Manager.
        """
        if not self.permits(principal, action, scope):
            message = (
                f"The client '{principal}' with object id '{principal}' does not have authorization to "
                f"perform action '{action}' over scope '{scope}' or the scope is invalid. If access was "
                "recently granted, please refresh your credentials."
            )
            raise ArmError(HTTPStatus.FORBIDDEN, "AuthorizationFailed", message)

    def require_linked(self, principal: Principal, action: str, scope: str, linked: str) -> None:
        """Check that a principal may do something to a second resource, which a request names too.

        Raises:
            ArmError: 403 LinkedAuthorizationFailed, in the words of Resource Manager.
        """
        if not self.permits(principal, action, linked):
            message = (
                f"The client '{principal}' with object id '{principal}' has permission to perform action "
                f"'{action}' on scope '{scope}'; however, it does not have permission to perform action(s) "
                f"'{action}' on the linked scope(s) '{linked}' (respectively) or the linked scope(s) are "
                "invalid."
            )
            raise ArmError(HTTPStatus.FORBIDDEN, "LinkedAuthorizationFailed", message)
