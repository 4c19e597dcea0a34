"""Who calls: nobody is believed to be somebody on his own word, but on a developer's machine."""

import re
from collections.abc import Mapping

import azure.functions as func

from promoter.adapters.settings import Access, Auth, load_access
from promoter.domain.access import NAMELESS, Caller, Role
from promoter.domain.actor import Actor
from promoter.domain.errors import ForbiddenError, InvalidError
from promoter.entrypoints.principal import HEADER, UnauthenticatedError, parse_principal

LOCAL_ACTOR = "X-Promoter-Actor"
CLIENT = "X-Promoter-Client"
_LOCAL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@-]{0,62}[A-Za-z0-9])?")
_KEY_HOLDER = Caller(
    Actor("key", "a holder of the function's key", NAMELESS),
    frozenset({Role.READER, Role.REPORTER, Role.OPERATOR}),
)


class ClientHeaderError(ForbiddenError):
    """A write that a web page of somebody else could have made a browser send."""


def auth_level(environment: Mapping[str, str]) -> func.AuthLevel:
    """Whether the platform asks for a function's key: always, unless it signs callers in itself."""
    access = load_access(environment)
    signs_in = access is not None and access.auth is Auth.ENTRA and access.platform
    return func.AuthLevel.ANONYMOUS if signs_in else func.AuthLevel.FUNCTION


def caller_of(req: func.HttpRequest, access: Access) -> Caller:
    """Who makes a call.

    Raises:
        UnauthenticatedError: Nobody that the platform has let sign in.
        ForbiddenError: The platform's authentication is off, so that its headers can be forged.
        InvalidError: The local actor's name is none.
    """
    match access.auth:
        case Auth.LOCAL:
            return _local(req.headers.get(LOCAL_ACTOR))
        case Auth.KEYS:
            return _KEY_HOLDER
        case Auth.ENTRA:
            return _signed_in(req.headers.get(HEADER), access)


def check_not_cross_site(req: func.HttpRequest, access: Access) -> None:
    """Refuse a write that may have come by another site's page, with the cookie of whoever looks at it.

    The platform does not tell whether it knows a caller by a token or by a cookie, so with `entra` every
    write carries a header that no page of another site can make a browser send. Elsewhere only what a
    browser sends has to.

    Raises:
        ClientHeaderError: The header is missing.
    """
    by_cookie, by_browser = access.auth is Auth.ENTRA, "Origin" in req.headers
    if (by_cookie or by_browser) and not req.headers.get(CLIENT, "").strip():
        message = f"this call changes something: send the header {CLIENT} with your program's name"
        raise ClientHeaderError(message)


def _local(name: str | None) -> Caller:
    if name is None:
        return Caller(Actor("local", "whoever is at this machine", "local"), frozenset(Role))
    if not _LOCAL_NAME.fullmatch(name):
        message = f"{LOCAL_ACTOR} is a name: at most 64 letters, digits and . _ @ - between them"
        raise InvalidError(message, LOCAL_ACTOR)
    return Caller(Actor(f"local/{name}", name, "local"), frozenset(Role))


def _signed_in(principal: str | None, access: Access) -> Caller:
    if not access.platform:
        message = (
            "PROMOTER_AUTH=entra believes the platform, and the platform's authentication is off: anybody "
            "could have written this call's headers. Turn App Service authentication on"
        )
        raise ForbiddenError(message)
    if not principal:
        message = "sign in first: the platform names no caller"
        raise UnauthenticatedError(message)
    return parse_principal(principal)
