"""The processes that a local stack is made of."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp

_LEASH = Path(__file__).with_name("leash.py")
_PAUSE = 0.02
_LOG_PAUSE = 0.1
_TAIL = 25

type Probe = Callable[[], Awaitable[bool]]
"""Asks a part whether it is ready."""


class PartFailedError(Exception):
    """A part did not become ready, or ended by itself; the message holds the end of its log."""


class Part:
    """One process in a group of its own, with a log, that does not outlive this process.

    It belongs to no event loop. Start it from the main thread: Linux ends it with the thread that started it.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        probe: Probe,
        cwd: Path,
        environment: Mapping[str, str],
    ) -> None:
        """Describe the process; `environment` is all it gets."""
        self.name = name
        self._command = list(command)
        self._log = log
        self._probe = probe
        self._cwd = cwd
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, without waiting until it is ready."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._cwd,
                env=self._environment,
                start_new_session=True,
            )

    async def ready(self, seconds: float = 30) -> None:
        """Wait until it is ready.

        Raises:
            PartFailedError: it ended, or is not ready in that time.
        """
        deadline = time.monotonic() + seconds
        while not await self._probe():
            self.check()
            if time.monotonic() > deadline:
                message = f"{self.name} is not ready after {seconds:g} s."
                raise self._failed(message)
            await asyncio.sleep(_PAUSE)

    async def ended(self) -> int:
        """Wait until it has ended by itself, and answer with its exit code."""
        while True:
            code = self._exit_code()
            if code is not None:
                return code
            await asyncio.sleep(_PAUSE)

    def check(self) -> None:
        """See that it has not ended by itself.

        Raises:
            PartFailedError: it has.
        """
        code = self._exit_code()
        if code is not None:
            message = f"{self.name} ended with exit code {code}."
            raise self._failed(message)

    async def stop(self, seconds: float = 35) -> None:
        """Ask it to end, and end it by force if it does not in that time."""
        try:
            self.signal(signal.SIGTERM)
            for _ in range(round(seconds / _PAUSE)):
                if self.pid is None:
                    break
                await asyncio.sleep(_PAUSE)
        finally:
            self.kill()

    def kill(self) -> None:
        """End it by force, with all that it has started: SIGKILL."""
        self.signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self._process = None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to its process group."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def log_text(self) -> str:
        """What it has logged since it was last started."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    async def log_lines(self) -> AsyncIterator[str]:
        """What it logs from now on, line by line, without end."""
        with self._log.open("rb") as log:
            log.seek(0, os.SEEK_END)
            rest = b""
            while True:
                *lines, rest = (rest + log.read()).split(b"\n")
                for line in lines:
                    yield line.decode(errors="replace")
                await asyncio.sleep(_LOG_PAUSE)

    def _exit_code(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def _failed(self, message: str) -> PartFailedError:
        tail = self.log_text().rstrip().splitlines()[-_TAIL:]
        shown = "\n".join(f"  | {line}" for line in tail) or "  (nothing)"
        return PartFailedError(f"{message} The end of its log, {self._log}:\n{shown}")


def answers_http(url: str) -> Probe:
    """Whether a GET of that address is answered with 200."""

    async def probe() -> bool:
        try:
            timeout = aiohttp.ClientTimeout(total=2)
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
                return response.status == HTTPStatus.OK
        except (aiohttp.ClientError, TimeoutError):
            return False

    return probe


def accepts_connections(ports: Sequence[int]) -> Probe:
    """Whether something listens on all these ports."""

    async def probe() -> bool:
        try:
            for port in ports:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await writer.wait_closed()
        except OSError:
            return False
        return True

    return probe
