"""The messages of the `promoter-work` queue. What wakes a use case does not matter, only what is stored."""

import msgspec

from promoter.domain.codec import decode, encode
from promoter.domain.image import Digest, Repository
from promoter.domain.line import LineKey


class Advance(msgspec.Struct, frozen=True, tag_field="do", tag="advance", rename="camel"):
    """Bring a line as far as it goes.

    Attributes:
        leftovers: Whether something is left of what had ended: then that is done first.
    """

    environment: str
    repository: Repository
    track: str = "main"
    leftovers: bool = False

    @property
    def line_key(self) -> LineKey:
        """The line."""
        return LineKey(self.environment, self.repository, self.track)


class Consider(msgspec.Struct, frozen=True, tag_field="do", tag="consider", rename="camel"):
    """Judge an image again, wherever it has arrived."""

    repository: Repository
    digest: Digest


type Work = Advance | Consider


def advance(key: LineKey, *, leftovers: bool = False) -> Advance:
    """The message that wakes a line."""
    return Advance(key.environment, key.repository, key.track, leftovers)


def to_message(work: Work) -> str:
    """The work as a queue message."""
    return encode(work)


def from_message(text: str) -> Work:
    """Read a queue message.

    Raises:
        InvalidError: It is none of ours.
    """
    work: Work = decode(text, Work.__value__)
    return work
