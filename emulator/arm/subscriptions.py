"""Tenants, subscriptions, resource groups, and the list of resources in them.

Shapes: Azure/azure-rest-api-specs, Microsoft.Resources.
"""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Protocol

from aiohttp import web

from emulator.arm.cloud import TENANT
from emulator.arm.routing import GROUP, SUBSCRIPTION, Call, Route
from emulator.errors import ArmError

_CONDITION = re.compile(r"(name|resourceType) eq '([^']*)'", re.IGNORECASE)


class Resources(Protocol):
    """A kind of resources."""

    def resources(self, call: Call) -> Iterable[dict[str, object]]:
        """Show those of a subscription that the caller may read."""


class Subscriptions:
    """What is above the resources: one of each."""

    def __init__(self, subscription: str, group: str, location: str, resources: Iterable[Resources]) -> None:
        self._subscription, self._group, self._location = subscription, group, location
        self._resources = list(resources)

    def routes(self) -> list[Route]:
        """Name the calls."""
        return [
            Route("GET", "/tenants/?", self.tenants),
            Route("GET", "/subscriptions/?", self.list_all),
            Route("GET", SUBSCRIPTION, self.get),
            Route("GET", rf"{SUBSCRIPTION}/resourceGroups", self.groups),
            Route("GET", GROUP, self.group),
            Route("GET", rf"{SUBSCRIPTION}/resources", self.resources),
        ]

    # Tenants - List
    async def tenants(self, _call: Call) -> web.Response:
        """Show the tenant."""
        return web.json_response({"value": [{"id": f"/tenants/{TENANT}", "tenantId": TENANT}]})

    # Subscriptions - List
    async def list_all(self, _call: Call) -> web.Response:
        """Show the subscription, in a list."""
        return web.json_response({"value": [self._view()]})

    # Subscriptions - Get
    async def get(self, call: Call) -> web.Response:
        """Show the subscription."""
        self._require(call)
        return web.json_response(self._view())

    # Resource Groups - List
    async def groups(self, call: Call) -> web.Response:
        """Show the resource group, in a list."""
        self._require(call)
        return web.json_response({"value": [self._group_view()]})

    # Resource Groups - Get
    async def group(self, call: Call) -> web.Response:
        """Show the resource group."""
        self._require(call)
        return web.json_response(self._group_view())

    # Resources - List
    async def resources(self, call: Call) -> web.Response:
        """Show resources. Of `$filter`, name and resourceType are heeded."""
        self._require(call)
        text = call.request.query.get("$filter", "")
        wanted = {key.lower(): value.lower() for key, value in _CONDITION.findall(text)}
        found = [
            view
            for kind in self._resources
            for view in kind.resources(call)
            if str(view["name"]).lower() == wanted.get("name", str(view["name"]).lower())
            and str(view["type"]).lower() == wanted.get("resourcetype", str(view["type"]).lower())
        ]
        return web.json_response({"value": found})

    def _require(self, call: Call) -> None:
        subscription, group = call.path["subscription"], call.path.get("group", self._group)
        if subscription.lower() != self._subscription.lower():
            message = f"The subscription '{subscription}' could not be found."
            raise ArmError(HTTPStatus.NOT_FOUND, "SubscriptionNotFound", message)
        if group.lower() != self._group.lower():
            message = f"Resource group '{group}' could not be found."
            raise ArmError(HTTPStatus.NOT_FOUND, "ResourceGroupNotFound", message)

    def _view(self) -> dict[str, object]:
        return {
            "id": f"/subscriptions/{self._subscription}",
            "subscriptionId": self._subscription,
            "displayName": "emulator",
            "state": "Enabled",
            "tenantId": TENANT,
            "subscriptionPolicies": {"quotaId": "Emulator", "spendingLimit": "Off"},
        }

    def _group_view(self) -> dict[str, object]:
        return {
            "id": f"/subscriptions/{self._subscription}/resourceGroups/{self._group}",
            "name": self._group,
            "type": "Microsoft.Resources/resourceGroups",
            "location": self._location,
            "properties": {"provisioningState": "Succeeded"},
        }
