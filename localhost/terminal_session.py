"""A terminal that programs are run on, and what appeared there, as text."""

import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from dataclasses import dataclass
from fcntl import ioctl
from typing import override

from localhost.programs import ROOT

_COLUMNS, _ROWS = 110, 50
_PROGRAMS = {"promoter": [sys.executable, "-m", "promoter"], "python": [sys.executable]}
_TERMINAL = {"TERM": "dumb", "COLUMNS": str(_COLUMNS), "LINES": str(_ROWS)}
_QUESTION = re.compile(rb"\[y/N\]: $")
_PROMPT = "$ "


@dataclass(frozen=True)
class Shown:
    """One command, as it was typed, and what it has led to."""

    typed: str
    said: str
    code: int

    @override
    def __str__(self) -> str:
        """As the terminal showed it; an exit code that is not 0 is told by `echo $?`."""
        lines = [_PROMPT + self.typed, *self.said.splitlines()]
        if self.code:
            lines += [f"{_PROMPT}echo $?", str(self.code)]
        return "\n".join(line.rstrip() for line in lines)


def show(typed: str, environment: Mapping[str, str], *, yes: bool = True) -> Shown:
    """Run a command on a terminal of its own, and answer its question.

    Args:
        typed: The command; `promoter` and `python` are those of this checkout.
        environment: Variables on top of this process's.
        yes: What is answered.
    """
    name, *arguments = shlex.split(typed)
    ours, its = pty.openpty()
    try:
        ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        program = subprocess.Popen(
            [*_PROGRAMS[name], *arguments],
            stdin=its,
            stdout=its,
            stderr=its,
            cwd=ROOT,
            env={**os.environ, **_TERMINAL, **environment},
            start_new_session=True,
        )
        os.close(its)
        said = _read(ours, b"y\n" if yes else b"n\n")
        return Shown(typed, said, program.wait())
    finally:
        os.close(ours)


def _read(terminal: int, answer: bytes) -> str:
    said, asked = b"", False
    while chunk := _chunk(terminal):
        said += chunk
        if not asked and _QUESTION.search(said):
            asked = True
            os.write(terminal, answer)
    return said.decode().replace("\r\n", "\n")


def _chunk(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the program has closed its side
        return b""
