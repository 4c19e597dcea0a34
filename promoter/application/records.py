"""Finding one promotion record by its id."""

from promoter.application.app import App
from promoter.application.documents import Todo, follow_up, row_key
from promoter.domain.errors import NotFoundError
from promoter.domain.promotion import Promotion, RecordId


async def find_record(app: App, record_id: str, field: str = "id") -> Promotion:
    """The record of that id.

    Args:
        app: The application.
        record_id: The id.
        field: What named it, to be told where there is none such.

    Raises:
        NotFoundError: There is none.
    """
    found = RecordId.parse(record_id, field)
    record = await app.record(found.line_key, found.sequence)
    if record is None:
        message = f"there is no promotion record {record_id!r}"
        raise NotFoundError(message, field)
    return record


async def is_settled(app: App, record: Promotion) -> bool:
    """Whether a promotion has ended, and what follows is stored too: above all, that the image has arrived.

    Whoever waits for one environment before they ask for the next waits for this.
    """
    if not record.phase.is_terminal:
        return False
    return await app.promotions.get(Todo, record.environment, row_key(follow_up(record))) is None
