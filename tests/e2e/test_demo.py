"""The whole story on the real local stack: Azurite, the emulator, the Functions host, and nothing faked."""

import io
from pathlib import Path

from rich.console import Console

from localhost.demo import POLICY, tell
from localhost.local_stack import LocalStack, Ports


async def test_the_demo_tells_the_truth_on_ports_of_its_own(tmp_path: Path) -> None:
    said = io.StringIO()
    async with LocalStack(tmp_path, ports=Ports.free(), policy=POLICY) as stack:
        await tell(stack, Console(file=said, width=120))
    assert "ann asks for v1.1.0 again; it does not come back" in said.getvalue()
