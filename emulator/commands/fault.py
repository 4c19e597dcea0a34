"""`fault`: what goes wrong on purpose, in an emulator that is up."""

import argparse
import sys
from pathlib import Path
from typing import Any

import msgspec

from emulator.commands import Commands
from emulator.commands.remote import add_url, ask
from emulator.errors import StartError
from emulator.faults import EFFECTS, Effect, Operation

_OPTIONS: dict[str, dict[str, Any]] = {
    "registry": {"metavar": "NAME", "help": "only there; an import's is its target"},
    "subject": {"metavar": "GLOB", "help": "only where the operation's subject is like this"},
    "probability": {"type": float, "metavar": "P", "help": "of each time that it could strike"},
    "times": {"type": int, "metavar": "N", "help": "how often at most"},
    "seconds": {"type": float, "metavar": "S", "help": "of delay, hang and reorder"},
    "status": {"type": int, "metavar": "CODE", "help": "of the answer"},
    "retry-after": {"type": float, "metavar": "S", "help": "of the answer"},
    "code": {"metavar": "TEXT", "help": "error code of the answer"},
    "message": {"metavar": "TEXT", "help": "error message of the answer"},
}


def add(commands: Commands) -> None:
    """Add the command."""
    fault = commands.add_parser("fault", help="let things go wrong on purpose")
    verbs = fault.add_subparsers(required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="show what goes wrong, and how often it did")
    listing.set_defaults(run=lambda options: _show(ask(options.url, "GET", "faults")))
    adding = verbs.add_parser(
        "add",
        help="let one thing more go wrong",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="operations and their effects:\n"
        + "\n".join(f"  {each:<16} {' '.join(sorted(EFFECTS[each]))}" for each in Operation),
    )
    adding.add_argument("operation", choices=[str(each) for each in Operation], metavar="OPERATION")
    adding.add_argument("effect", choices=[str(each) for each in Effect], metavar="EFFECT")
    for name, details in _OPTIONS.items():
        adding.add_argument(f"--{name}", **details)
    adding.set_defaults(run=_add)
    setting = verbs.add_parser("set", help="set the whole switchboard from a JSON file")
    setting.add_argument("file", type=Path, help="what PUT /emulator/faults takes; - reads standard input")
    setting.set_defaults(run=_set)
    clearing = verbs.add_parser("clear", help="let nothing go wrong")
    clearing.add_argument("--seed", type=int, metavar="N", help="of the draws from now on")
    clearing.set_defaults(run=_clear)
    for verb in (listing, adding, setting, clearing):
        add_url(verb)


def _add(options: argparse.Namespace) -> None:
    wanted: dict[str, object] = {"operation": options.operation, "effect": options.effect}
    for name in _OPTIONS:
        value = getattr(options, name.replace("-", "_"))
        if value is not None:
            wanted["retryAfter" if name == "retry-after" else name] = value
    _show(ask(options.url, "POST", "faults", wanted))


def _set(options: argparse.Namespace) -> None:
    try:
        text = sys.stdin.read() if str(options.file) == "-" else options.file.read_text()
        wanted = msgspec.json.decode(text, type=dict[str, object])
    except (OSError, msgspec.MsgspecError) as error:
        message = f"{options.file}: {error}"
        raise StartError(message) from None
    _show(ask(options.url, "PUT", "faults", wanted))


def _clear(options: argparse.Namespace) -> None:
    if options.seed is None:
        _show(ask(options.url, "DELETE", "faults"))
    else:
        _show(ask(options.url, "PUT", "faults", {"seed": options.seed}))


def _show(view: dict[str, Any]) -> None:
    print(f"seed {view['seed']}")
    print(f"imports {'raise' if view['importEcho'] else 'do not raise'} ImagePushed in their target")
    print(f"NoForce onto a tag that holds the same digest: {view['noForceSameDigest']}")
    for fault in view["faults"]:
        operation, effect, applied = (fault.pop(key) for key in ("operation", "effect", "applied"))
        details = " ".join(f"{name}={value}" for name, value in fault.items())
        print(f"  {operation:<16} {effect:<14} struck {applied} times  {details}".rstrip())
    if not view["faults"]:
        print("  nothing goes wrong")
