"""Why an app cannot be run."""

from collections.abc import Callable


class HostError(Exception):
    """The app cannot be run as it stands; each problem tells its developer why, and what to do."""

    def __init__(self, *problems: str) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(self.problems))


class Problems:
    """Collects what is wrong with an app, so that all of it is said at once.

    Attributes:
        found: What is wrong.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def attempt[T](self, do: Callable[[], T]) -> T | None:
        """Do something and give what comes of it; where that is a HostError, keep its problems."""
        try:
            return do()
        except HostError as error:
            self.found += error.problems
            return None

    def complain(self) -> None:
        """Go no further if anything is wrong.

        Raises:
            HostError: with all that was found.
        """
        if self.found:
            raise HostError(*self.found)
