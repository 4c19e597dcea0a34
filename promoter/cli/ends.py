"""How the command line ends: its exit codes, and the error that carries one."""

from enum import IntEnum
from typing import Any, Self

type Json = dict[str, Any]


class Exit(IntEnum):
    """An exit code, for scripts to branch on, and what it means."""

    meaning: str

    DONE = 0, "done; or under way, where `--wait` was not given"
    FAILED = 1, "refused or failed: the answer is no, and asking again does not change it"
    USAGE = (
        2,
        "the command line or a value in it is not valid; or `--yes` is missing where nobody can be asked",
    )
    WAITING = 3, "not yet: gates, approvals or time are missing, or `--wait` has run out"
    UNREACHABLE = 4, "the server cannot be reached, or asks to come back later: try again"
    DENIED = 5, "not signed in, or not allowed"
    UNKNOWN = 6, "there is no such environment, image, record or rule"
    INTERRUPTED = 130, "ended by Ctrl-C"

    def __new__(cls, code: int, meaning: str) -> Self:
        """Keep the meaning beside the code."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member


class CommandError(Exception):
    """The command cannot go on; its text is meant for the person who typed it.

    Attributes:
        exit: The exit code that it ends with.
        answer: What the server said, where it said something: a problem document (RFC 9457).
        retry_after: For `UNREACHABLE`: the seconds that the server asked for; None where it did not say.
        again: For `UNREACHABLE`: whether the very same may go well in a moment.
    """

    def __init__(
        self,
        message: str,
        exit_: Exit,
        *,
        answer: Json | None = None,
        retry_after: float | None = None,
        again: bool = False,
    ) -> None:
        super().__init__(message)
        self.exit = exit_
        self.answer = answer
        self.retry_after = retry_after
        self.again = again
