"""`python -m localhost.stack` (`make stack`): the local stack, kept up until Ctrl-C."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from localhost.local_stack import REGISTRIES, LocalStack, Ports
from localhost.programs import ROOT
from localhost.terminal import run


def main() -> int:
    """Keep the stack up, and say what can be done with it."""
    parser = argparse.ArgumentParser(
        prog="python -m localhost.stack", description="Run everything on this machine."
    )
    parser.add_argument("--state", type=Path, default=ROOT / ".local", help="the folder of its data and logs")
    parser.add_argument("--free-ports", action="store_true", help="other ports than the documented ones")
    parser.add_argument("--hosts", type=int, default=1, help="so many Functions hosts (with --free-ports)")
    given = parser.parse_args()
    ports = Ports.free(given.hosts) if given.free_ports else Ports()
    return run(_keep_up(LocalStack(given.state, ports=ports)))


async def _keep_up(stack: LocalStack) -> int:
    start = time.monotonic()
    print("Starting Azurite, the emulator and the Functions host ...", flush=True)
    try:
        async with stack:
            print(f"Up after {time.monotonic() - start:.1f} s.\n{_guide(stack)}", flush=True)
            await stack.watch()
    except asyncio.CancelledError:
        print("Stopped.")
    return 0


def _guide(stack: LocalStack) -> str:
    dev, prod = stack.registry("dev"), stack.registry("prod")
    addresses = {
        "API": stack.api,
        **{f"{environment} registry": stack.registry(environment) for environment in REGISTRIES},
        "ARM": stack.arm,
        "Events": f"{stack.settings['PROMOTER_EVENTS_TOPIC']} (what Promoter tells)",
        "Storage": f"Azurite on {stack.ports.blob}, {stack.ports.queue}, {stack.ports.table}",
        "Logs": str(_relative(stack.state / "logs")),
    }
    listing = "\n".join(f"  {name:17} {address}" for name, address in addresses.items())
    return f"""
{listing}

Things to try, in another terminal:

  # A new image in the development registry; it waits there for its unit tests. Any OCI client can push too:
  # skopeo copy --all --preserve-digests --dest-tls-verify=false SOURCE docker://{dev}/shop/web:v1
  .venv/bin/python -m emulator push {dev}/shop/web:v1

  # They have passed: it goes to staging by itself.
  curl {stack.api}/gates -d '{{"repository": "shop/web", "tag": "v1", "environment": "dev",
    "gate": "unit-tests", "verdict": "passed"}}'

  # So have the integration tests there: it may go to production, by hand.
  curl {stack.api}/gates -d '{{"repository": "shop/web", "tag": "v1", "environment": "staging",
    "gate": "integration-tests", "verdict": "passed"}}'
  curl {stack.api}/promotions -d '{{"repository": "shop/web", "tag": "v1", "to": "prod"}}'

  # What happened, what runs where, and the image in the production registry.
  curl '{stack.api}/promotions?environment=prod&repository=shop/web'
  curl {stack.api}/environments
  skopeo inspect --tls-verify=false docker://{prod}/shop/web:current

  # What the registries and Promoter have told Event Grid, and what became of it.
  .venv/bin/python -m emulator events --arm-port {stack.ports.arm}

  # Back to an earlier record; its id stands in the history.
  curl {stack.api}/rollbacks -d '{{"record": "ID", "reason": "it is slow"}}'

Ctrl-C stops everything."""


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
