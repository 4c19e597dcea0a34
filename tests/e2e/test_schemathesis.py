"""Schemathesis, a client that we did not write, against the local stack, by the API's own description.

No call answers a 5xx or anything off its schema; what breaks the schema is refused, what fits it is taken.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

from localhost.client import Client
from localhost.local_stack import LocalStack, Ports
from promoter.entrypoints.routes import ROUTES

CONFIG = Path(__file__).with_name("schemathesis.toml")
WEB = "shop/web"
CASES = "10"
SEED = "20261124"


async def release(client: Client, tag: str) -> None:
    """Take an image to production, so that the description's own examples meet something."""
    digest = await client.push(WEB, tag)
    verdict = {"repository": WEB, "digest": digest, "verdict": "passed"}
    await client.post("gates", verdict | {"environment": "staging", "gate": "integration-tests"})
    await client.post("gates", verdict | {"environment": "dev", "gate": "unit-tests"})
    staging = f"promotions?environment=staging&repository={WEB}"
    arrived = await client.until_found("on its way to staging", staging, digest=digest)
    assert (await client.get(f"promotions/{arrived['id']}", wait="30"))["phase"] == "succeeded"
    status, record = await client.post(
        "promotions?wait=30", {"repository": WEB, "tag": tag, "to": "prod", "reason": "a release"}
    )
    assert (status, record["phase"]) == (200, "succeeded")


async def test_every_call_keeps_to_the_description(tmp_path: Path, tell: Callable[[str], None]) -> None:
    async with LocalStack(tmp_path / "stack", ports=Ports.free()) as stack:
        async with Client(stack) as client:
            await release(client, "v1.3.0")
            await release(client, "v1.4.2")
            await client.push(WEB, "v1.5.0")  # waits for its tests
        run = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
            *(f"{stack.api}/openapi.json", "--seed", SEED, "--max-examples", CASES, "--no-color"),
            *("--checks", "all", "--workers", "2", "--warnings", "off", "--no-shrink"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=tmp_path,
            env=os.environ,
        )
        output, _ = await run.communicate()
        log = (stack.state / "logs" / "host.log").read_text()
    text = output.decode()
    assert run.returncode == 0, text
    assert "an HTTP call failed" not in log
    summary = text[text.index("API Operations:") :]
    tell(f"Schemathesis on the HTTP API\n{summary}")
    assert f"Tested: {len(ROUTES) - 1}\n" in summary, "all but the description itself"
    assert all(f"✅ {phase}" in summary for phase in ("Examples", "Coverage", "Fuzzing", "Stateful")), summary
