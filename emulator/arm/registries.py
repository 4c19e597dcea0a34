"""Registries as resources: reading them, their names, their credentials.

Shapes: Azure/azure-rest-api-specs, Microsoft.ContainerRegistry, registries.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from emulator.arm.answers import suffer
from emulator.arm.routing import GROUP, SUBSCRIPTION, Call, Route
from emulator.distribution.registry import Registry, ResourceId
from emulator.distribution.switches import Auth
from emulator.errors import ArmError
from emulator.faults import Faults, Operation
from emulator.identity import roles
from emulator.identity.assignments import Assignments
from emulator.store.credentials import Password

PROVIDER = r"/providers/Microsoft\.ContainerRegistry"
REGISTRY = rf"(?P<scope>{GROUP}{PROVIDER}/registries/(?P<name>[^/]+))"
_NAME = re.compile(r"[a-zA-Z0-9]{5,50}")


class _Name(msgspec.Struct):
    name: str


class _PasswordName(msgspec.Struct):
    name: Password


class _Properties(msgspec.Struct, rename="camel"):
    admin_user_enabled: bool | None = None
    anonymous_pull_enabled: bool | None = None


class _Update(msgspec.Struct):
    properties: _Properties = msgspec.field(default_factory=_Properties)


class Registries:
    """The registries of this emulator, as Resource Manager shows them."""

    def __init__(self, registries: Mapping[str, Registry], assignments: Assignments, faults: Faults) -> None:
        """Take what is shown.

        Args:
            registries: The registries, by lower-case name.
            assignments: Who may see which.
            faults: What goes wrong.
        """
        self._registries, self._assignments, self._faults = registries, assignments, faults

    def routes(self) -> list[Route]:
        """Name the calls."""
        anywhere = rf"{SUBSCRIPTION}{PROVIDER}"
        return [
            Route("GET", REGISTRY, self.get, roles.READ),
            Route("PATCH", REGISTRY, self.update, f"{roles.REGISTRY}/write"),
            Route("GET", rf"{GROUP}{PROVIDER}/registries", self.list_all),
            Route("GET", rf"{anywhere}/registries", self.list_all),
            Route("POST", rf"{anywhere}/checkNameAvailability", self.check_name),
            Route(
                "POST",
                rf"{REGISTRY}/listCredentials",
                self.credentials,
                f"{roles.REGISTRY}/listCredentials/action",
            ),
            Route(
                "POST",
                rf"{REGISTRY}/regenerateCredential",
                self.renew_credential,
                f"{roles.REGISTRY}/regenerateCredential/action",
            ),
        ]

    # Registries - Get
    async def get(self, call: Call) -> web.Response:
        """Show a registry."""
        if answer := await suffer(
            self._faults.draw(Operation.REGISTRY_READ, call.path["name"], call.path["name"])
        ):
            return answer
        return web.json_response(view(self.find(call), call.request.scheme))

    # Registries - List, Registries - List By Resource Group
    async def list_all(self, call: Call) -> web.Response:
        """Show the registries that the caller may read."""
        if answer := await suffer(self._faults.draw(Operation.REGISTRY_READ, "", "")):
            return answer
        there = [view(registry, call.request.scheme) for registry in self.readable(call)]
        return web.json_response({"value": there})

    # Registries - Update
    async def update(self, call: Call) -> web.Response:
        """Let the admin user in, or whoever wants to pull, or not; all else is ignored."""
        registry = self.find(call)
        wanted = (await read_body(call.request, _Update)).properties
        registry.switches = msgspec.structs.replace(registry.switches, auth=_changed(registry.auth, wanted))
        return await self.get(call)

    # Registries - Check Name Availability
    async def check_name(self, call: Call) -> web.Response:
        """Tell whether a name is free."""
        name = (await read_body(call.request, _Name)).name
        if not _NAME.fullmatch(name):
            message = "The registry name must be between 5 and 50 characters, alphanumeric only."
            return web.json_response({"nameAvailable": False, "reason": "Invalid", "message": message})
        if name.lower() in self._registries:
            message = f"The registry {name} is already in use."
            return web.json_response({"nameAvailable": False, "reason": "AlreadyExists", "message": message})
        return web.json_response({"nameAvailable": True})

    # Registries - List Credentials
    async def credentials(self, call: Call) -> web.Response:
        """Show the admin user's name and passwords."""
        registry = self._with_admin(call)
        passwords = [{"name": name, "value": registry.credentials.password(name)} for name in Password]
        return web.json_response({"username": registry.name, "passwords": passwords})

    # Registries - Regenerate Credential
    async def renew_credential(self, call: Call) -> web.Response:
        """Make one of the admin user's passwords anew."""
        self._with_admin(call).credentials.renew((await read_body(call.request, _PasswordName)).name)
        return await self.credentials(call)

    def find(self, call: Call) -> Registry:
        """Find the registry that a call names.

        Raises:
            ArmError: 404.
        """
        resource_id = ResourceId(call.path["subscription"], call.path["group"], call.path["name"])
        return find_registry(self._registries, resource_id, str(resource_id))

    def resources(self, call: Call) -> list[dict[str, object]]:
        """Show the registries of a subscription, as resources among others."""
        keys = ("id", "name", "type", "location", "sku", "tags")
        views = (view(registry, call.request.scheme) for registry in self.readable(call))
        return [{key: shown[key] for key in keys} for shown in views]

    def readable(self, call: Call) -> list[Registry]:
        """List the registries of a subscription or resource group, less what the caller may not read."""
        group = call.path.get("group")
        return [
            registry
            for registry in self._registries.values()
            if registry.resource_id.subscription.lower() == call.path["subscription"].lower()
            and (group is None or registry.resource_id.resource_group.lower() == group.lower())
            and self._assignments.permits(call.principal, roles.READ, str(registry.resource_id))
        ]

    def _with_admin(self, call: Call) -> Registry:
        registry = self.find(call)
        if not registry.auth.admin:
            message = (
                f"Cannot perform credential operations for {registry.resource_id} as admin user is disabled. "
                f"Kindly enable it: az acr update -n {registry.name} --admin-enabled true"
            )
            raise ArmError(HTTPStatus.BAD_REQUEST, "UnAuthorizedForCredentialOperations", message)
        return registry


def _changed(auth: Auth, wanted: _Properties) -> Auth:
    for mode, switch in (
        (Auth.ANONYMOUS_PULL, wanted.anonymous_pull_enabled),
        (Auth.BASIC, wanted.admin_user_enabled),
    ):
        if switch:
            auth = mode
        elif switch is False and auth is mode:
            auth = Auth.TOKEN
    return auth


def find_registry(registries: Mapping[str, Registry], resource_id: ResourceId | None, named: str) -> Registry:
    """Find a registry by its resource id.

    Raises:
        ArmError: 404.
    """
    registry = registries.get(resource_id.name.lower()) if resource_id else None
    if registry is None or resource_id is None or not registry.resource_id.same_as(resource_id):
        message = f"The Resource '{named}' was not found."
        raise ArmError(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)
    return registry


async def read_body[T](request: web.Request, shape: type[T]) -> T:
    """Read a request's body.

    Raises:
        ArmError: 400.
    """
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except msgspec.MsgspecError as error:
        message = f"The request content was invalid and could not be deserialized: {error}"
        raise ArmError(HTTPStatus.BAD_REQUEST, "InvalidRequestContent", message) from None


def view(registry: Registry, scheme: str) -> dict[str, object]:
    """Show a registry, with the login server that serves by that scheme."""
    return {
        "id": str(registry.resource_id),
        "name": registry.name,
        "type": "Microsoft.ContainerRegistry/registries",
        "location": registry.location,
        "tags": {},
        "sku": {"name": "Premium", "tier": "Premium"},
        "properties": {
            "loginServer": registry.login_server_for(scheme),
            "creationDate": "2026-01-01T00:00:00Z",
            "provisioningState": "Succeeded",
            "adminUserEnabled": registry.auth.admin,
            "anonymousPullEnabled": registry.auth is Auth.ANONYMOUS_PULL,
            "publicNetworkAccess": "Enabled",
            "dataEndpointEnabled": False,
        },
    }
