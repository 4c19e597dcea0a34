"""`registries` and `collect`: the switches of registries, and their garbage, in an emulator that is up."""

import argparse
from typing import Any

from emulator.commands import Commands
from emulator.commands.remote import add_url, ask
from emulator.distribution.switches import Auth
from emulator.errors import StartError
from emulator.store.collector import Spare


def add(commands: Commands) -> None:
    """Add the commands."""
    registries = commands.add_parser("registries", help="show registries, or switch one")
    registries.add_argument("name", nargs="?", help="the one to switch")
    registries.add_argument("--auth", choices=list(Auth), type=Auth, help="whom it lets in")
    registries.add_argument(
        "--referrers", action=argparse.BooleanOptionalAction, help="whether it has the referrers API"
    )
    registries.set_defaults(run=_registries)
    collect = commands.add_parser("collect", help="collect garbage now")
    for name, seconds in (("blobs", Spare.blobs), ("uploads", Spare.uploads)):
        collect.add_argument(
            f"--spare-{name}", type=float, default=seconds, metavar="SECONDS", help="default: %(default)s"
        )
    collect.set_defaults(run=_collect)
    for command in (registries, collect):
        add_url(command)


def _registries(options: argparse.Namespace) -> None:
    there: list[dict[str, Any]] = ask(options.url, "GET", "registries")["value"]
    if options.name:
        there = _switched(options, there)
    for one in there:
        referrers = "referrers" if one["referrers"] else "no referrers"
        print(f"{one['name']:<16} {one['url']:<29} auth {one['auth']}, {referrers}")


def _switched(options: argparse.Namespace, there: list[dict[str, Any]]) -> list[dict[str, Any]]:
    now = next((one for one in there if one["name"].lower() == options.name.lower()), None)
    if now is None:
        message = (
            f"there is no registry {options.name!r}; these are: {', '.join(one['name'] for one in there)}"
        )
        raise StartError(message)
    wanted = {
        "auth": options.auth or now["auth"],
        "referrers": now["referrers"] if options.referrers is None else options.referrers,
    }
    after: list[dict[str, Any]] = ask(options.url, "PUT", f"registries/{now['name']}", wanted)["value"]
    return [one for one in after if one["name"] == now["name"]]


def _collect(options: argparse.Namespace) -> None:
    spare = {"blobs": options.spare_blobs, "uploads": options.spare_uploads}
    removed = ask(options.url, "POST", "collect", spare)
    print(
        f"{removed['blobs']} blobs that no manifest names, {removed['files']} files of "
        f"{removed['bytes']} bytes, {removed['uploads']} uploads"
    )
