"""Finding one promotion record: by its id, or by what it has to do with an image."""

from promoter.application.app import App
from promoter.application.documents import Todo, follow_up, row_key
from promoter.domain.condition import Kind
from promoter.domain.errors import NotFoundError
from promoter.domain.image import Image, Tag
from promoter.domain.line import Line
from promoter.domain.promotion import Phase, Promotion, RecordId


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


async def running(app: App, line: Line, image: Image, tag: Tag) -> Promotion | None:
    """The same promotion, where one is on the line already."""
    for number in line.queue:
        record = await app.record(line.line_key, number)
        if record is None or record.phase.is_terminal or record.kind is Kind.ROLLBACK:
            continue
        if record.phase is Phase.PENDING and record.kind is Kind.AUTOMATIC and line.hold is not None:
            continue  # it will not start, and what is asked for by hand may
        if (record.digest, record.tag) == (image.digest, tag) and record.sequence >= line.barrier:
            return record
    return None


async def already_current(app: App, line: Line, image: Image) -> Promotion | None:
    """The record that made the image current, where nothing else is on the way."""
    current = line.current
    if current is None or current.digest != image.digest or line.queue:
        return None
    record = RecordId.parse(current.record)
    return await app.record(record.line_key, record.sequence)
