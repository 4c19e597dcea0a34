"""Which events go together in one delivery.

Source: Microsoft Learn, Event Grid message delivery and retry, "Output batching".
"""

from collections.abc import Iterable, Iterator

from emulator.eventgrid.outbox import Delivery

_KILOBYTE = 1024


def batches(deliveries: Iterable[Delivery], most: int, kilobytes: int) -> Iterator[list[Delivery]]:
    """Part deliveries into batches, in their order.

    Events that have failed equally often go together, so that a batch's delivery count is true of each. What
    is larger than a batch should be goes alone.

    Args:
        deliveries: What is due.
        most: So many in a batch.
        kilobytes: Their size together, where they are several.
    """
    batch: list[Delivery] = []
    size = 0
    for delivery in deliveries:
        fits = len(batch) < most and size + delivery.size <= kilobytes * _KILOBYTE
        if batch and not (fits and delivery.attempts == batch[0].attempts):
            yield batch
            batch, size = [], 0
        batch.append(delivery)
        size += delivery.size
    if batch:
        yield batch
