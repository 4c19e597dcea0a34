"""Storage accounts that keep the stores' contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from benchmarks.table_service import TableService, serving
from promoter.adapters.settings import KeyedStorage


@asynccontextmanager
async def storage(request: pytest.FixtureRequest) -> AsyncIterator[KeyedStorage]:
    """The account that a fixture's parameter names: Azurite's, or the one that rows are counted in."""
    if request.param == "azurite":
        yield request.getfixturevalue("azurite")
        return
    async with serving(TableService()) as account:
        yield account
