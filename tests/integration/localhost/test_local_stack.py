"""The whole local stack: Azurite, the emulator, and hosts with the app of this repository."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from localhost.local_stack import POLICY, LocalStack, Ports
from localhost.parts import PartFailedError
from localhost.ports import PortsTakenError
from localhost.programs import ROOT
from tests.integration.localhost.running import until


async def test_a_stack_whose_port_is_taken_starts_nothing(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path, ports=Ports.free())
    with (
        socket.create_server(("127.0.0.1", stack.ports.table)),
        pytest.raises(PortsTakenError, match=r"Azurite \(tables\)"),
    ):
        await stack.start()
    assert [part.pid for part in stack.parts] == [None] * 3


async def test_a_stack_with_a_part_that_cannot_start_stops_the_rest(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path, ports=Ports.free(), emulator_options=["--no-such-option"])
    with pytest.raises(PartFailedError, match=r"The emulator ended(?s:.*)--no-such-option"):
        await stack.start()
    assert [part.pid for part in stack.parts] == [None] * 3


async def test_hosts_serve_the_app_and_a_part_that_dies_is_noticed(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with LocalStack(tmp_path, ports=Ports.free(hosts=2)) as stack:
        for port in stack.ports.hosts:
            async with http.get(f"http://127.0.0.1:{port}/admin/functions") as response:
                assert "image_pushed" in {function["name"] for function in await response.json()}
        stack.hosts[1].kill()
        watch = asyncio.create_task(stack.watch())
        await asyncio.sleep(0)
        assert not watch.done()
        assert stack.emulator.pid is not None
        os.kill(stack.emulator.pid, signal.SIGKILL)
        with pytest.raises(PartFailedError, match="The emulator ended with exit code -9"):
            await watch
    assert [part.pid for part in stack.parts] == [None] * 4


async def test_make_stack_says_what_to_try_and_takes_up_changes_until_ctrl_c(tmp_path: Path) -> None:
    policy = Path(shutil.copy(POLICY, tmp_path / "policy.yaml"))
    options = ["--free-ports", "--state", str(tmp_path / "state"), "--reload", "--policy", str(policy)]
    command = [sys.executable, "-m", "localhost.stack", *options]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    said = (await process.stdout.readuntil(b"Ctrl-C stops everything.")).decode()
    assert "skopeo copy" in said
    children = children_of(process.pid)
    assert len(children) == 3
    change(policy)
    await process.stdout.readuntil(f"Changed: {policy}. Starting afresh.\n".encode())
    await process.stdout.readuntil(b"Started afresh.\n")
    process.send_signal(signal.SIGINT)
    assert await process.wait() == 0
    await until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


PROGRAM = """
import asyncio, sys
from localhost.terminal import run
async def main():
    try:
        print("running", flush=True)
        await asyncio.sleep(60)
    finally:
        print("cleaned up", flush=True)
sys.exit(run(main()))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_program_cleans_up_when_it_is_interrupted(number: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"running\n"
    process.send_signal(number)
    assert await process.stdout.read() == b"cleaned up\n"
    assert await process.wait() == 130


def change(policy: Path) -> None:
    policy.write_text(f"{policy.read_text()}# changed\n")


def children_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
