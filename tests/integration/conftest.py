"""Azurite for these tests: a real process on free ports."""

import asyncio
from collections.abc import Iterator

import pytest

from localhost.ports import free_ports
from localhost.programs import azurite, storage_connection_string


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of an Azurite that all tests share."""
    folder, ports = tmp_path_factory.mktemp("azurite"), free_ports(3)
    part = azurite(*ports, data=folder / "data", log=folder / "azurite.log")
    part.start()
    try:
        asyncio.run(part.ready())
        yield storage_connection_string(*ports)
    finally:
        asyncio.run(part.stop())
