"""What is promoted with today: the real `az acr import`, on the same emulator."""

import asyncio
import os

from benchmarks.processes import ROOT, Usage, run
from benchmarks.stack import Bench
from emulator.settings import TLS_OFFSET

CLI = ROOT / ".venv-az" / "bin" / "az"
"""`make bench` sets it up where it can, as `make test-az` does; 700 MB."""


class Az:
    """The real az, with a configuration of its own beside the stack's state."""

    def __init__(self, bench: Bench) -> None:
        self._folder = bench.stack.state / "az"
        self._arm = f"https://127.0.0.1:{bench.stack.ports.arm + TLS_OFFSET}"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self._folder),
            "AZURE_CONFIG_DIR": str(self._folder / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "REQUESTS_CA_BUNDLE": str(bench.stack.state / "emulator" / "tls" / "ca.pem"),
        }

    async def warm_up(self, repository: str, digest: str) -> None:
        """Sign in, and import an image once, so that modules are compiled; nothing where that was done."""
        if self._folder.exists():
            return
        await self._run("cloud", "register", "--name", "bench", "--endpoint-resource-manager", self._arm)
        await self._run("cloud", "set", "--name", "bench")
        await self._run("login", "--service-principal", "--tenant", "adfs", "-u", "bench", "-p", "anything")
        await self.import_image(repository, digest, "warm")

    async def import_image(self, repository: str, digest: str, tag: str) -> Usage:
        """Import an image of dev into prod, under a tag that is not there yet; what that took."""
        source, target = f"{repository}@{digest}", f"az/{repository}:{tag}"
        importing = ["acr", "import", "-n", "prodacr", "-r", "devacr", "--source", source, "-t", target]
        return await self._run(*importing)

    async def _run(self, *words: str) -> Usage:
        return await asyncio.to_thread(run, [str(CLI), *words], self._environment)


async def az_of(bench: Bench, repository: str, digest: str) -> Az | None:
    """An az that is signed in and warm; None where it is not set up."""
    if not CLI.exists():
        return None
    az = Az(bench)
    await az.warm_up(repository, digest)
    return az
