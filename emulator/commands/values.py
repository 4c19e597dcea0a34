"""What options of the command line are: each function reads a text, or raises StartError with why not."""

import re
from math import isfinite

from emulator.distribution.switches import Auth
from emulator.errors import StartError
from emulator.eventgrid.event import Schema
from emulator.eventgrid.topic import topic_name
from emulator.settings import HIGHEST_PORT

_ID_PART = re.compile(r"[\w.()-]{1,90}")
_SITE_NAME = re.compile(r"[A-Za-z0-9-]{1,60}(?:/[A-Za-z0-9-]{1,59})?")


def port(text: str) -> int:
    """Read a port."""
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        message = f"a port is a number from 0 to {HIGHEST_PORT}, not {text!r}"
        raise StartError(message)
    return int(text)


def seconds(text: str) -> float:
    """Read a time that is not below zero."""
    if (number := _number(text)) < 0:
        message = f"a time is a number of seconds, not {text!r}"
        raise StartError(message)
    return number


def factor(text: str) -> float:
    """Read a factor that is above zero."""
    if (number := _number(text)) <= 0:
        message = f"a factor is a number above 0, not {text!r}"
        raise StartError(message)
    return number


def _number(text: str) -> float:
    """Read a finite number; -1 where it is none."""
    try:
        number = float(text)
    except ValueError:
        return -1
    return number if isfinite(number) else -1


def id_part(text: str) -> str:
    """Read what is one part of a resource id."""
    if not _ID_PART.fullmatch(text):
        message = f"a subscription or a resource group has letters, digits and .()_-, this one is {text!r}"
        raise StartError(message)
    return text


def site(text: str) -> str:
    """Read the name of a site or of a slot."""
    if not _SITE_NAME.fullmatch(text):
        message = f"--site {text}: a site is NAME or NAME/SLOT, of letters, digits and hyphens"
        raise StartError(message)
    return text


def topic(text: str) -> tuple[str, Schema]:
    """Read a topic's name, and the schema that it takes."""
    name, equals, schema = text.partition("=")
    try:
        topic_name(name)
    except ValueError as error:
        message = f"--topic {text}: {error}"
        raise StartError(message) from None
    try:
        return name, Schema(schema) if equals else Schema.EVENT_GRID
    except ValueError:
        message = f"--topic {text}: the schema is {' or '.join(Schema)}"
        raise StartError(message) from None


def auth(mode: str) -> Auth:
    """Read whom a registry lets in."""
    try:
        return Auth(mode)
    except ValueError:
        message = f"--auth {mode}: a mode is one of {', '.join(Auth)}"
        raise StartError(message) from None
