"""The processes of a local stack: started, watched, and never left behind."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from localhost.parts import Part, PartFailedError
from localhost.ports import PortsTakenError, check_free, free_ports
from localhost.programs import ROOT
from tests.integration.localhost.running import until

type MakePart = Callable[..., Part]


def is_running(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
async def make_part(tmp_path: Path) -> AsyncIterator[MakePart]:
    """Make parts that run a piece of Python; they are ready when the file `ready` is there."""
    parts: list[Part] = []

    async def probe() -> bool:
        return (tmp_path / "ready").exists()

    def make(source: str) -> Part:
        command = [sys.executable, "-c", source]
        part = Part(
            "A part", command, log=tmp_path / "log", probe=probe, cwd=tmp_path, environment=os.environ
        )
        parts.append(part)
        part.start()
        return part

    yield make
    for part in parts:
        part.kill()


READY = "import pathlib, time; pathlib.Path('ready').touch(); "


async def test_a_part_is_ready_and_stops(make_part: MakePart) -> None:
    asked = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit('asked to stop')); "
    part = make_part(asked + READY + "time.sleep(60)")
    await part.ready()
    pid = part.pid
    assert pid is not None
    assert is_running(pid)
    await part.stop()
    assert not is_running(pid)
    assert part.pid is None
    assert "asked to stop" in part.log_text()
    part.check()


async def test_a_part_that_ends_shows_its_log(make_part: MakePart) -> None:
    part = make_part("print('the reason'); raise SystemExit(3)")
    with pytest.raises(PartFailedError, match=r"A part ended with exit code 3(?s:.*)\| the reason"):
        await part.ready()


async def test_a_part_that_is_never_ready_shows_its_log(make_part: MakePart) -> None:
    part = make_part("import time; print('waiting', flush=True); time.sleep(60)")
    await until(lambda: "waiting" in part.log_text())
    with pytest.raises(PartFailedError, match=r"not ready after 0.1 s(?s:.*)\| waiting"):
        await part.ready(0.1)


async def test_a_part_that_does_not_stop_is_killed_with_its_children(make_part: MakePart) -> None:
    ignore = "import signal, subprocess; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    child = "print(subprocess.Popen(['sleep', '60']).pid, flush=True); "
    part = make_part(ignore + child + READY + "time.sleep(60)")
    await part.ready()
    own, child_pid = part.pid, int(part.log_text())
    assert own is not None
    assert is_running(child_pid)
    await part.stop(0.1)
    await until(lambda: not is_running(own) and not is_running(child_pid))


async def test_a_part_can_be_killed_and_started_again(make_part: MakePart) -> None:
    part = make_part("import os; print(os.getpid(), flush=True); " + READY + "time.sleep(60)")
    await part.ready()
    first = part.pid
    part.kill()
    part.start()
    await until(lambda: part.log_text() == f"{part.pid}\n")
    assert part.pid not in {None, first}


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ends a process with its parent.")
async def test_a_part_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    source = f"""
import os, pathlib, sys, time
from localhost.parts import Part
here = pathlib.Path({str(tmp_path)!r})
part = Part("x", ["sleep", "60"], log=here / "log", probe=None, cwd=here, environment=os.environ)
part.start()
print(part.pid, flush=True)
time.sleep(60)
"""
    command = [sys.executable, "-c", source]
    parent = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    child = int(await parent.stdout.readline())
    await until(lambda: Path(f"/proc/{child}/cmdline").read_bytes().startswith(b"sleep"))
    parent.kill()
    await parent.wait()
    await until(lambda: not is_running(child))


def test_taken_ports_are_all_named_with_who_wants_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        taken = [one.getsockname()[1], two.getsockname()[1]]
        [free] = free_ports(1)
        with pytest.raises(PortsTakenError) as raised:
            check_free({taken[0]: "the first", free: "the second", taken[1]: "the third"})
    assert f"{taken[0]}  wanted by the first" in str(raised.value)
    assert f"{taken[1]}  wanted by the third" in str(raised.value)
    assert str(free) not in str(raised.value)
