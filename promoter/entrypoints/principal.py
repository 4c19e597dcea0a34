"""Who the platform says is calling: the header `X-MS-CLIENT-PRINCIPAL` of App Service's authentication.

It is base64 of `{"auth_typ", "claims": [{"typ", "val"}], "name_typ", "role_typ"}`
(learn.microsoft.com/azure/app-service/configure-authentication-user-identities). Whoever parses it has made
sure that the platform wrote it: where its authentication is off, anybody can.
"""

import base64
import re

import msgspec

from promoter.domain.access import Caller
from promoter.domain.actor import Actor
from promoter.domain.codec import decode
from promoter.domain.errors import InvalidError, PromoterError

HEADER = "X-MS-CLIENT-PRINCIPAL"
MAX_HEADER = 64 * 1024
"""Characters; what is longer is not looked at. The 200 groups that Entra puts into a token take 20 KiB."""
_PROVIDER = "aad"
_SCHEMA = "http://schemas.microsoft.com"
_OBJECT = (f"{_SCHEMA}/identity/claims/objectidentifier", "oid")
_TENANT = (f"{_SCHEMA}/identity/claims/tenantid", "tid")
_ROLES = (f"{_SCHEMA}/ws/2008/06/identity/claims/role", "roles")
_NAMES = ("name", "preferred_username", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "upn")
_APPLICATIONS = ("azp", "appid")
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAX_NAME = 128


class UnauthenticatedError(PromoterError):
    """Nobody knows who calls."""


class _Claim(msgspec.Struct, frozen=True):
    typ: str
    val: str


class _Principal(msgspec.Struct, frozen=True):
    auth_typ: str
    claims: tuple[_Claim, ...]
    name_typ: str | None = None
    role_typ: str | None = None

    def values(self, *types: str | None) -> list[str]:
        """What the claims of these types say: type by type, as they stand."""
        return [claim.val for typ in types if typ for claim in self.claims if claim.typ == typ]


def parse_principal(header: str) -> Caller:
    """The caller that a principal's header names, with the roles that it gives.

    Raises:
        UnauthenticatedError: It is none that the platform writes for somebody signed in with Entra.
    """
    principal = _decoded(header)
    if principal.auth_typ.casefold() != _PROVIDER:
        message = f"{HEADER} is of another identity provider than Microsoft Entra (aad)"
        raise UnauthenticatedError(message)
    ids = f"{_guid(principal, _TENANT, 'tenant')}/{_guid(principal, _OBJECT, 'object id')}"
    roles = principal.values(principal.role_typ, *_ROLES)
    return Caller(Actor(ids, _name(principal) or ids, "entra"), frozenset(roles))


def _decoded(header: str) -> _Principal:
    if len(header) > MAX_HEADER:
        message = (
            f"{HEADER} has {len(header)} characters, and at most {MAX_HEADER} are read; "
            "let the app registration put fewer groups into its tokens"
        )
        raise UnauthenticatedError(message)
    try:
        return decode(base64.b64decode(header, validate=True), _Principal)
    except ValueError as error:
        what = str(error) if isinstance(error, InvalidError) else "it is not base64"
        message = f"{HEADER} cannot be read: {what}"
        raise UnauthenticatedError(message) from error


def _guid(principal: _Principal, types: tuple[str, ...], what: str) -> str:
    """The one id that the claims of these types give; two that differ are nobody's."""
    found = {value.casefold() for value in principal.values(*types)}
    if len(found) != 1 or not _GUID.fullmatch(one := found.pop()):
        message = f"{HEADER} does not give one {what}"
        raise UnauthenticatedError(message)
    return one


def _name(principal: _Principal) -> str:
    """For people to read, and for nothing else: a guest's may hold a `#`, anybody's may be anything."""
    applications = [f"application {each}" for each in principal.values(*_APPLICATIONS)]
    names = [*principal.values(principal.name_typ, *_NAMES), *applications]
    cleaned = (" ".join("".join(c if c.isprintable() else " " for c in name).split()) for name in names)
    return next((name[:_MAX_NAME] for name in cleaned if name), "")
