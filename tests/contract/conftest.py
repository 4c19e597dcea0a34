"""Azurite for the tests of this folder: started once, on free ports, in memory."""

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from promoter.adapters.settings import KeyedStorage, Secret

AZURITE = Path(__file__).parents[2] / "node_modules" / ".bin" / "azurite"
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedStorage]:
    """A storage account."""
    blob, queue, table = _free_ports(3)
    command = [
        str(AZURITE),
        "--silent",
        "--disableTelemetry",
        "--skipApiVersionCheck",
        "--inMemoryPersistence",
    ]
    for name, port in (("blob", blob), ("queue", queue), ("table", table)):
        command += [f"--{name}Port", str(port)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=tmp_path_factory.mktemp("azurite"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for port in (queue, table):
            _wait_for(port, process)
        yield KeyedStorage(
            Secret(
                f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};"
                f"QueueEndpoint=http://127.0.0.1:{queue}/{ACCOUNT};"
                f"TableEndpoint=http://127.0.0.1:{table}/{ACCOUNT};"
            )
        )
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def fresh() -> str:
    """A suffix for names that no other test uses."""
    return token_hex(6)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("Azurite ended before it served; is node_modules there (make setup)?")
