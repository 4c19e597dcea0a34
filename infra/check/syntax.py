"""Walking the syntax tree of a Bicep file."""

from collections.abc import Iterator
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

DECLARATIONS = {
    "parameter_declaration",
    "variable_declaration",
    "resource_declaration",
    "module_declaration",
    "output_declaration",
}


def parse(path: Path) -> Node:
    """The tree of a file; what is no Bicep is an error node in it."""
    return Parser(Language(tree_sitter_bicep.language())).parse(path.read_bytes()).root_node


def walk(node: Node) -> Iterator[Node]:
    """The node, and all that is below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def ancestors(node: Node) -> Iterator[Node]:
    """The nodes above."""
    while (parent := node.parent) is not None:
        yield parent
        node = parent


def body_of(declaration: Node) -> Node:
    """The object that a resource or module declares, inside of its loop and its condition."""
    node = declaration.named_children[-1]
    while node.type in {"for_statement", "if_statement"}:
        node = node.named_children[-1]
    return node


def properties(node: Node) -> Iterator[tuple[str, Node]]:
    """An object's properties and their values; not those whose names are computed, nor nested resources."""
    for child in node.named_children:
        if child.type == "object_property" and len(child.named_children) > 1:
            key, value = child.named_children[0], child.named_children[-1]
            if "${" not in text_of(key):
                yield plain(key), value


def plain(node: Node) -> str:
    """The text of a string without its quotes, or of a name."""
    return text_of(node).strip("'")


def text_of(node: Node) -> str:
    """The text as it is written."""
    return (node.text or b"").decode()


def line_of(node: Node) -> int:
    """The line, from 1."""
    return node.start_point.row + 1
