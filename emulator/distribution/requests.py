"""What requests to a registry have in common: names in the path, pages, callers."""

from urllib.parse import quote

from aiohttp import web

from emulator.distribution.grants import Grant
from emulator.errors import OciError
from emulator.eventgrid.event import Caller
from emulator.store import names
from emulator.store.listing import Page
from emulator.store.names import Digest, Reference, Repository, Tag

_DIGITS = 15  # of a number of results; more than that are on no page

GRANT: web.RequestKey[Grant] = web.RequestKey("grant", Grant)
"""What the sender of a request may do."""


def repository_of(request: web.Request) -> Repository:
    """Read the repository in the path."""
    return names.repository(request.match_info["repository"])


def digest_of(request: web.Request) -> Digest:
    """Read the digest in the path."""
    return Digest.parse(request.match_info["digest"])


def tag_of(request: web.Request) -> Tag:
    """Read the tag in the path."""
    return names.tag(request.match_info["tag"])


def reference_of(request: web.Request) -> Reference:
    """Read the tag or digest in the path."""
    return names.reference(request.match_info["reference"])


def caller_of(request: web.Request) -> Caller:
    """Tell who asks, as events repeat it."""
    return Caller(request.method, request.headers.get("User-Agent", ""))


def page_of(request: web.Request, size: int | None = None) -> Page:
    """Read which page of a list is asked for.

    Raises:
        OciError: UNSUPPORTED; the specification has no code of its own for it.
    """
    number = request.query.get("n") or ("" if size is None else str(size))
    if number and not (number.isascii() and number.isdecimal()):
        raise OciError(400, "UNSUPPORTED", "n is the number of results, without sign")
    return Page(request.query.get("last", ""), int(number[:_DIGITS]) if number else None)


def cut[T](request: web.Request, page: Page, items: list[T], last: str) -> tuple[list[T], dict[str, str]]:
    """Cut a list to its page, and link to the next one, if there is one (RFC 5988).

    Args:
        request: The request, whose other parameters the link repeats.
        page: What was asked for.
        items: One more than the page shows, where there is more.
        last: The key of the last item on the page.
    """
    if page.size is None or len(items) <= page.size:
        return items, {}
    if page.size == 0:
        return [], {}
    others = "".join(
        f"&{name}={quote(value, safe='')}"
        for name, value in request.query.items()
        if name not in ("last", "n")
    )
    target = f"{request.path}?last={quote(last, safe='')}&n={page.size}{others}"
    return items[: page.size], {"Link": f'<{target}>; rel="next"'}


def last_shown[T](page: Page, items: list[T]) -> T | None:
    """Give the last item that the page shows, where another page follows."""
    return items[page.size - 1] if page.size and len(items) > page.size else None
