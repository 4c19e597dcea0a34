"""`python -m localhost.stack` (`make stack`): the local stack, kept up until Ctrl-C."""

import argparse
import asyncio
import sys
import time
from pathlib import Path

from localhost.local_stack import POLICY, REGISTRIES, LocalStack, Ports
from localhost.parts import Part
from localhost.programs import ROOT
from localhost.terminal import run
from promoter.cli.address import LOCAL


def main() -> int:
    """Keep the stack up, and say what can be done with it."""
    parser = argparse.ArgumentParser(
        prog="python -m localhost.stack", description="Run everything on this machine."
    )
    parser.add_argument("--state", type=Path, default=ROOT / ".local", help="the folder of its data and logs")
    parser.add_argument("--free-ports", action="store_true", help="other ports than the documented ones")
    parser.add_argument("--hosts", type=int, default=1, help="so many Functions hosts (with --free-ports)")
    parser.add_argument("--policy", type=Path, default=POLICY, help="the policy file")
    parser.add_argument("--reload", action="store_true", help="take up changes of the app, and show its log")
    given = parser.parse_args()
    ports = Ports.free(given.hosts) if given.free_ports else Ports()
    stack = LocalStack(given.state, ports=ports, policy=given.policy, reload=given.reload)
    return run(_keep_up(stack, given.reload))


async def _keep_up(stack: LocalStack, show_log: bool) -> int:  # noqa: FBT001
    start = time.monotonic()
    print("Starting Azurite, the emulator and the Functions host ...", flush=True)
    try:
        async with stack:
            print(f"Up after {time.monotonic() - start:.1f} s.\n{_guide(stack)}", flush=True)
            shown = [asyncio.create_task(_show_log(host)) for host in stack.hosts] if show_log else []
            try:
                await stack.watch()
            finally:
                for task in shown:
                    task.cancel()
    except asyncio.CancelledError:
        print("Stopped.")
    return 0


async def _show_log(host: Part) -> None:
    async for line in host.log_lines():
        print(line, flush=True)


def _guide(stack: LocalStack) -> str:
    dev, prod = stack.registry("dev"), stack.registry("prod")
    addresses = {
        "Dashboard": f"{stack.api}/dashboard (open it in a browser)",
        "API": f"{stack.api} (described at {stack.api}/docs)",
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

  alias promoter=".venv/bin/python -m promoter"{_settings(stack)}

  # A new image in the development registry; it waits there for its unit tests. Any OCI client can push too:
  # skopeo copy --all --preserve-digests --dest-tls-verify=false SOURCE docker://{dev}/shop/web:v1
  .venv/bin/python -m emulator push {dev}/shop/web:v1
  promoter explain shop/web:v1 --to staging

  # They have passed: it goes to staging by itself.
  promoter report shop/web:v1 unit-tests passed --in dev
  promoter history --in staging

  # So have the integration tests there: it may go to production, by hand.
  promoter report shop/web:v1 integration-tests passed --in staging
  promoter promote shop/web:v1 --to prod --wait

  # What runs where, and the image in the production registry.
  promoter status
  skopeo inspect --tls-verify=false docker://{prod}/shop/web:current

  # What the registries and Promoter have told Event Grid, and what became of it.
  .venv/bin/python -m emulator events --url http://127.0.0.1:{stack.ports.arm}

  # Back to what ran before, once there is a v2.
  promoter rollback shop/web --in prod --wait

The README has the same with curl. Ctrl-C stops everything."""


def _settings(stack: LocalStack) -> str:
    """What the command line has to be told of this stack."""
    url = stack.api.removesuffix("/api")
    return "" if url == LOCAL else f"\n  export PROMOTER_URL={url}"


def _relative(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(main())
