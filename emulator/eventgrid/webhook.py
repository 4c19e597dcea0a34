"""What goes over the wire to a webhook: handshakes and events.

Source: Microsoft Learn, Webhook event delivery; CloudEvents HTTP 1.1 Web Hooks for Event Delivery 1.0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec

from emulator.clock import stamp
from emulator.eventgrid.event import Schema
from emulator.eventgrid.outbox import Delivery, Outcome
from emulator.eventgrid.subscription import Subscription

_ORIGIN = "eventgrid.azure.net"
DELIVERED = {
    HTTPStatus.OK,
    HTTPStatus.CREATED,
    HTTPStatus.ACCEPTED,
    HTTPStatus.NON_AUTHORITATIVE_INFORMATION,
    HTTPStatus.NO_CONTENT,
}
_OUTCOMES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: "BadRequest",
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.REQUEST_TIMEOUT: "TimedOut",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "PayloadTooLarge",
    HTTPStatus.TOO_MANY_REQUESTS: "Busy",
    HTTPStatus.SERVICE_UNAVAILABLE: "Busy",
}


@dataclass(frozen=True)
class Webhook:
    """A subscription's endpoint.

    Attributes:
        name: The subscription's name.
        subscription: The subscription.
        session: Sends the requests.
        timeout: Seconds that the endpoint has to answer; 30 at Azure.
    """

    name: str
    subscription: Subscription
    session: aiohttp.ClientSession
    timeout: float

    @property
    def _total(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=self.timeout)

    async def validate(self, validation_url: str, code: str) -> str | None:
        """Do the handshake, and say what went wrong, if anything did.

        Args:
            validation_url: Where a GET validates the subscription too.
            code: What the endpoint must repeat.
        """
        try:
            if self.subscription.schema is Schema.CLOUD_EVENTS:
                return await self._ask_for_permission(validation_url)
            return await self._ask_for_code(validation_url, code)
        except TimeoutError:
            return "no answer in time"
        except aiohttp.ClientError as error:
            return f"no answer: {error}"

    async def _ask_for_code(self, url: str, code: str) -> str | None:
        event = {
            "id": str(uuid4()),
            "topic": "",
            "subject": "",
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": stamp(),
            "data": {"validationCode": code, "validationUrl": url},
            "dataVersion": "2",
            "metadataVersion": "1",
        }
        headers = {"aeg-event-type": "SubscriptionValidation", "aeg-subscription-name": self.name.upper()}
        async with self._ask("POST", headers, json=[event]) as answer:
            content = await answer.read()
            if answer.status != HTTPStatus.OK:
                return f"the handshake was answered with {answer.status}"
            try:
                repeated = msgspec.json.decode(content, type=_ValidationResponse).validation_response
            except msgspec.MsgspecError:
                repeated = None
            return None if repeated == code else "the handshake's answer has not the validationResponse"

    async def _ask_for_permission(self, url: str) -> str | None:
        headers = {"WebHook-Request-Origin": _ORIGIN, "WebHook-Request-Callback": url}
        async with self._ask("OPTIONS", headers) as answer:
            await answer.read()
            if answer.status != HTTPStatus.OK:
                return f"the handshake was answered with {answer.status}"
            allowed = answer.headers.get("WebHook-Allowed-Origin")
            return None if allowed in ("*", _ORIGIN) else f"WebHook-Allowed-Origin is {allowed}"

    async def send(self, batch: Sequence[Delivery]) -> Outcome:
        """Make one attempt to deliver events, all or none."""
        body, headers = self._message(batch)
        try:
            async with self._ask("POST", headers, data=BytesIO(body)) as answer:
                await answer.read()
                return outcome_of(answer.status)
        except TimeoutError:
            return Outcome(0, "TimedOut")
        except aiohttp.ClientConnectorDNSError:
            return Outcome(0, "ResolutionError")
        except aiohttp.ClientError:
            return Outcome(0, "SocketError")

    def _ask(
        self,
        method: str,
        headers: Mapping[str, str],
        **body: Any,  # noqa: ANN401 - passed on
    ) -> "aiohttp.client._RequestContextManager":
        """Send one request. A redirect counts as it is, no success: most lead to a page to sign in at."""
        return self.session.request(
            method,
            self.subscription.endpoint,
            headers=headers,
            timeout=self._total,
            allow_redirects=False,
            **body,
        )

    def _message(self, batch: Sequence[Delivery]) -> tuple[bytes, dict[str, str]]:
        schema, first = self.subscription.schema, batch[0]
        events = [delivery.event.in_schema(schema) for delivery in batch]
        one_alone = schema is Schema.CLOUD_EVENTS and self.subscription.max_events_per_batch == 1
        headers = self.subscription.delivery_headers | {
            "aeg-event-type": "Notification",
            "aeg-subscription-name": self.name.upper(),
            "aeg-delivery-count": str(first.attempts),
            "aeg-data-version": first.event.data_version,
            "aeg-metadata-version": first.event.metadata_version,
            "Content-Type": f"{_content_type(schema, one_alone=one_alone)}; charset=utf-8",
        }
        return msgspec.json.encode(events[0] if one_alone else events), headers


def _content_type(schema: Schema, *, one_alone: bool) -> str:
    if schema is Schema.EVENT_GRID:
        return "application/json"
    return "application/cloudevents+json" if one_alone else "application/cloudevents-batch+json"


class _ValidationResponse(msgspec.Struct, rename="camel"):
    validation_response: str


def outcome_of(status: int) -> Outcome:
    """Name an answer's status as Event Grid does."""
    if status in DELIVERED:
        return Outcome(status, "Success")
    return Outcome(status, _OUTCOMES.get(status, "Error"))
