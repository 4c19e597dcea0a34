"""What can be switched about one registry."""

from enum import StrEnum

import msgspec


class Auth(StrEnum):
    """Whom a registry lets in."""

    ANONYMOUS = "anonymous"  # everybody, for everything; Azure has no such thing
    ANONYMOUS_PULL = "anonymous-pull"  # everybody may pull; for the rest as `token`
    TOKEN = "token"  # noqa: S105 - who has an Entra token
    BASIC = "basic"  # the admin user too, with a name and a password

    @property
    def open(self) -> bool:
        """Whether nobody needs to say who they are."""
        return self is Auth.ANONYMOUS

    @property
    def anonymous_pull(self) -> bool:
        """Whether who is not known may pull."""
        return self in (Auth.ANONYMOUS, Auth.ANONYMOUS_PULL)

    @property
    def admin(self) -> bool:
        """Whether the admin user is enabled."""
        return self is Auth.BASIC


class RegistrySwitches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The switches of a registry, as `PUT /emulator/registries/{name}` takes them.

    Attributes:
        auth: Whom it lets in.
        referrers: Whether it has the referrers API; without, clients keep referrers under a tag.
    """

    auth: Auth = Auth.ANONYMOUS
    referrers: bool = True
