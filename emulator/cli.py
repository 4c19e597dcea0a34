"""The command line: `python -m emulator COMMAND`. Each command is a module of `emulator.commands`."""

import argparse
import logging
import sys
from collections.abc import Sequence

from emulator.commands import fault, push, registries, roles, up
from emulator.errors import StartError
from emulator.eventgrid import commands as events


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and give the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    parser = argparse.ArgumentParser(
        prog="python -m emulator",
        description="Azure Container Registry, importImage and Event Grid, emulated.",
        epilog="Begin with: python -m emulator up --registry dev --registry prod",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (up, push, fault, events, roles, registries):
        command.add(commands)
    try:
        options = parser.parse_args(arguments)
        options.run(options)
    except StartError as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 1
    return 0
