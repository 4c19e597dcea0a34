"""Who did something."""

import msgspec


class Actor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Who did it.

    Attributes:
        id: Tenant and object id where they are known; else what is known.
        name: For people to read.
        via: How the actor was known: `automation`, `entra`, `key` or `local`.
    """

    id: str
    name: str
    via: str


AUTOMATION = Actor("promoter", "Promoter", "automation")
