"""The names that a Bicep file uses, and which of them are defined where they are used."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tree_sitter import Node

from infra.check.syntax import DECLARATIONS, line_of, plain, text_of, walk

_NO_EXPRESSIONS = {"property_identifier", "type"}


class Use(NamedTuple):
    """A name, or a text, where it is used."""

    name: str
    line: int


class Member(NamedTuple):
    """What is read of a symbol: `outputs.url` of the module `app` is `app`, `outputs`, `url`."""

    symbol: str
    kind: str
    name: str
    line: int


@dataclass(slots=True)
class Names:
    """What a file uses.

    Attributes:
        uses: Every name that is no function's.
        unknown: Those of them that are defined nowhere.
        calls: Every function that is called, decorators among them.
        strings: Every text, without its quotes.
    """

    uses: list[Use] = field(default_factory=list)
    unknown: list[Use] = field(default_factory=list)
    calls: list[Use] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    strings: list[Use] = field(default_factory=list)

    def collect(self, node: Node, scope: frozenset[str]) -> None:
        """Collect what is used at and below a node, where the names of `scope` are defined."""
        self._note(node, scope)
        expressions, scope = _below(node, scope)
        for each in expressions:
            self.collect(each, scope)

    def _note(self, node: Node, scope: frozenset[str]) -> None:
        match node.type:
            case "identifier":
                use = Use(text_of(node), line_of(node))
                self.uses.append(use)
                if use.name not in scope:
                    self.unknown.append(use)
            case "string":
                self.strings.append(Use(plain(node), line_of(node)))
            case "call_expression" if node.named_children[0].type == "identifier":
                called = node.named_children[0]
                self.calls.append(Use(text_of(called), line_of(called)))
            case "member_expression" if node.named_children[0].type == "member_expression":
                self._note_member(node)
            case _:
                pass

    def _note_member(self, node: Node) -> None:
        inner = node.named_children[0]
        symbol = inner.named_children[0]
        if symbol.type == "subscript_expression":
            symbol = symbol.named_children[0]
        if symbol.type == "identifier":
            kind, name = (text_of(each.named_children[-1]) for each in (inner, node))
            self.members.append(Member(text_of(symbol), kind, name, line_of(node)))


def _below(node: Node, scope: frozenset[str]) -> tuple[list[Node], frozenset[str]]:
    """The expressions that a node is made of, and the names that are defined in them."""
    children = [child for child in node.named_children if child.type not in _NO_EXPRESSIONS]
    match node.type:
        case "for_statement" | "lambda_expression":
            variables = {plain(each) for each in walk(children[0]) if not each.named_children}
            return children[1:], scope | variables
        case "resource_expression":
            return children[:1], scope  # what comes after `::` is nested, and named there
        case "object_property" if len(children) > 1:
            return children[1:], scope
        case "call_expression" if children[0].type == "identifier":
            return children[1:], scope
        case kind if kind in DECLARATIONS:
            return children[1:], scope
        case _:
            return children, scope
