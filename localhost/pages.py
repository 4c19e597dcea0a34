"""Parts of pages that are made by running something: from `<!-- begin NAME -->` to `<!-- end NAME -->`."""

import re
from pathlib import Path


class NoBlockError(Exception):
    """The page has no such part."""


def write_block(page: Path, name: str, content: str) -> None:
    """Replace a part of a page.

    Raises:
        NoBlockError: The page has none of that name.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    text, found = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n{content.strip()}\n{end}",
        page.read_text(),
        flags=re.DOTALL,
    )
    if not found:
        message = f"{page} has no part that begins with {begin} and ends with {end}"
        raise NoBlockError(message)
    page.write_text(text)
