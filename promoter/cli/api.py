"""Calls of the HTTP API: one request and its answer, tried again where that is safe.

The standard library's client: a better one takes longer to import than a promotion takes to call for
(docs/adr/0015).
"""

import json
import os
import ssl
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import URLError
from urllib.parse import quote, urlencode

from promoter import __version__
from promoter.cli.address import LOCAL, Address, SignIn
from promoter.cli.ends import CommandError, Exit, Json

TRIES = 4
_TIMEOUT = 30.0
_LONGEST_PAUSE = 30.0
_LOCALLY = " (`make stack` starts a Promoter there; --url or PROMOTER_URL names another)"
_MAX_PAGE = 100
_SIGN_IN = "sign in by a function's key (--key, PROMOTER_KEY) or by Entra ID (--scope, PROMOTER_SCOPE)"
_NOT_KNOWN = ("is not known here", "unknown field")  # as a server says, and as one of before did
_STILL_RUNNING = "urn:promoter:problem:still-running"
_COMMANDS = {
    "GET /api/promotions": "`promoter history`",
    "GET /api/decisions": "`promoter explain`",
    "GET /api/environments": "`promoter status`",
    "GET /api/candidates": "`promoter candidates`",
}
"""What the server calls by its own name, as whoever types knows it."""
_EXITS = {400: Exit.USAGE, 401: Exit.DENIED, 403: Exit.DENIED, 404: Exit.UNKNOWN} | dict.fromkeys(
    (429, 502, 503, 504), Exit.UNREACHABLE
)


class Api:
    """The server.

    Attributes:
        url: Its address, as it is shown.
    """

    def __init__(
        self,
        address: Address,
        sign_in: SignIn,
        pause: Callable[[float], None],
        tell: Callable[[str], None],
        *,
        timeout: float = _TIMEOUT,
    ) -> None:
        """Talk to the server at an address.

        Args:
            address: Where it is.
            sign_in: Who calls.
            pause: Waits for so many seconds.
            tell: Says that something is tried again.
            timeout: How many seconds an answer may take, beyond what was asked for by `wait`.
        """
        self.url = address.root.removesuffix("/api")
        self._root = address.root
        self._sign_in = sign_in
        self._pause = pause
        self._tell = tell
        self._timeout = timeout
        self._waits = True
        self._opener = _opener(address)

    def get(self, *path: str, query: Json | None = None, wait: float = 0, tries: int = 1) -> Json:
        """Read something; with `wait`, at most so many seconds later, when it is done.

        A server that knows nothing of waiting answers at once.

        Raises:
            CommandError: It cannot be read.
        """
        wanted = {**(query or {}), "wait": max(round(wait), 1) if wait and self._waits else None}
        try:
            return _document(self._call(tries, self._request("GET", path, wanted), self._timeout + wait))
        except CommandError as error:
            if wanted["wait"] is None or error.exit is not Exit.USAGE or "`wait`" not in str(error):
                raise
        self._waits = False
        return self.get(*path, query=query, tries=tries)

    def items(self, *path: str, limit: int | None = None, cursor: str | None = None, **query: object) -> Json:
        """Read a list, page by page: all of it, or the first so many; the answer looks like one page.

        Raises:
            CommandError: It cannot be read.
        """
        found: list[Json] = []
        while True:
            size = None if limit is None else min(limit - len(found), _MAX_PAGE)
            page = self.get(*path, query={**query, "limit": size, "cursor": cursor})
            found += page["items"]
            cursor = page.get("cursor")
            if cursor is None or (limit is not None and len(found) >= limit):
                return {"items": found, "cursor": cursor}

    def write(
        self, method: str, *path: str, body: Json | None = None, query: Json | None = None
    ) -> tuple[int, Json]:
        """Change something, once: what got lost on the way is asked again under the same key.

        Returns:
            The status and the document; an empty one where the answer has none.

        Raises:
            CommandError: It was not done, or it is not known whether it was.
        """
        request = self._request(method, path, query or {}, body)
        request.add_header("Idempotency-Key", os.urandom(16).hex())
        status, content = self._call(TRIES, request, self._timeout)
        return status, _document((status, content)) if content else {}

    def _request(
        self, method: str, path: tuple[str, ...], query: dict[str, object], body: Json | None = None
    ) -> urllib.request.Request:
        segments = "/".join(quote(each, safe=":~") for each in path)
        wanted = urlencode({name: _text(value) for name, value in query.items() if value is not None})
        url = f"{self._root}/{segments}" + (f"?{wanted}" if wanted else "")
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "User-Agent": f"promoter/{__version__}"}
        if method != "GET":
            headers |= {"Content-Type": "application/json", "X-Promoter-Client": "promoter"}
        return urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - http(s), see Address

    def _call(self, tries: int, request: urllib.request.Request, timeout: float) -> tuple[int, bytes]:
        for number in range(tries - 1):
            try:
                return self._once(request, timeout)
            except CommandError as error:
                seconds = 2.0**number if error.retry_after is None else error.retry_after
                if not error.again or seconds > _LONGEST_PAUSE:
                    raise
                self._tell(f"{error}; trying again in {seconds:g} s")
                self._pause(seconds)
        return self._once(request, timeout)

    def _once(self, request: urllib.request.Request, timeout: float) -> tuple[int, bytes]:
        for name, value in self._sign_in.headers().items():
            request.add_header(name, value)
        try:
            with self._opener.open(request, timeout=timeout) as response:
                content = response.read()
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from error
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            raise self._problem(response, content)
        return response.status, content

    def _unreachable(self, error: OSError | HTTPException) -> CommandError:
        reason = error.reason if isinstance(error, URLError) else error
        if isinstance(reason, ssl.SSLCertVerificationError):
            message = (
                f"the certificate of {self.url} is not trusted: {reason.verify_message}; "
                "SSL_CERT_FILE names a file of other authorities to trust"
            )
            return CommandError(message, Exit.UNREACHABLE)
        what = "no answer in time" if isinstance(reason, TimeoutError) else _said(reason)
        hint = _LOCALLY if self.url == LOCAL else ""
        message = f"{self.url} cannot be reached: {what}{hint}"
        return CommandError(message, Exit.UNREACHABLE, again=True)

    def _problem(self, response: HTTPResponse, content: bytes) -> CommandError:
        status = response.status
        document = _parsed(content)
        if not isinstance(document, dict) or "detail" not in document:
            return self._not_ours(status)
        wait = response.headers.get("Retry-After", "")
        exit_ = _exit_of(status, document)
        return CommandError(
            self._told(status, document),
            exit_,
            answer=document,
            retry_after=float(wait) if wait.isdecimal() else None,
            again=exit_ is Exit.UNREACHABLE,
        )

    def _told(self, status: int, document: Json) -> str:
        """A problem in words, and what to do where that is another thing than to ask for something else."""
        detail, field = document["detail"], document.get("field")
        is_told = not field or field == "id" or detail.startswith(field)  # no command calls anything an id
        message = str(detail) if is_told else f"{field}: {detail}"
        for call, command in _COMMANDS.items():
            message = message.replace(call, command)
        if any(words in message for words in _NOT_KNOWN):
            return (
                f"{message} (the Promoter at {self.url} may be older than this command line, {__version__})"
            )
        if status == HTTPStatus.UNAUTHORIZED:
            return f"{message}: {_SIGN_IN}"
        remedy = document.get("remedy") if status not in {*_EXITS, HTTPStatus.CONFLICT} else None
        return f"{message}. {remedy}" if remedy else message

    def _not_ours(self, status: int) -> CommandError:
        """What the platform in front of Promoter, or something else, has answered."""
        exit_ = _EXITS.get(status, Exit.FAILED)
        if exit_ is Exit.DENIED or status < HTTPStatus.BAD_REQUEST:
            return CommandError(f"{self.url} does not let you in ({status}): {_SIGN_IN}", Exit.DENIED)
        if exit_ is Exit.UNKNOWN:
            message = (
                f"{self.url} does not know this call (404): check --url (PROMOTER_URL), or else the Promoter "
                f"there is older than this command line ({__version__})"
            )
            return CommandError(message, exit_)
        return CommandError(f"{self.url} answered {status}", exit_, again=exit_ is Exit.UNREACHABLE)


def _exit_of(status: int, document: Json) -> Exit:
    if document.get("decision", {}).get("outcome") == "waiting":
        return Exit.WAITING
    if document.get("type") == _STILL_RUNNING:  # this very call, whose answer was lost on the way
        return Exit.UNREACHABLE
    return _EXITS.get(status, Exit.FAILED)


def _opener(address: Address) -> urllib.request.OpenerDirector:
    """Follows no redirect and opens no file: what the server answers is the answer."""
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.ProxyHandler({} if address.is_loopback else None))
    opener.add_handler(urllib.request.HTTPHandler())
    if address.root.startswith(
        "https:"
    ):  # it reads all certificates that the system trusts, which takes a while
        opener.add_handler(urllib.request.HTTPSHandler())
    return opener


def _document(answer: tuple[int, bytes]) -> Json:
    document = _parsed(answer[1])
    if not isinstance(document, dict):
        message = "the answer is not Promoter's: check --url (PROMOTER_URL)"
        raise CommandError(message, Exit.FAILED)
    return document


def _parsed(content: bytes) -> Any:  # noqa: ANN401 - JSON is whatever it is
    try:
        return json.loads(content)
    except ValueError:
        return None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _said(reason: object) -> str:
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return text[:1].lower() + text[1:] if text else type(reason).__name__
