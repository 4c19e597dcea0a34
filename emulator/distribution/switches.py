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


_LONGEST_WARNINGS = 4096


class RegistrySwitches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The switches of a registry, as `PUT /emulator/registries/{name}` takes them.

    Attributes:
        auth: Whom it lets in.
        referrers: Whether it has the referrers API; without, clients keep referrers under a tag.
        warnings: What it warns of in every answer (distribution-spec: Warnings).
    """

    auth: Auth = Auth.ANONYMOUS
    referrers: bool = True
    warnings: list[str] = []

    def __post_init__(self) -> None:
        """Check what the types do not say."""
        if not all(text.isascii() and text.isprintable() for text in self.warnings):
            message = "a warning is one line of printable ASCII characters"
            raise ValueError(message)
        if sum(len(header) for header in self.warning_headers) > _LONGEST_WARNINGS:
            message = f"warnings have at most {_LONGEST_WARNINGS} bytes together, as they are sent"
            raise ValueError(message)

    @property
    def warning_headers(self) -> list[str]:
        """The warnings as headers have them (RFC 7234: Warning)."""
        quoted = (text.replace("\\", "\\\\").replace('"', '\\"') for text in self.warnings)
        return [f'299 - "{text}"' for text in quoted]
