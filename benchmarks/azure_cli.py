"""What is promoted with today: `az acr import`, measured where it is installed, else as it was measured."""

import asyncio
import os
from statistics import median
from typing import NamedTuple

from benchmarks.cold_start import import_seconds
from benchmarks.processes import ROOT, Usage, run
from benchmarks.stack import Bench
from emulator.settings import TLS_OFFSET

CLI = ROOT / ".venv-az" / "bin" / "az"
"""Set up by `make .venv-az/.ready`, which `make test-az` needs too; 700 MB."""
_ROUNDS = 5
# Warm, on two idle cores, against an ARM on loopback whose import is done at once: five ARM calls, 0.44 to
# 0.61 s of CPU, and no less on the wall. Importing azure.functions took 0.104 s: a measure of that machine.
_DOCUMENTED, _FUNCTIONS = 0.52, 0.104


class AzImport(NamedTuple):
    """One `az acr import` of an image.

    Attributes:
        is_measured: In this run; else it is the documented constant.
    """

    cpu: float
    wall: float
    is_measured: bool

    @property
    def marks(self) -> str:
        """Put behind its name where it was not measured now."""
        return "" if self.is_measured else " (documented)"

    @property
    def note(self) -> str:
        """How it came about."""
        if self.is_measured:
            return f"az acr import took {self.cpu:.2f} s of CPU, {self.wall:.2f} s in all, signed in before"
        return f"az is not installed here: {self.cpu:.2f} s is what was documented, at this machine's speed"


async def az_import(bench: Bench, image: tuple[str, str]) -> AzImport:
    """Import an image, several times under another tag each, or take what is documented."""
    if not CLI.exists():
        speed = await asyncio.to_thread(_functions) / _FUNCTIONS
        return AzImport(speed * _DOCUMENTED, speed * _DOCUMENTED, is_measured=False)
    az = _Az(bench)
    await az("cloud", "register", "--name", "bench", "--endpoint-resource-manager", az.arm)
    await az("cloud", "set", "--name", "bench")
    await az("login", "--service-principal", "--tenant", "adfs", "-u", "bench", "-p", "anything")
    repository, digest = image
    importing = ["acr", "import", "-n", "prodacr", "-r", "devacr", "--source", f"{repository}@{digest}", "-t"]
    used = [await az(*importing, f"az/{repository}:v{number}") for number in range(_ROUNDS + 1)][1:]
    return AzImport(median(one.cpu for one in used), median(one.wall for one in used), is_measured=True)


class _Az:
    """The real az, with a configuration of its own."""

    def __init__(self, bench: Bench) -> None:
        folder = bench.stack.state / "az"
        self.arm = f"https://127.0.0.1:{bench.stack.ports.arm + TLS_OFFSET}"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AZURE_CONFIG_DIR": str(folder / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "REQUESTS_CA_BUNDLE": str(bench.stack.state / "emulator" / "tls" / "ca.pem"),
        }

    async def __call__(self, *words: str) -> Usage:
        return await asyncio.to_thread(run, [str(CLI), *words], self._environment)


def _functions() -> float:
    return median(import_seconds("azure.functions") for _ in range(3))
