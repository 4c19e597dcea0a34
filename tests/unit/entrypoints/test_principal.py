"""The platform's principal: strictly what it writes for somebody signed in with Entra, and nothing else."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promoter.domain.access import Role
from promoter.entrypoints.principal import MAX_HEADER, UnauthenticatedError, parse_principal
from tests.unit.entrypoints.principals import OBJECT, ROLE, TENANT, claim, principal

LONG = "http://schemas.microsoft.com/identity/claims"
EMAIL = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"
GUEST = "ann_x.org#EXT#@y.onmicrosoft.com"
IDS = (claim("tid", TENANT), claim("oid", OBJECT))


def refused(header: str) -> str:
    with pytest.raises(UnauthenticatedError) as caught:
        parse_principal(header)
    return str(caught.value)


def test_ids_are_tenant_and_object_id_and_several_role_claims_are_all_taken() -> None:
    found = parse_principal(principal(*IDS, *(claim("roles", role) for role in (Role.READER, Role.ADMIN))))
    assert found.actor.id == f"{TENANT}/{OBJECT}"
    assert found.actor.via == "entra"
    assert found.roles == {Role.READER, Role.ADMIN}


def test_claims_may_have_their_long_types_and_ids_any_case() -> None:
    long = (claim(f"{LONG}/tenantid", TENANT.upper()), claim(f"{LONG}/objectidentifier", OBJECT))
    found = parse_principal(principal(*long, claim(ROLE, Role.READER)))
    assert found.actor.id == f"{TENANT}/{OBJECT}"
    assert found.roles == {Role.READER}


def test_the_type_of_roles_is_the_one_that_the_principal_names() -> None:
    claims = (*IDS, claim("groups", Role.ADMIN), claim("roles", Role.READER), claim("job", Role.OPERATOR))
    assert parse_principal(principal(*claims)).roles == {Role.READER}
    assert parse_principal(principal(*claims, role_typ="job")).roles == {Role.READER, Role.OPERATOR}


def test_a_role_that_looks_like_a_list_is_one_role_and_none_of_ours() -> None:
    listed = f"{Role.READER},{Role.ADMIN}"
    assert parse_principal(principal(*IDS, claim("roles", listed))).roles == {listed}


@pytest.mark.parametrize(
    ("claims", "name_typ", "name"),
    [
        ([claim("name", "Ann Lee"), claim(EMAIL, "ann@x.org")], EMAIL, "ann@x.org"),
        ([claim("name", "Ann Lee"), claim(EMAIL, "ann@x.org")], None, "Ann Lee"),
        ([claim("name", "Ann Lee")], "nothing-such", "Ann Lee"),
        ([claim("preferred_username", GUEST)], None, GUEST),
        ([claim("azp", OBJECT)], None, f"application {OBJECT}"),
        ([], None, f"{TENANT}/{OBJECT}"),
        ([claim("name", " \x00 ")], None, f"{TENANT}/{OBJECT}"),
        ([claim("name", "Ann\r\n2026 promote by \u202eeve")], None, "Ann 2026 promote by eve"),
        ([claim("name", "x" * 500)], None, "x" * 128),
    ],
)
def test_names_are_for_people_to_read(claims: list[Any], name_typ: str | None, name: str) -> None:
    found = parse_principal(principal(*IDS, *claims, name_typ=name_typ))
    assert found.actor.name == name
    assert found.actor.id == f"{TENANT}/{OBJECT}"


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("", "cannot be read"),
        ("not base64!", "it is not base64"),
        ("eyJ9", "cannot be read"),
        ("ünï", "it is not base64"),
        (principal(*IDS) + "\n", "it is not base64"),
        (principal(*IDS)[:-2], "it is not base64"),
        (f"{principal(*IDS)}, {principal(*IDS)}", "it is not base64"),
        (base64.b64encode(b"\xff\xfe").decode(), "cannot be read"),
        (base64.b64encode(b"[" * 20_000).decode(), "cannot be read"),
        (base64.b64encode(json.dumps({"claims": []}).encode()).decode(), "auth_typ"),
        (principal(*IDS, auth_typ="github"), "another identity provider"),
        (principal(), "one tenant"),
        (principal(claim("tid", TENANT)), "one object id"),
        (principal(claim("tid", "contoso"), claim("oid", OBJECT)), "one tenant"),
        (principal(*IDS, claim(f"{LONG}/objectidentifier", TENANT)), "one object id"),
        (principal(claim("tid", TENANT), claim("oid", f"{OBJECT}/../x")), "one object id"),
        (principal({"typ": "oid"}), "cannot be read"),
        (principal({"typ": "roles", "val": [Role.ADMIN]}), "cannot be read"),
    ],
)
def test_what_the_platform_does_not_write_is_nobody(header: str, text: str) -> None:
    assert text in refused(header)


def test_the_same_id_twice_is_the_same_person() -> None:
    twice = (claim(f"{LONG}/objectidentifier", OBJECT), claim(f"{LONG}/tenantid", TENANT))
    assert parse_principal(principal(*IDS, *twice)).actor.id == f"{TENANT}/{OBJECT}"


def test_two_hundred_groups_are_read_and_a_hundred_kilobytes_are_not_looked_at() -> None:
    groups = [claim("groups", OBJECT) for _ in range(200)]
    assert parse_principal(principal(*IDS, *groups)).actor.id == f"{TENANT}/{OBJECT}"
    header = principal(*IDS, *(claim("roles", f"role-{number}") for number in range(3000)))
    assert len(header) > 100_000
    assert f"at most {MAX_HEADER} are read" in refused(header)
    assert f"at most {MAX_HEADER} are read" in refused("A" * (MAX_HEADER + 4))


@pytest.mark.timeout(10)  # it takes some milliseconds; whatever is not linear takes far longer
@pytest.mark.parametrize("filling", [b'{"typ":"roles","val":"x"},', b"[[", b'"\\', b'{"auth_typ":', b"\x00"])
def test_the_longest_header_is_read_in_bounded_time_however_it_is_filled(filling: bytes) -> None:
    refused(base64.b64encode(b'{"claims":[' + filling * (45_000 // len(filling))).decode())


@given(st.text() | st.binary().map(lambda raw: base64.b64encode(raw).decode()))
def test_whatever_it_is_only_the_typed_error_comes_of_it(header: str) -> None:
    refused(header)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = st.fixed_dictionaries(
    {"typ": st.sampled_from(["tid", "oid", "roles", "name"]) | JSON, "val": st.just(OBJECT) | JSON}
)


@given(
    st.fixed_dictionaries(
        {"auth_typ": st.just("aad") | JSON, "claims": st.lists(CLAIMS, max_size=5) | JSON},
        optional={"name_typ": JSON, "role_typ": JSON},
    )
)
def test_whatever_it_says_it_is_somebody_whole_or_nobody(content: dict[str, Any]) -> None:
    header = base64.b64encode(json.dumps(content).encode()).decode()
    try:
        found = parse_principal(header)
    except UnauthenticatedError:
        return
    tenant, _, object_id = found.actor.id.partition("/")
    assert (tenant, object_id) == (OBJECT, OBJECT)
    assert found.actor.name.isprintable()
