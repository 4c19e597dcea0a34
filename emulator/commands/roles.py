"""`roles`: which principals are under check, and what they may, in an emulator that is up."""

import argparse
from typing import Any
from urllib.parse import quote

from emulator.commands import Commands
from emulator.commands.remote import add_url, ask
from emulator.errors import StartError


def add(commands: Commands) -> None:
    """Add the command."""
    roles = commands.add_parser("roles", help="check what principals may; nobody is checked at first")
    verbs = roles.add_subparsers(required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="show who is checked, and what they may")
    listing.set_defaults(run=lambda options: _show(ask(options.url, "GET", "principals")))
    setting = verbs.add_parser("set", help="check a principal: it may exactly this")
    setting.add_argument("principal", help="an object id, or any name: what its token names")
    setting.add_argument(
        "assignments",
        nargs="*",
        metavar="ROLE=SCOPE",
        help="a role's name or GUID, and a registry's name or a resource id; none: it may do nothing",
    )
    setting.set_defaults(run=_set)
    dropping = verbs.add_parser("drop", help="check a principal no more: it may do anything")
    dropping.add_argument("principal")
    dropping.set_defaults(run=_drop)
    for verb in (listing, setting, dropping):
        add_url(verb)


def _set(options: argparse.Namespace) -> None:
    assignments = []
    for text in options.assignments:
        role, equals, scope = text.partition("=")
        if not equals:
            message = f"an assignment is ROLE=SCOPE, such as AcrPull=devacr, not {text!r}"
            raise StartError(message)
        assignments.append({"role": role, "scope": scope})
    path = f"principals/{quote(options.principal, safe='')}"
    _show(ask(options.url, "PUT", path, {"assignments": assignments}))


def _drop(options: argparse.Namespace) -> None:
    ask(options.url, "DELETE", f"principals/{quote(options.principal, safe='')}")
    _show(ask(options.url, "GET", "principals"))


def _show(view: dict[str, Any]) -> None:
    for one in view["value"]:
        print(one["principal"])
        for assignment in one["assignments"] or [{"role": "nothing", "scope": ""}]:
            print(f"  {assignment['role']} {assignment['scope']}".rstrip())
    if not view["value"]:
        print("nobody is checked: everybody may do anything")
