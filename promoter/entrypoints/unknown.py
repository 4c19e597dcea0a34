"""Calls that no route takes: what is wrong with them, the path or the method."""

import re

import azure.functions as func

from promoter.domain.errors import PromoterError
from promoter.entrypoints.routes import ROUTES


class UnknownPathError(PromoterError):
    """The API has no such path."""


class MethodNotAllowedError(PromoterError):
    """The path has other methods.

    Attributes:
        allowed: Those.
    """

    def __init__(self, message: str, allowed: list[str]) -> None:
        super().__init__(message)
        self.allowed = allowed


def unknown_call(req: func.HttpRequest) -> UnknownPathError | MethodNotAllowedError:
    """What is wrong with a call that no route takes. Nothing of it is repeated: it came from anybody."""
    path = req.route_params.get("path") or ""
    allowed = sorted(route.method for route in ROUTES.values() if _pattern(route.path).fullmatch(path))
    if allowed:
        return MethodNotAllowedError(f"this path takes {' and '.join(allowed)}", allowed)
    return UnknownPathError("the API has no such path; a repository's / is written : in a path")


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", template) + "/?", re.IGNORECASE)
