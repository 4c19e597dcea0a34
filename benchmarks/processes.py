"""What processes use: CPU time and memory, of children that have ended and of processes that run."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024 * 1024


class Usage(NamedTuple):
    """What a process used from its start to its end, its own children included."""

    wall: float
    cpu: float
    output: str


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a program to its end.

    Raises:
        RuntimeError: It failed.
    """
    start = time.perf_counter()
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(  # noqa: S603 - our own programs
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - it was started so
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            message = f"{' '.join(command)} failed:\n{output}{errors.read()}"
            raise RuntimeError(message)
    return Usage(wall, used.ru_utime + used.ru_stime, output)


def fresh_python(code: str, **settings: str) -> Usage:
    """Run code in a new interpreter, with compiled modules kept as on a deployed app."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | settings
    return run([sys.executable, "-c", code], environment)


def cpu_seconds(pid: int) -> float:
    """How much CPU time a running process has used so far, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = fields[11:13]
    return (int(user) + int(system)) / _TICKS


def mebibytes(pid: int) -> float:
    """How much memory of a running process is resident."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MIB
