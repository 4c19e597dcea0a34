"""Parts of pages that come of running something, each between `<!-- NAME -->` and `<!-- /NAME -->`."""

from pathlib import Path


def with_parts(page: str, parts: dict[str, str]) -> str:
    """A page with these parts in place of what it had.

    Raises:
        KeyError: The page has no place for one.
    """
    for name, text in parts.items():
        before, start, rest = page.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        if not end:
            raise KeyError(name)
        page = f"{before}{start}\n{text.strip()}\n\n{end}{after}"
    return page


def write_part(page: Path, name: str, text: str) -> None:
    """Write one part of a page anew.

    Raises:
        KeyError: The page has no place for it.
    """
    page.write_text(with_parts(page.read_text(), {name: text}))
