"""CloudEvents to an Event Grid topic, over azure-eventgrid."""

from typing import TYPE_CHECKING

from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import AzureError
from azure.core.messaging import CloudEvent

from promoter.adapters.faults import unavailable
from promoter.adapters.identity import Identity, transport
from promoter.adapters.settings import Topic
from promoter.domain.codec import plain
from promoter.domain.event import PhaseChanged

if TYPE_CHECKING:
    from azure.eventgrid.aio import EventGridPublisherClient

_TYPE = "Promoter.Promotion"
_ROLE = 'Promoter\'s identity needs the role "EventGrid Data Sender" on the topic'


class TopicPublisher:
    """Publishes to one topic; satisfies Publisher.

    An event's type is `Promoter.Promotion` and the phase, as in `Promoter.PromotionSucceeded`; its source is
    the environment, as in `/environments/prod`, and its subject the environment, repository and tag.
    """

    def __init__(self, topic: Topic, identity: Identity) -> None:
        self._topic = topic
        self._identity = identity
        self._transport = transport()
        self._client: EventGridPublisherClient | None = None

    async def publish(self, event: PhaseChanged) -> None:
        """Tell of a change of phase; told twice, it has the same id."""
        message = CloudEvent(
            source=f"/environments/{event.environment}",
            type=f"{_TYPE}{event.phase.capitalize()}",
            id=event.event_id,
            subject=event.subject,
            time=event.at,
            data=plain(event),
            extensions={"traceparent": event.traceparent},
        )
        try:
            await self._open().send(message)
        except AzureError as error:
            raise unavailable(error, "publishing to the event topic", _ROLE) from error

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.close()

    def _open(self) -> "EventGridPublisherClient":
        if self._client is None:
            from azure.eventgrid.aio import EventGridPublisherClient  # noqa: PLC0415 - 80 ms

            key = self._topic.key
            credential = AzureKeyCredential(key.reveal()) if key else self._identity.credential
            # Whoever asked asks again, later: here only a connection that has gone stale is tried once more.
            self._client = EventGridPublisherClient(
                self._topic.url, credential, transport=self._transport, retry_total=1, retry_status=0
            )
        return self._client
