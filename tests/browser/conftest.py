"""Debian's Chromium, headless."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def chromium() -> Path:
    """Where it is."""
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} was not found: `make debian-packages` as root, or apt-get install chromium")
    return CHROMIUM


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser(chromium: Path) -> AsyncGenerator[Browser]:
    """Chromium, started once for all tests of a module; each opens a context of its own."""
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        yield found
        await found.close()
