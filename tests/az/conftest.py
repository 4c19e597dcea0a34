"""The emulator over TLS, and the real az beside it."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator.testing import Azure

_ROOT = Path(__file__).parents[2]
_PROGRAM = _ROOT / ".venv-az" / "bin" / "az"


class AzFailedError(Exception):
    """az ended with an error; the message is what it said."""


@dataclass
class Az:
    """The real az, signed in as a principal of the emulator, with a configuration of its own."""

    environment: dict[str, str] = field(default_factory=dict)

    async def __call__(self, command: str, *more: str) -> Any:  # noqa: ANN401 - JSON
        """Run `az COMMAND MORE`, and give the JSON that it prints; None where it prints nothing.

        Raises:
            AzFailedError: It failed.
        """
        process = await asyncio.create_subprocess_exec(
            *(str(_PROGRAM), *command.split(), *more),
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, error = await process.communicate()
        if process.returncode:
            raise AzFailedError(error.decode())
        return json.loads(output) if output.strip() else None

    async def sign_in(self, principal: str) -> None:
        await self("login --service-principal --tenant adfs --password anything --username", principal)


@pytest.fixture
async def azure(tmp_path: Path) -> AsyncIterator[Azure]:
    async with Azure(registries=("devacr", "prodacr"), data=tmp_path / "data", tls=True) as azure:
        yield azure


@pytest.fixture
async def az(azure: Azure, tmp_path: Path) -> Az:
    """The real az, signed in as `promoter`."""
    if not _PROGRAM.exists():
        pytest.fail("az is not set up: make test-az")
    az = Az(
        {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AZURE_CONFIG_DIR": str(tmp_path / "azure"),
            "AZURE_CORE_COLLECT_TELEMETRY": "false",
            "AZURE_CORE_NO_COLOR": "true",
            "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
            "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
            "REQUESTS_CA_BUNDLE": str(azure.authority),
        }
    )
    await az("cloud register --name emulator --endpoint-resource-manager", azure.arm_tls_url)
    await az("cloud set --name emulator")
    await az.sign_in("promoter")
    return az
