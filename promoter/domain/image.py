"""Image references, parsed once, at the edge.

The grammar is the OCI distribution specification's, "Pulling manifests": <name>, <reference>, <digest>.
Each type is a `str` that cannot exist unchecked: `Digest(text)` either is a digest or raises.
"""

import re
from typing import Self, override

import msgspec

from promoter.domain.errors import InvalidReferenceError

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
MAX_REPOSITORY = 255
_MAX_SHOWN = 80


class Repository(str):
    """The name of a repository in a registry, as in `shop/web`.

    Raises:
        InvalidReferenceError: The text breaks the specification's grammar for names.
    """

    __slots__ = ()
    EXAMPLE = "shop/web"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if len(text) > MAX_REPOSITORY:
            message = f"a repository name has at most {MAX_REPOSITORY} characters, not {len(text)}"
            raise InvalidReferenceError(message, "repository")
        if not REPOSITORY.fullmatch(text):
            message = (
                f"{_quoted(text)} is not a repository name: lower-case letters and digits, with "
                "one of . _ __ - inside a component and / between components "
                "(OCI distribution specification, <name>)"
            )
            raise InvalidReferenceError(message, "repository")
        return super().__new__(cls, text)

    @classmethod
    def from_path(cls, text: str) -> Self:
        """Take a name as it is written in a URL's path or a table's key, `:` for `/`."""
        return cls(text.replace(":", "/"))

    @property
    def path(self) -> str:
        """The name as one segment of a path or key, `:` for `/`."""
        return self.replace("/", ":")


class Tag(str):
    """A label on a digest; it may move.

    Raises:
        InvalidReferenceError: The text breaks the specification's grammar for tags.
    """

    __slots__ = ()
    EXAMPLE = "v1.0.0"

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if not TAG.fullmatch(text):
            message = (
                f"{_quoted(text)} is not a tag: at most 128 letters, digits and . _ -, the first of them a "
                "letter, a digit or _ (OCI distribution specification, <reference> as a tag)"
            )
            raise InvalidReferenceError(message, "tag")
        return super().__new__(cls, text)

    @property
    def names_referrer(self) -> bool:
        """Whether this is the fall-back tag of a referrer (`sha256-...`), not of an image."""
        return self.startswith("sha256-")


class Digest(str):
    """The identity of a manifest: algorithm and hash.

    Raises:
        InvalidReferenceError: It is neither sha256 nor sha512 with that algorithm's number of digits.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text."""
        if not DIGEST.fullmatch(text):
            message = (
                f"{_quoted(text)} is not a digest: sha256: and 64, or sha512: and 128, lower-case "
                "hexadecimal digits (OCI image specification, Digests)"
            )
            raise InvalidReferenceError(message, "digest")
        return super().__new__(cls, text)

    @property
    def short(self) -> str:
        """Enough of it for a person to tell two apart, as in `sha256:0f3a9c1b2d4e`."""
        algorithm, _, digits = self.partition(":")
        return f"{algorithm}:{digits[:12]}"

    @property
    def trace(self) -> str:
        """The W3C trace id of all that happens to the image: its first 32 digits, wherever it is."""
        return self.partition(":")[2][:32]


class Image(msgspec.Struct, frozen=True):
    """One image of a repository, by its digest."""

    repository: Repository
    digest: Digest

    @override
    def __str__(self) -> str:
        return f"{self.repository}@{self.digest.short}"


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "...")
