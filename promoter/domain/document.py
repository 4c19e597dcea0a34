"""What is stored as one row, and replaced only by who has read it."""

import msgspec


class Document(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A value that the store keeps whole.

    Attributes:
        version: What the store gave with it when it was read; empty while it is not stored. A write is
            accepted only where the store still has this version.
    """

    version: str = ""
