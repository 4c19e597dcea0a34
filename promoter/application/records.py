"""Finding one promotion record by its id."""

from promoter.application.app import App
from promoter.domain.errors import NotFoundError
from promoter.domain.promotion import Promotion, RecordId


async def find_record(app: App, record_id: str) -> Promotion:
    """The record of that id.

    Raises:
        NotFoundError: There is none.
    """
    found = RecordId.parse(record_id)
    record = await app.record(found.line_key, found.sequence)
    if record is None:
        message = f"there is no promotion record {record_id!r}"
        raise NotFoundError(message)
    return record
