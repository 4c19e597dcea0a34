"""Reading ranges of rows to their end, a page at a time."""

from collections.abc import AsyncIterator
from typing import cast

from promoter.application.app import App
from promoter.application.documents import Row, row_key
from promoter.domain.document import Document

_PAGE = 100


async def every[R: Document](
    app: App, kind: type[R], environment: str, prefix: str = "", after: str = ""
) -> AsyncIterator[R]:
    """Every row of a kind in an environment whose key starts with `prefix`, in key order after a key."""
    while True:
        page = await app.promotions.page(kind, environment, prefix=prefix, after=after, limit=_PAGE)
        for row in page:
            yield row
        if len(page) < _PAGE:
            return
        after = row_key(cast("Row", page[-1]))
