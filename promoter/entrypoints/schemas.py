"""JSON schemas of the types that parse requests and that answer, with what their docstrings say."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from promoter.application.promote import MAX_REASON
from promoter.domain.evidence import MAX_GATE_EVIDENCE, MAX_NAME, MAX_URL
from promoter.domain.gate_name import GATE_NAME
from promoter.domain.image import DIGEST, MAX_REPOSITORY, REPOSITORY, TAG, Digest, Repository, Tag
from promoter.entrypoints.json_types import options, structures
from promoter.entrypoints.prose import COMMON

_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", re.MULTILINE)
_IN_JSON = re.compile(r"\s\(`\w+`\s+in\s+JSON\)")  # what the file's reader needs to know, and nobody else
_PAGE = re.compile(r"Page_(\w+)_")
_TEXTS: Mapping[type, dict[str, Any]] = {
    Repository: {"pattern": REPOSITORY.pattern, "maxLength": MAX_REPOSITORY, "examples": ["shop/web"]},
    Tag: {"pattern": TAG.pattern, "examples": ["v1.4.2"]},
    Digest: {"pattern": DIGEST.pattern, "examples": ["sha256:" + "0" * 64]},
}
_LIMITS: Mapping[str, dict[str, Any]] = {
    "reason": {"maxLength": MAX_REASON},
    "comment": {"maxLength": MAX_REASON},
    "gate": {"pattern": f"^(?:{GATE_NAME.pattern})$"},
    "issuer": {"maxLength": MAX_NAME},
    "evidence": {"maxLength": MAX_GATE_EVIDENCE},
    "url": {"maxLength": MAX_URL, "pattern": "^https?://"},
}
"""What a request's fields of these names must keep to; the use cases check it."""
_JSON_NAMES = {"source": "from", "target": "to"}
REFERENCE = "#/components/schemas/"


class Schemas:
    """The schemas of some types.

    Attributes:
        components: By name; a schema refers to others by `REFERENCE` and their name.
    """

    def __init__(self, types: Iterable[object]) -> None:
        """Make the schemas of these types, and of all that they are made of."""
        self._types = list(dict.fromkeys(types))
        found, components = msgspec.json.schema_components(
            self._types, schema_hook=_of_text, ref_template=REFERENCE + "{name}"
        )
        self._found = [_renamed(schema) for schema in found]
        self.components = {_name(name): _described(_renamed(schema)) for name, schema in components.items()}
        for struct in structures(*self._types):
            self._tell_times(struct)
        for component in self.components.values():
            for name, schema in component.get("properties", {}).items():
                for text in _texts(schema):
                    text.update(_LIMITS.get(name, {}))

    def _tell_times(self, struct: type[msgspec.Struct]) -> None:
        properties = self.components.get(_name(struct.__name__), {}).get("properties", {})
        for field in msgspec.structs.fields(struct):
            if datetime in options(field.type) and field.encode_name in properties:
                for text in _texts(properties[field.encode_name]):
                    text["format"] = "date-time"

    def of(self, type_: object) -> dict[str, Any]:
        """The schema of one of the types."""
        found: dict[str, Any] = self._found[self._types.index(type_)]
        return found

    def whole(self, type_: object) -> dict[str, Any]:
        """The schema of one of the types, and not a reference to it."""
        name = self.of(type_)["$ref"].removeprefix(REFERENCE)
        found: dict[str, Any] = self.components[name]
        return found


def attributes(type_: type) -> dict[str, str]:
    """What the docstrings of a type and its parents say of each of its fields, by their names in JSON."""
    said: dict[str, str] = {}
    for each in reversed(type_.__mro__):
        for name, text in _ATTRIBUTE.findall(each.__doc__ or ""):
            said[_in_json(name)] = _cleaned(text)
    return COMMON | said


def _texts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a schema and its options, those of strings."""
    return [option for option in schema.get("anyOf", [schema]) if option.get("type") == "string"]


def _of_text(type_: type) -> dict[str, Any]:
    texts = {"type": "string", **_TEXTS.get(type_, {})}
    if "pattern" in texts:
        texts["pattern"] = f"^(?:{texts['pattern']})$"
    return texts


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """A component with its docstring taken apart: each field has its own sentence."""
    text, _, rest = schema.get("description", "").partition("\n\nAttributes:\n")
    properties = schema.get("properties", {})
    said = COMMON | {_in_json(name): _cleaned(words) for name, words in _ATTRIBUTE.findall(rest)}
    described = {
        name: {**each, "description": said[name]} if name in said else each
        for name, each in properties.items()
    }
    more = {"properties": described} if properties else {}
    return {**schema, **more, "description": " ".join(text.split())}


def _cleaned(text: str) -> str:
    return " ".join(_IN_JSON.sub("", text).split())


def _in_json(name: str) -> str:
    head, *rest = _JSON_NAMES.get(name, name).split("_")
    return head + "".join(part.title() for part in rest)


def _renamed(schema: Any) -> Any:  # noqa: ANN401 - JSON is whatever it is
    """A schema by the names that the API has for things."""
    match schema:
        case dict():
            kept = {key: _renamed(value) for key, value in schema.items()}
            if "$ref" in kept:
                kept["$ref"] = REFERENCE + _name(kept["$ref"].removeprefix(REFERENCE))
            if "title" in kept and isinstance(kept["title"], str):
                kept["title"] = _name(kept["title"].replace("[", "_").replace("]", "_"))
            return kept
        case list():
            return [_renamed(each) for each in schema]
        case _:
            return schema


def _name(text: str) -> str:
    return _PAGE.sub(r"\1Page", text).replace("View", "")
