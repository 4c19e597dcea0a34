"""Principals as App Service's authentication writes them."""

import base64
import json
from typing import Any

TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"
OBJECT = "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb"
ROLE = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"


def claim(typ: str, val: str) -> dict[str, Any]:
    return {"typ": typ, "val": val}


def principal(*claims: dict[str, Any], auth_typ: str = "aad", **types: str | None) -> str:
    """The header's value; `types` are `name_typ` and `role_typ`."""
    content = {"auth_typ": auth_typ, "claims": claims, **types}
    return base64.b64encode(json.dumps(content).encode()).decode()


def signed_in(*roles: str, object_id: str = OBJECT, name: str = "Ann") -> dict[str, str]:
    """The headers of somebody with these roles."""
    ids = (claim("tid", TENANT), claim("oid", object_id), claim("name", name))
    return {"X-MS-CLIENT-PRINCIPAL": principal(*ids, *(claim("roles", role) for role in roles))}
