"""Repositories, tags and digests, parsed once at the edge (distribution-spec: Pulling manifests)."""

import hashlib
import re
from dataclasses import dataclass
from typing import NewType, Self, override

from emulator import errors

Repository = NewType("Repository", str)
Tag = NewType("Tag", str)

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_HEX = re.compile(r"[0-9a-f]+")
_HEX_LENGTHS = {"sha256": 64, "sha512": 128}
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Digest:
    """The identity of content: an algorithm's name and a hash in hexadecimal."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `algorithm:hex`.

        Raises:
            OciError: DIGEST_INVALID, when it is malformed or the algorithm is neither sha256 nor sha512.
        """
        algorithm, _, digits = text.partition(":")
        if len(digits) != _HEX_LENGTHS.get(algorithm) or not _HEX.fullmatch(digits):
            raise errors.digest_malformed(text)
        return cls(algorithm, digits)

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> Self:
        """Compute the digest of content."""
        return cls(algorithm, hashlib.new(algorithm, content, usedforsecurity=False).hexdigest())

    @override
    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


type Reference = Tag | Digest


def algorithm(text: str) -> str:
    """Read the name of a digest algorithm.

    Raises:
        OciError: DIGEST_INVALID, when it is not supported.
    """
    if text not in _HEX_LENGTHS:
        raise errors.digest_malformed(text)
    return text


def repository(text: str) -> Repository:
    """Read a repository's name.

    Raises:
        OciError: NAME_INVALID.
    """
    if len(text) > _LONGEST_NAME or not _REPOSITORY.fullmatch(text):
        raise errors.name_invalid(text)
    return Repository(text)


def tag(text: str) -> Tag:
    """Read a tag.

    Raises:
        OciError: TAG_INVALID.
    """
    if not _TAG.fullmatch(text):
        raise errors.tag_invalid(text)
    return Tag(text)


def reference(text: str) -> Reference:
    """Read what follows `/manifests/`: a digest where it holds a colon, else a tag."""
    return Digest.parse(text) if ":" in text else tag(text)
