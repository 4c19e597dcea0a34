"""The command line: what it does, and its refusals: one line, exit code 1."""

import asyncio
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from emulator.cli import main
from emulator.testing import Azure


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = main(["up", "--data", str(tmp_path), "--arm-port", "0", "--registry", f"dev={port}"])

    error = capsys.readouterr().err
    assert code == 1
    assert error.startswith(f"emulator: port {port} for dev cannot be used (Address already in use): ")
    assert "--registry NAME=PORT" in error
    assert error.count("\n") == 1


async def test_data_in_use_is_named_with_what_to_do(tmp_path: Path) -> None:
    async with Azure(registries=("dev",), data=tmp_path):
        with pytest.raises(
            Exception, match="is in use: stop the emulator that has it, or give another --data"
        ):
            async with Azure(registries=("dev",), data=tmp_path):
                pytest.fail("two emulators have one folder")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--registry", "no_name"], "2 to 50 letters and digits"),
        (["--registry", "dev=high"], "a port is a number"),
        (["--registry", "dev=99999"], "a port is a number"),
        (["--arm-port", "-1"], "a port is a number"),
        (["--event-grid", "promoter"], "--event-grid promoter: endpoint is not an address"),
        (["--faults", "missing.json"], "--faults missing.json: "),
    ],
)
def test_what_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["up", *arguments]) == 1
    assert says in capsys.readouterr().err


async def test_push_makes_an_image_up(tmp_path: Path) -> None:
    async with Azure(registries=("dev",), data=tmp_path) as azure:
        image = f"{azure.registry('dev').login_server}/shop/web:v1"
        pushed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "emulator", "push", image), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await pushed.communicate()
        assert pushed.returncode == 0
        address = f"{azure.registry('dev').url}/v2/shop/web/manifests/v1"
        async with aiohttp.ClientSession() as session, session.get(address) as served:
            assert served.headers["Docker-Content-Digest"] in said.decode()


def test_push_says_what_an_image_looks_like(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", "shop/web"]) == 1
    assert "HOST:PORT/REPOSITORY:TAG" in capsys.readouterr().err
