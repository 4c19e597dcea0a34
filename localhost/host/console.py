"""What the host says on a terminal or in a log: the look of `func start`, and colours only on a terminal."""

import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TextIO, override

_RESET = "\x1b[0m"
_RED, _YELLOW, _GREEN, _CYAN, _GREY = (f"\x1b[{code}m" for code in (31, 33, 32, 36, 90))
_LEVELS: Mapping[int, str] = {
    logging.DEBUG: _GREY,
    logging.WARNING: _YELLOW,
    logging.ERROR: _RED,
    logging.CRITICAL: _RED,
}
_VERBS = {"Executing": _GREY, "Executed": _GREEN}


def is_coloured(stream: TextIO) -> bool:
    """Whether a stream is a terminal whose user has nothing against colours (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


class Formatter(logging.Formatter):
    """`[2026-07-29T18:30:57.123Z] message`; the level from WARNING up, and the name of the app's loggers."""

    def __init__(self, *, coloured: bool) -> None:
        super().__init__()
        self._coloured = coloured

    @override
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        level = f"{record.levelname} " if record.levelno >= logging.WARNING else ""
        name = "" if record.name == "host" else f"{record.name}: "
        text = f"{level}{name}{record.getMessage()}"
        if record.exc_info:
            text += f"\n{self.formatException(record.exc_info)}"
        return f"[{moment}.{record.msecs:03.0f}Z] {self._painted(text, _colour(record))}"

    def _painted(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_RESET}" if self._coloured and colour else text


def _colour(record: logging.LogRecord) -> str:
    if record.name == "host" and record.levelno == logging.INFO:
        return next((colour for verb, colour in _VERBS.items() if str(record.msg).startswith(verb)), "")
    return _LEVELS.get(record.levelno, "")


def set_up_logging() -> None:
    """Log to standard error, the app and the host alike."""
    handler = logging.StreamHandler()
    handler.setFormatter(Formatter(coloured=is_coloured(sys.stderr)))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("azure").setLevel(logging.WARNING)
    # What the worker library says of a failure, this host says too, with the function's name.
    logging.getLogger("azure.functions").setLevel(logging.CRITICAL)


def list_functions(functions: Iterable[tuple[str, str, str]]) -> None:
    """Print functions, each a name, what triggers it, and where."""
    coloured = is_coloured(sys.stdout)
    name_colour, place_colour, end = (_YELLOW, _CYAN, _RESET) if coloured else ("", "", "")
    print("\nFunctions:\n")
    for name, trigger, place in functions:
        print(f"        {name_colour}{name}{end}: {trigger} {place_colour}{place}{end}\n")
    print("Function keys are not asked for on this machine, whatever the AuthLevel.\n", flush=True)


def print_problems(problems: Iterable[str]) -> None:
    """Print why an app cannot be run."""
    colour, end = (_RED, _RESET) if is_coloured(sys.stderr) else ("", "")
    found = list(problems)
    head = "The app cannot be run as it stands:" if len(found) > 1 else ""
    lines = [head, *(f"  - {problem}" for problem in found)] if head else found
    print(*(f"{colour}{line}{end}" for line in lines), sep="\n", file=sys.stderr, flush=True)
