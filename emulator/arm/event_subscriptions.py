"""The event subscriptions of a registry, as Resource Manager shows them. They are kept by Event Grid.

Shape: Azure/azure-rest-api-specs, Microsoft.EventGrid, eventSubscriptions.
"""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from emulator.arm.registries import REGISTRY, Registries
from emulator.arm.routing import Call, Route
from emulator.errors import ArmError
from emulator.eventgrid.grid import EventGrid

_READ = "Microsoft.EventGrid/eventSubscriptions/read"
_SCHEMAS = {"eventgrid": "EventGridSchema", "cloudevents": "CloudEventSchemaV1_0"}


class EventSubscriptions:
    """Reading event subscriptions."""

    def __init__(self, registries: Registries, grid: EventGrid) -> None:
        self._registries, self._grid = registries, grid

    def routes(self) -> list[Route]:
        """Name the calls."""
        here = rf"{REGISTRY}/providers/Microsoft\.EventGrid/eventSubscriptions"
        return [
            Route("GET", here, self.list_all, _READ),
            Route("GET", rf"{here}/(?P<subscription_name>[^/]+)", self.get, _READ),
        ]

    # Event Subscriptions - List By Resource
    async def list_all(self, call: Call) -> web.Response:
        """Show the subscriptions that get events of a registry."""
        return web.json_response({"value": self._views(call)})

    # Event Subscriptions - Get
    async def get(self, call: Call) -> web.Response:
        """Show one of them."""
        name = call.path["subscription_name"]
        for view in self._views(call):
            if str(view["name"]).lower() == name.lower():
                return web.json_response(view)
        message = f"Event subscription {name} was not found."
        raise ArmError(HTTPStatus.NOT_FOUND, "ResourceNotFound", message)

    def _views(self, call: Call) -> list[dict[str, object]]:
        registry = self._registries.find(call)
        return [
            _view(str(registry.resource_id), record)
            for record in self._grid.view()
            if (registry.name.lower() in _lower(record["registries"]))
            or not (record["registries"] or record["topics"])
        ]


def _lower(names: object) -> list[str]:
    return [str(name).lower() for name in names] if isinstance(names, list) else []


def _view(topic: str, record: Mapping[str, object]) -> dict[str, object]:
    name = record["name"]
    return {
        "id": f"{topic}/providers/Microsoft.EventGrid/eventSubscriptions/{name}",
        "name": name,
        "type": "Microsoft.EventGrid/eventSubscriptions",
        "properties": {
            "topic": topic,
            "provisioningState": record["state"],
            "destination": {
                "endpointType": "WebHook",
                "properties": {"endpointBaseUrl": str(record["endpoint"]).partition("?")[0]},
            },
            "filter": {
                "subjectBeginsWith": record["subjectBeginsWith"],
                "subjectEndsWith": record["subjectEndsWith"],
                "includedEventTypes": record["eventTypes"] or None,
                "isSubjectCaseSensitive": record["isSubjectCaseSensitive"],
            },
            "eventDeliverySchema": _SCHEMAS[str(record["schema"])],
            "retryPolicy": {
                "maxDeliveryAttempts": record["maxDeliveryAttempts"],
                "eventTimeToLiveInMinutes": record["eventTimeToLiveInMinutes"],
            },
        },
    }
