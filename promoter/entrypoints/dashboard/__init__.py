"""What runs where, what waits and what failed, as one page for people, which loads nothing but JSON.

The page is the same for everybody and holds nothing of anybody's; what it shows, it asks the API for, as
whoever looks at it (docs/adr/0017). Imported only where it is asked for: no other call pays for it.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path
from string import Template
from urllib.parse import quote

from promoter.adapters.settings import Auth

_HERE = Path(__file__).parent
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<rect width="16" height="16" rx="4" fill="#0b62a8"/>'
    '<path d="M3.5 11.5h9M8 10V4M5 6.5l3-3 3 3" fill="none" stroke="#fff" stroke-width="1.8"/></svg>'
)
_SCRIPTS = ("elements.js", "times.js", "client.js", "parts.js", "lists.js", "record.js", "main.js")
_STYLE = (_HERE / "style.css").read_text()
_SCRIPT = "\n".join((_HERE / name).read_text() for name in _SCRIPTS)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


SECURITY = "; ".join(
    (
        f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; img-src data:",
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "require-trusted-types-for 'script'; trusted-types 'none'",
    )
)
"""The page's content security policy: its own style and script, calls of its own origin, no text as HTML."""


@cache
def page(auth: Auth | None) -> str:
    """The whole page.

    Args:
        auth: How callers are known, so that the page can say how to sign in; None where that is not known.
    """
    template = Template((_HERE / "page.html").read_text())
    icon = f"data:image/svg+xml,{quote(_ICON)}"
    return template.substitute(auth=auth or "", icon=icon, style=_STYLE, script=_SCRIPT)
