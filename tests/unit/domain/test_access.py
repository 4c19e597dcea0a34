"""Who may do what: deny by default, and say which role is missing."""

import msgspec
import pytest

from promoter.domain.access import Caller, Capability, Role, permit
from promoter.domain.actor import Actor
from promoter.domain.errors import ForbiddenError


class Roles(msgspec.Struct, frozen=True):
    operator: tuple[str, ...] = (Role.OPERATOR,)
    approver: tuple[str, ...] = (Role.APPROVER,)


class Place(msgspec.Struct, frozen=True):
    name: str = "prod"
    roles: Roles = Roles()


OWN = Place(roles=Roles(operator=("Promoter.Operator.Prod",), approver=("ReleaseBoard", "Owners")))
GIVES = {
    Role.READER: {Capability.READ},
    Role.REPORTER: {Capability.READ, Capability.REPORT},
    Role.OPERATOR: {Capability.READ, Capability.OPERATE},
    Role.APPROVER: {Capability.READ, Capability.APPROVE},
    Role.ADMIN: set(Capability),
}


def caller(*roles: str, via: str = "entra") -> Caller:
    return Caller(Actor("tenant/ann", "Ann", via), frozenset(roles))


def may(who: Caller, capability: Capability, place: Place | None = None) -> bool:
    try:
        permit(who, capability, place)
    except ForbiddenError:
        return False
    return True


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("place", [None, Place()])
def test_each_global_role_gives_what_the_table_says_and_no_more(role: Role, place: Place | None) -> None:
    assert {each for each in Capability if may(caller(role), each, place)} == GIVES[role]


@pytest.mark.parametrize("capability", Capability)
@pytest.mark.parametrize("role", ["", "promoter.admin", "Promoter.Administrator", "Admin", "Promoter."])
def test_no_role_and_roles_of_others_give_nothing(capability: Capability, role: str) -> None:
    assert not may(caller(role), capability)
    assert not may(caller(), capability, Place())


def test_an_environments_own_roles_take_the_place_of_the_global_ones() -> None:
    assert not may(caller(Role.OPERATOR), Capability.OPERATE, OWN)
    assert not may(caller(Role.APPROVER), Capability.APPROVE, OWN)
    assert may(caller("Promoter.Operator.Prod"), Capability.OPERATE, OWN)
    assert not may(caller("Promoter.Operator.Prod"), Capability.APPROVE, OWN)
    assert may(caller("Owners"), Capability.APPROVE, OWN)
    assert may(caller(Role.ADMIN), Capability.OPERATE, OWN)
    assert not may(caller("Promoter.Operator.Prod"), Capability.OPERATE, Place())
    assert not may(caller("Promoter.Operator.Prod"), Capability.OPERATE)


def test_whoever_operates_one_environment_may_read_all() -> None:
    assert may(caller("Promoter.Operator.Prod"), Capability.READ)
    assert not may(caller("Owners"), Capability.READ)


@pytest.mark.parametrize("capability", [Capability.APPROVE, Capability.ADMINISTER])
def test_a_key_is_nobody_whatever_roles_it_is_given(capability: Capability) -> None:
    key = caller(*Role, "Owners", via="key")
    assert not may(key, capability)
    assert not may(key, capability, OWN)
    assert may(key, Capability.OPERATE)


def test_the_error_says_which_role_is_missing_and_where() -> None:
    with pytest.raises(ForbiddenError) as caught:
        permit(caller(Role.READER), Capability.APPROVE, OWN)
    assert str(caught.value) == (
        "approve in prod needs the role ReleaseBoard or Owners; Ann has Promoter.Reader"
    )
    with pytest.raises(ForbiddenError, match=r"^report needs the role Promoter\.Reporter; Ann has no role$"):
        permit(caller(), Capability.REPORT)
    with pytest.raises(ForbiddenError, match="a function's key is nobody"):
        permit(caller(Role.ADMIN, via="key"), Capability.ADMINISTER)


def test_an_environment_that_names_nobody_is_left_to_the_admin() -> None:
    closed = Place(roles=Roles(operator=()))
    with pytest.raises(ForbiddenError, match=r"needs the role Promoter\.Admin"):
        permit(caller(Role.OPERATOR), Capability.OPERATE, closed)
    assert may(caller(Role.ADMIN), Capability.OPERATE, closed)
