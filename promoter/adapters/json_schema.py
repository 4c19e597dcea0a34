"""JSON Schemas of the files that people write, for their editors: made from the types that read them.

What a type's docstring says under "Attributes:" is what an editor shows for a key.
"""

import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any, get_args

import msgspec

from promoter.domain.codec import plain
from promoter.domain.duration import Duration
from promoter.domain.expression import Expression
from promoter.domain.freeze import Cron, TimeZone
from promoter.domain.image import Repository, Tag
from promoter.domain.policy import SettingReference
from promoter.domain.selector import Glob
from promoter.domain.semver import SemverRange

type Schema = dict[str, Any]
type Facts = Mapping[tuple[str, str], Schema]
"""What the types do not say of a property: by the type's name and the property's, what is added to it."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SETTING = r"\$\{[^}]+\}"
_IN_THE_FILE = re.compile(r" \(`\w+` in the file\)")  # which is where an editor's reader is
_ATTRIBUTE = re.compile(r"^    (\w+): ", re.MULTILINE)


def text(pattern: str, *examples: str, says: str = "", settings: bool = True) -> Schema:
    """The schema of a text that as a whole matches a pattern.

    Args:
        pattern: In the dialect that JSON Schema and Python have in common.
        examples: What an editor offers.
        says: What an editor says of a text that does not match.
        settings: Whether `${NAME}` may stand for a part of the text, which then is anything.
    """
    whole = f"^(?:{pattern})$"
    made: Schema = {"type": "string", "pattern": f"{whole}|{_SETTING}" if settings else whole}
    if says:
        made["patternErrorMessage"] = says  # no keyword of JSON Schema's, but of the editors' language server
    return made | ({"examples": list(examples)} if examples else {})


_PATTERNS: dict[type, str | None] = {
    Repository: r"[a-z0-9._/-]{1,255}",
    Tag: r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}",
    Glob: r"[A-Za-z0-9._/*?-]+",
    SemverRange: r"[0-9A-Za-z.+*<>=~^|\s-]{1,256}",
    Expression: None,
    Duration: r"(?:[0-9]{1,5}[smhdw])+",
    Cron: r"\s*(?:[0-9A-Za-z*/,#-]+\s+){4}[0-9A-Za-z*/,#-]+\s*",
    TimeZone: r"[A-Za-z0-9_+/-]+",
}
_REFERENCE = text(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", settings=False)


def schema_of(
    type_: type[msgspec.Struct], facts: Facts, patterns: Mapping[type, str] | None = None, *, settings: bool
) -> Schema:
    """The JSON Schema of a file that is of a type.

    Args:
        type_: The type of the whole file.
        facts: What the types do not say.
        patterns: The patterns of types of text that only this file has.
        settings: Whether `${NAME}` may stand for a part of a text.
    """
    known = {**_PATTERNS, **(patterns or {})}
    schema = msgspec.json.schema(type_, schema_hook=lambda each: _text(each, known, settings=settings))
    for struct in _structs(type_):
        definition = schema["$defs"][struct.__name__]
        summary, attributes = _said(struct)
        definition["description"] = summary
        for field in msgspec.structs.fields(struct):
            found = definition["properties"][field.encode_name]
            if description := attributes.get(field.name):
                found["description"] = description
            if field.default_factory is not msgspec.NODEFAULT:
                found["default"] = plain(field.default_factory())
            if found.get("default") in (None, "", []):  # what is left out
                found.pop("default", None)
            found |= facts.get((struct.__name__, field.encode_name), {})
        definition |= facts.get((struct.__name__, ""), {})
    return {"$schema": _DIALECT, "$comment": "Made by `make schema`.", **schema}


def _text(type_: type, patterns: Mapping[type, str | None], *, settings: bool) -> Schema:
    summary, _ = _said(type_)
    shown = {"description": summary, "examples": [getattr(type_, "EXAMPLE", "")]}
    if type_ is SettingReference:
        return shown | _REFERENCE
    pattern = patterns[type_]
    return shown | ({"type": "string"} if pattern is None else text(pattern, says=summary, settings=settings))


def _structs(type_: Any) -> Iterator[type[msgspec.Struct]]:  # noqa: ANN401 - any type
    """Every structure in a type, each once."""
    seen: dict[type[msgspec.Struct], None] = {}
    _collect(type_, seen)
    yield from seen


def _collect(type_: Any, seen: dict[type[msgspec.Struct], None]) -> None:  # noqa: ANN401
    if not isinstance(type_, type) or not issubclass(type_, msgspec.Struct):
        for part in get_args(type_):
            _collect(part, seen)
    elif type_ not in seen:
        seen[type_] = None
        for field in msgspec.structs.fields(type_):
            _collect(field.type, seen)


def _said(type_: type) -> tuple[str, dict[str, str]]:
    """What a docstring says of the whole, and of each attribute."""
    whole, _, attributes = cleandoc(type_.__doc__ or "").partition("\n\nAttributes:\n")
    whole = whole.partition("\n\nRaises:\n")[0]
    parts = _ATTRIBUTE.split(f"\n{attributes}")[1:]
    named = zip(parts[::2], parts[1::2], strict=True)
    return _in_one_line(whole), {name: _in_one_line(said) for name, said in named}


def _in_one_line(said: str) -> str:
    return _IN_THE_FILE.sub("", " ".join(said.split()))
