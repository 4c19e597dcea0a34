"""Azure's built-in roles, as far as registries and the apps that run their images need them.

Source: Microsoft Learn, Azure built-in roles. `*` in an action stands for anything, as there.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

REGISTRY = "Microsoft.ContainerRegistry/registries"
READ = f"{REGISTRY}/read"
IMPORT = f"{REGISTRY}/importImage/action"
PULL = f"{REGISTRY}/pull/read"
PUSH = f"{REGISTRY}/push/write"
DELETE = f"{REGISTRY}/artifacts/delete"


@dataclass(frozen=True)
class Role:
    """A built-in role.

    Attributes:
        name: Its name.
        id: Its GUID.
        actions: What it permits.
    """

    name: str
    id: str
    actions: tuple[str, ...]

    def permits(self, action: str) -> bool:
        """Tell whether it permits an action."""
        return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in self.actions)


_ROLES = (
    Role("Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", ("*",)),
    Role("Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c", ("*",)),
    Role("Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7", ("*/read",)),
    Role("AcrPull", "7f951dda-4ed3-4680-a7ca-43fe172d538d", (PULL,)),
    Role("AcrPush", "8311e382-0749-4cb8-b61a-304f252e45ec", (PULL, PUSH)),
    Role("AcrDelete", "c2f4ef07-c644-48eb-af81-4b1b4947fb11", (DELETE,)),
    Role(
        "Container Registry Data Importer and Data Reader",
        "577a9874-89fd-4f24-9dbd-b5034d0ad23a",
        (IMPORT, READ, PULL),
    ),
    Role("Website Contributor", "de139f84-1756-47ae-9be6-808fbbe84772", ("Microsoft.Web/sites/*",)),
)
_BY_NAME = {name.lower(): role for role in _ROLES for name in (role.name, role.id)}


def find_role(text: str) -> Role:
    """Find a role by its name or GUID, or by a role definition's resource id.

    Raises:
        ValueError: There is none here.
    """
    role = _BY_NAME.get(text.rpartition("/")[2].lower())
    if role is None:
        known = ", ".join(role.name for role in _ROLES)
        message = f"{text!r} is no role that is emulated; these are: {known}"
        raise ValueError(message)
    return role
