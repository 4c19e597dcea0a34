"""`python -m emulator events`: what was raised and published, what became of it, and once more."""

import argparse
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from emulator.commands import Commands
from emulator.commands.remote import add_url, ask
from emulator.errors import StartError

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = commands.add_parser("events", help="show events and what became of them; send them once more")
    parser.add_argument("--id", action="append", default=[], metavar="ID", help="only this event; repeatable")
    parser.add_argument("--subject", default="*", metavar="GLOB", help="only events like it: 'shop/*:v1'")
    parser.add_argument(
        "--since", type=since, default=0.0, metavar="WHEN", help="30s, 10m, 2h, 1d, or a time in RFC 3339"
    )
    parser.add_argument("--replay", action="store_true", help="deliver them once more, as they were")
    parser.add_argument("--to", metavar="NAME", help="with --replay: to this subscription alone")
    parser.add_argument("--json", action="store_true", help="one JSON document a line")
    add_url(parser)
    parser.set_defaults(run=run)


def since(text: str) -> float:
    """Read a span back from now, or a time, as seconds since the epoch.

    Raises:
        ArgumentTypeError: It is neither.
    """
    if span := _SPAN.fullmatch(text):
        return time.time() - float(span[1]) * _SECONDS[span[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"30s, 10m, 2h, 1d, or a time like 2026-07-29T18:30:00Z, not {text!r}"
        raise argparse.ArgumentTypeError(message) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def run(options: argparse.Namespace) -> None:
    """Show or replay events.

    Raises:
        StartError: No emulator answers, or it refuses.
    """
    if options.to and not options.replay:
        message = "--to names who gets events once more: it needs --replay"
        raise StartError(message)
    told = _asked(options)
    if options.json:
        for one in told:
            print(msgspec.json.encode(one).decode())
        return
    for one in told:
        print("\n".join(_lines(one)))
    what = "sent once more" if options.replay else "the latest thousand are kept"
    print(f"{len(told)} event{'' if len(told) == 1 else 's'} ({what})")


def _asked(options: argparse.Namespace) -> list[dict[str, Any]]:
    choice = {"subject": options.subject, "since": options.since}
    if options.replay:
        body = choice | {"ids": options.id, "subscription": options.to}
        answer = ask(options.url, "POST", "events/replay", body)
    else:
        query = urlencode([*choice.items(), *(("id", each) for each in options.id)])
        answer = ask(options.url, "GET", f"events?{query}")
    told: list[dict[str, Any]] = answer["value"]
    return told


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    event = told["event"]
    kind = (event.get("eventType") or event.get("type", "")).removeprefix("Microsoft.ContainerRegistry.")
    time_of_day = told["published"].replace("T", " ").partition(".")[0]
    yield f"{time_of_day}  {kind}  {event.get('subject', '')}  ({told['source']})  {event['id']}"
    if "to" in told:
        yield from (f"    once more to {name}" for name in told["to"])
    if not told.get("to", told["deliveries"]):
        yield "    to nobody: no subscription wants it"
    for trace in () if "to" in told else told["deliveries"]:
        attempts = f"{trace['attempts']} attempt{'' if trace['attempts'] == 1 else 's'}"
        last = trace["reason"] or trace["outcome"]
        facts = ", ".join([attempts, *([last] if last and last != "Success" else [])])
        yield f"    {trace['fate']}: {trace['subscription']} ({facts})"
