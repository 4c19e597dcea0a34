"""`python -m localhost.host APP_DIR [--port 7071]`: run a Functions app on this machine."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from localhost.host.afresh import Afresh
from localhost.host.console import print_problems, set_up_logging
from localhost.host.errors import HostError
from localhost.host.functions_host import Ending, Options, Signals, serve


def main() -> None:
    """Run the app that the command line names, until SIGTERM or Ctrl-C; exit with 1 if it cannot be run."""
    options = _options()
    set_up_logging()
    try:
        afresh = Afresh(options.port)
        ending = asyncio.run(_serve(options, afresh))
    except HostError as error:
        print_problems(error.problems)
        sys.exit(1)
    match ending:
        case Ending.AFRESH:
            afresh.start()
        case Ending.BROKEN_OFF:
            logging.shutdown()
            os._exit(0)  # A function that ran over still holds its thread, for which Python would wait.
        case Ending.FINISHED:
            return


async def _serve(options: Options, afresh: Afresh) -> Ending:
    signals = Signals()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signals.interrupt)
    return await serve(options, afresh, signals)


def _options() -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m localhost.host",
        description="Run a Functions app on this machine.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("app", type=Path, metavar="APP_DIR", help="folder of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=7071, help="where to serve HTTP")
    parser.add_argument("--lease-seconds", type=int, default=60, help="lease of a queue message")
    parser.add_argument("--storage-seconds", type=float, default=5, help="time that storage has to answer in")
    parser.add_argument("--drain-seconds", type=float, default=30, help="time to finish in when told to stop")
    parser.add_argument("--reload", action="store_true", help="start afresh when the app's files change")
    parser.add_argument(
        "--watch", type=Path, action="append", default=[], metavar="PATH", help="with --reload: this, too"
    )
    given = parser.parse_args()
    watched = [path.resolve() for path in given.watch]
    return Options(
        app=given.app.resolve(),
        port=given.port,
        lease=given.lease_seconds,
        patience=given.storage_seconds,
        drain=given.drain_seconds,
        reload=given.reload,
        watch=watched,
    )


if __name__ == "__main__":
    main()
