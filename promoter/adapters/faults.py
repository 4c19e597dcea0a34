"""What Azure's SDKs raise, in the domain's words. No vendor's exception crosses a port, and no secret."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from azure.core.exceptions import AzureError, HttpResponseError

from promoter.domain.errors import DeniedError, UnavailableError

_MAX_MESSAGE = 300
_DENIED = {401, 403}
MAX_RETRY_AFTER = timedelta(minutes=15)
_SECONDS = re.compile(r"[0-9]{1,9}(?:\.[0-9]+)?")
_QUERIES = re.compile(r"\?\S*")


def unavailable(error: AzureError, doing: str, hint: str = "") -> UnavailableError:
    """The error that says: the same later.

    Args:
        error: What the SDK raised.
        doing: What failed, as in `reading the table Promotions`.
        hint: What an operator does where access was denied.
    """
    response = error.response if isinstance(error, HttpResponseError) else None
    if response is None:
        return UnavailableError(f"{doing} failed: {_summary(str(error))}")
    status = response.status_code
    headers: Mapping[str, str] = getattr(response, "headers", {})
    code = headers.get("x-ms-error-code") or _code(error) or response.reason or ""
    if status in _DENIED:
        return DeniedError(f"{doing} failed: {status} {code}{f'; {hint}' if hint else ''}")
    return UnavailableError(f"{doing} failed: {status} {code}", retry_after(headers))


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long a service asked to be left alone, as seconds, a date or milliseconds; at most 15 minutes."""
    asked = _asked(headers)
    return None if asked is None else min(asked, MAX_RETRY_AFTER)


def _asked(headers: Mapping[str, str]) -> timedelta | None:
    text = headers.get("Retry-After")
    if text:
        return _seconds(text) if _SECONDS.fullmatch(text) else _until(text)
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (text := headers.get(name)) and _SECONDS.fullmatch(text):
            return _seconds(text) / 1000
    return None


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=min(float(text), 10**6))


def _code(error: AzureError) -> str:
    """The service's own code; the SDKs for Storage keep it as an enumeration."""
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def _until(date: str) -> timedelta | None:
    try:
        wait = parsedate_to_datetime(date) - datetime.now(UTC)
    except (ValueError, TypeError):
        return None
    return max(timedelta(0), wait)


def _summary(text: str) -> str:
    """An error's text without what a URL's query may carry."""
    line = _QUERIES.sub("", " ".join(text.split()))
    return line if len(line) <= _MAX_MESSAGE else line[:_MAX_MESSAGE] + "..."
