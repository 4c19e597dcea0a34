"""The properties of resources against Azure's own type definitions, where a copy of them is at hand.

The definitions are those that the Bicep compiler checks by: a checkout of github.com/Azure/bicep-types-az.
They are too large to be kept here; `make infra-check TYPES=path` uses them.
"""

import json
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from enum import IntFlag
from functools import cache
from pathlib import Path
from typing import Any

from tree_sitter import Node

from infra.check.syntax import line_of, plain, properties
from infra.check.template import Problem, Resource, Template

type Definition = dict[str, Any]

_BICEP_OWN = {"parent", "scope", "dependsOn"}
_LITERALS = {"string": "StringType", "number": "IntegerType", "boolean": "BooleanType"}


class _Flag(IntFlag):
    REQUIRED = 1
    READ_ONLY = 2


class Definitions:
    """The type definitions of one provider's version, and one resource type in them."""

    def __init__(self, all_: list[Definition], body: Definition) -> None:
        self._all = all_
        self.body = body

    @classmethod
    def find(cls, checkout: Path, type_: str, version: str) -> "Definitions | None":
        """The definition of a resource type; None where there is no such type, or not in that version."""
        provider = type_.partition("/")[0].lower()
        for path in sorted(checkout.glob(f"generated/*/{provider}/{version}/types.json")):
            all_ = _load(path)
            for each in all_:
                if each["$type"] == "ResourceType" and each["name"].lower() == f"{type_}@{version}".lower():
                    return cls(all_, _at(all_, each["body"]))
        return None

    def at(self, reference: Mapping[str, str]) -> Definition:
        """What a reference points to."""
        return _at(self._all, reference)


def property_problems(template: Template, checkout: Path) -> Iterator[Problem]:
    """What is unknown, missing, not to be written or of the wrong kind in a file's resources."""
    for resource in template.resources:
        definitions = Definitions.find(checkout, resource.type, resource.version)
        if definitions is None:
            text = f"{resource.type}@{resource.version} does not exist"
            yield Problem(template.path, resource.line, text)
        elif not resource.existing:
            yield from _Check(template, resource, definitions).problems()


class _Check:
    """One resource, against its definition."""

    def __init__(self, template: Template, resource: Resource, definitions: Definitions) -> None:
        self._template, self._resource, self._definitions = template, resource, definitions

    def problems(self) -> Iterator[Problem]:
        yield from self._value(self._resource.body, self._definitions.body, top=True)

    def _value(self, node: Node, wanted: Definition, *, top: bool = False) -> Iterator[Problem]:
        node = self._template.value(node)
        match node.type:
            case "parenthesized_expression" | "for_statement":
                yield from self._value(node.named_children[-1], wanted)
            case "ternary_expression":
                for branch in node.named_children[1:]:
                    yield from self._value(branch, wanted)
            case "object":
                yield from self._object(node, wanted, top=top)
            case "array" if wanted["$type"] == "ArrayType":
                for item in node.named_children:
                    yield from self._value(item, self._definitions.at(wanted["itemType"]))
            case kind if kind in _LITERALS and "${" not in plain(node):
                yield from self._literal(node, wanted)
            case _:
                return

    def _object(self, node: Node, wanted: Definition, *, top: bool) -> Iterator[Problem]:
        given = dict(properties(node))
        known, more = self._known(wanted, given)
        for name, value in given.items():
            if top and name in _BICEP_OWN:
                continue
            if name in known:
                if known[name]["flags"] & _Flag.READ_ONLY:
                    yield self._problem(value, f"{name} is not to be written")
                yield from self._value(value, self._definitions.at(known[name]["type"]))
            elif not more:
                near = get_close_matches(name, known, n=1)
                yield self._problem(value, f"{name} is no property here{f'; {near[0]} is' if near else ''}")
        for name, each in known.items():
            if each["flags"] & _Flag.REQUIRED and name not in given:
                yield self._problem(node, f"{name} is missing")

    def _known(self, wanted: Definition, given: Mapping[str, Node]) -> tuple[dict[str, Definition], bool]:
        """The properties that an object may have, and whether it may have others as well."""
        if wanted["$type"] == "ObjectType":
            return wanted["properties"], bool(wanted.get("additionalProperties"))
        if wanted["$type"] == "DiscriminatedObjectType":
            chosen = given.get(wanted["discriminator"])
            element = wanted["elements"].get(plain(chosen)) if chosen is not None else None
            if element is not None:
                variant = self._definitions.at(element)
                more = bool(variant.get("additionalProperties"))
                return wanted["baseProperties"] | variant["properties"], more
        return {}, wanted["$type"] == "AnyType"

    def _literal(self, node: Node, wanted: Definition) -> Iterator[Problem]:
        if not self._fits(node, wanted):
            yield self._problem(node, f"{plain(node)} is no {wanted.get('value') or wanted['$type']}")

    def _fits(self, node: Node, wanted: Definition) -> bool:
        match wanted["$type"]:
            case "AnyType":
                return True
            case "UnionType":
                return any(self._fits(node, self._definitions.at(each)) for each in wanted["elements"])
            case "StringLiteralType":
                return node.type == "string" and plain(node) == wanted["value"]
            case kind:
                return bool(kind == _LITERALS[node.type])

    def _problem(self, node: Node, text: str) -> Problem:
        return Problem(self._template.path, line_of(node), f"{self._resource.type}: {text}")


@cache
def _load(path: Path) -> list[Definition]:
    loaded: list[Definition] = json.loads(path.read_bytes())
    return loaded


def _at(all_: list[Definition], reference: Mapping[str, str]) -> Definition:
    return all_[int(reference["$ref"].removeprefix("#/"))]
