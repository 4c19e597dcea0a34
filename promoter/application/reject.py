"""What could not be acted upon is kept for people to look at; it is never tried for ever, and never lost."""

import hashlib
import logging

from promoter.application.app import App
from promoter.application.documents import Rejection
from promoter.application.ports import Put
from promoter.application.tell import say

_KEPT = 4000


async def reject(app: App, origin: str, content: str, reason: str) -> None:
    """Keep an event or message that nothing can be done with.

    Args:
        app: The application.
        origin: The function that it came to.
        content: What came; its first 4,000 characters are kept.
        reason: Why nothing can be done with it.
    """
    row = Rejection(
        at=app.clock.now(),
        origin=origin,
        reason=reason[:_KEPT],
        content=content[:_KEPT],
        id=hashlib.sha256(content.encode()).hexdigest()[:16],
    )
    await app.promotions.commit([Put(row)])
    words = f"{origin}: rejected {row.id}"
    say(logging.ERROR, "rejection", words, origin=origin, rejection=row.id, reason=row.reason)
