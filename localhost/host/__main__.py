"""`python -m localhost.host APP_DIR [--port 7071]`: run a Functions app on this machine."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from localhost.host.errors import HostError
from localhost.host.functions_host import Options, serve


def main() -> None:
    """Run the app that the command line names, until SIGTERM or Ctrl-C; exit with 1 if it cannot be run."""
    options = _options()
    _set_up_logging()
    try:
        drained = asyncio.run(_serve(options))
    except HostError as error:
        sys.exit(f"{error}")
    if not drained:
        logging.shutdown()
        os._exit(0)  # A function that ran over still holds its thread, for which the interpreter would wait.


async def _serve(options: Options) -> bool:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await serve(options, stop)


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m localhost.host",
        description="Run a Functions app on this machine.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("app", type=Path, metavar="APP_DIR", help="folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=7071, help="where to serve HTTP")
    parser.add_argument(
        "--state", type=Path, default=Path(".local/host"), help="folder of the timers' state, in APP_DIR"
    )
    parser.add_argument("--lease-seconds", type=int, default=600, help="lease of a queue message")
    parser.add_argument("--drain-seconds", type=float, default=30, help="time to finish in when told to stop")
    given = parser.parse_args()
    app = given.app.resolve()
    return Options(app, given.port, app / given.state, given.lease_seconds, given.drain_seconds)


def _set_up_logging() -> None:
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.getLogger("azure").setLevel(logging.WARNING)
    # What the worker library says of a failure, this host says too, with the function's name.
    logging.getLogger("azure.functions").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    main()
