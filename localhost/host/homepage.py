"""What is answered at the root, where no route takes that: what there is to be opened in a browser.

Azure's host has a page there too (its HomepageMiddleware.cs); the same setting turns both off.
"""

import os
from collections.abc import Iterable
from html import escape

from aiohttp import web

DISABLED = "AzureWebJobsDisableHomepage"
_HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}


def homepage(paths: Iterable[str]) -> web.Response:
    """The page; nothing where it is turned off.

    Args:
        paths: What can be opened in a browser, as in `/api/health`.
    """
    if os.environ.get(DISABLED, "").lower() == "true":
        return web.Response(status=204)
    links = "".join(f'<li><a href="{escape(path)}">{escape(path)}</a></li>\n' for path in paths)
    text = (
        '<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Functions app</title>\n'
        "<h1>This Functions app is up</h1>\n<p>What of it can be opened in a browser:</p>\n"
        f"<ul>\n{links}</ul>\n</html>\n"
    )
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)
