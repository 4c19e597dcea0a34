"""Every error Promoter raises on purpose.

    PromoterError
    ├── InvalidError              the input can never be accepted: say what is wrong with it
    │   ├── InvalidReferenceError     a repository, tag, digest or registry id that is none
    │   ├── PolicyError           a policy file with problems, all of them listed
    │   └── SettingsError         app settings with problems, all of them listed
    ├── ForbiddenError            the caller may not do that: the text says which role is missing
    ├── NotFoundError             what was named does not exist
    ├── RefusedError              the request is understood, and the answer is no; may carry the decision
    ├── ConcurrentChangeError     a conditional write lost its race: read again, decide again
    └── UnavailableError          a dependency is slow, down or throttled: the same later
        └── DeniedError           it does not let the app in: later, when somebody has seen to that

The last two say "again"; the others are final for the input that caused them.
"""

from datetime import timedelta
from typing import override


class PromoterError(Exception):
    """The root of the tree; its text is meant for the person who has to act on it."""


class InvalidError(PromoterError, ValueError):
    """The input can never be accepted.

    A ValueError too, so that a type which checks itself can be part of a larger one that is decoded.

    Attributes:
        field: The path of the offending field, where one is known, as in `gates[0].maxAge`.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvalidReferenceError(InvalidError):
    """A repository, tag, digest or registry id that breaks its specification's grammar."""


class PolicyError(InvalidError):
    """A policy file that is not accepted.

    Attributes:
        problems: Every problem found, each starting with the path to the value.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the policy has problems: " + "; ".join(problems))
        self.problems = problems


class SettingsError(InvalidError):
    """App settings that are not accepted.

    Attributes:
        problems: Every problem found, each starting with the setting's name; never with its value.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the settings have problems: " + "; ".join(problems))
        self.problems = problems


class ForbiddenError(PromoterError):
    """The caller may not do that; the text says which role he lacks."""


class NotFoundError(PromoterError):
    """What the request names does not exist.

    Attributes:
        field: The path of what names it, where that is known.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class RefusedError(PromoterError):
    """The request is understood, and the answer is no."""


class ConcurrentChangeError(PromoterError):
    """What was read has changed before it was written."""


class UnavailableError(PromoterError):
    """A dependency did not answer, or asked to come back later.

    Attributes:
        retry_after: How long it asked to be left alone; None where it did not say.
    """

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @override
    def __str__(self) -> str:
        wait = f" (again after {self.retry_after.total_seconds():g} s)" if self.retry_after else ""
        return super().__str__() + wait


class DeniedError(UnavailableError):
    """A dependency does not let the app in; the text says which role is missing, and on what."""
