"""The webhook that Event Grid delivers to, as the Event Grid extension serves it in Azure.

Both schemas are taken, and both handshakes: the validation event, and the OPTIONS request of CloudEvents. An
array is one call an event; where one of them fails, the delivery fails, and Event Grid delivers the whole
array again.
"""

import asyncio
from typing import Annotated

import msgspec
from aiohttp import web

from localhost.host.functions import Function
from localhost.host.invocations import Invocations
from localhost.host.wire import json_datum
from localhost.host.worker import FunctionFailed

type _Event = dict[str, object]

PATH = "/runtime/webhooks/eventgrid"


class _ValidationData(msgspec.Struct, rename="camel"):
    validation_code: str


class _Validation(msgspec.Struct):
    data: _ValidationData


async def deliver(request: web.Request, function: Function | None, invocations: Invocations) -> web.Response:
    """Take one delivery, or one handshake, for the function that it names."""
    if function is None or function.trigger.type != "eventGridTrigger":
        name = request.query.get("functionName")
        return web.Response(status=404, text=f"There is no function '{name}' with an Event Grid trigger.")
    if request.method == "OPTIONS":
        origin = request.headers.get("WebHook-Request-Origin", "eventgrid.azure.net")
        return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
    try:
        return await _take(request, function, invocations)
    except msgspec.DecodeError as error:
        return web.Response(status=400, text=str(error))


async def _take(request: web.Request, function: Function, invocations: Invocations) -> web.Response:
    match request.headers.get("aeg-event-type", "").lower():
        case "subscriptionvalidation":
            return _validate(await request.read())
        case "notification":
            return await _call(function, invocations, _events(await request.read()))
        case "unsubscribe":
            return web.Response(status=202)
        case _:
            return web.Response(status=400, text="The header aeg-event-type is missing or unknown.")


def _events(body: bytes) -> list[_Event]:
    content = msgspec.json.decode(body, type=_Event | list[_Event])
    return content if isinstance(content, list) else [content]


def _validate(body: bytes) -> web.Response:
    events = msgspec.json.decode(body, type=Annotated[list[_Validation], msgspec.Meta(min_length=1)])
    return web.json_response({"validationResponse": events[0].data.validation_code})


async def _call(function: Function, invocations: Invocations, events: list[_Event]) -> web.Response:
    outcomes = await asyncio.gather(*(_call_once(function, invocations, event) for event in events))
    failures = [str(outcome) for outcome in outcomes if outcome is not None]
    return web.Response(status=500, text="\n".join(failures)) if failures else web.Response(status=202)


async def _call_once(function: Function, invocations: Invocations, event: _Event) -> FunctionFailed | None:
    try:
        metadata = {"data": json_datum(event.get("data"))}
        reason = f"EventGrid trigger fired for '{event.get('subject', '')}'"
        await invocations.run(function, json_datum(event), metadata, reason=reason)
    except FunctionFailed as failure:
        return failure
    return None
