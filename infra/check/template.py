"""A Bicep file, as far as the checks look at it: what it declares, what it uses, what resources it makes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, override

from tree_sitter import Node

from infra.check.names import Names
from infra.check.syntax import (
    DECLARATIONS,
    ancestors,
    body_of,
    line_of,
    parse,
    plain,
    properties,
    text_of,
    walk,
)


class Problem(NamedTuple):
    """What is wrong, and where."""

    path: Path
    line: int
    text: str

    @override
    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


class Parameter(NamedTuple):
    """A parameter: whether it must be given, and where it is declared."""

    required: bool
    line: int


class Resource(NamedTuple):
    """A resource: its symbol, its type with the parent's where it is nested, its version, and its body."""

    symbol: str
    type: str
    version: str
    existing: bool
    body: Node
    line: int


class Module(NamedTuple):
    """A module: its symbol, its file relative to this one, the lines of its parameters, and its body."""

    symbol: str
    file: str
    parameters: dict[str, int]
    body: Node
    line: int


@dataclass(slots=True)
class Template:
    """A Bicep file.

    Attributes:
        variables: Their values.
        outputs: Their names.
        syntax_errors: The lines that are no Bicep.
    """

    path: Path
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Node] = field(default_factory=dict)
    outputs: set[str] = field(default_factory=set)
    resources: list[Resource] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    syntax_errors: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> "Template":
        """Read a file."""
        template, root = cls(path), parse(path)
        template.syntax_errors = [line_of(node) for node in walk(root) if node.is_error or node.is_missing]
        for node in walk(root):
            if node.type in DECLARATIONS and len(node.named_children) > 1:
                template._declare(node)
        symbols = {each.symbol for each in template.resources} | {each.symbol for each in template.modules}
        known = frozenset({*template.parameters, *template.variables, *symbols})
        template.names.collect(root, known)
        return template

    def value(self, node: Node) -> Node:
        """The value of an expression, through the variable that it names, if it names one."""
        return self.variables.get(text_of(node), node) if node.type == "identifier" else node

    def texts(self, variable: str) -> list[str]:
        """The texts in a variable's value, in order.

        Raises:
            KeyError: There is no such variable.
        """
        return [plain(node) for node in walk(self.variables[variable]) if node.type == "string"]

    def _declare(self, node: Node) -> None:
        name, line = text_of(node.named_children[0]), line_of(node)
        match node.type:
            case "parameter_declaration":
                self.parameters[name] = Parameter(all(child.type != "=" for child in node.children), line)
            case "variable_declaration":
                self.variables[name] = node.named_children[-1]
            case "output_declaration":
                self.outputs.add(name)
            case "resource_declaration":
                self._declare_resource(node, name)
            case _:
                body = body_of(node)
                parameters = dict(properties(body)).get("params")
                given = {key: line_of(value) for key, value in properties(parameters)} if parameters else {}
                self.modules.append(Module(name, plain(node.named_children[1]), given, body, line))

    def _declare_resource(self, node: Node, name: str) -> None:
        type_, _, version = plain(node.named_children[1]).partition("@")
        parent = next((each for each in ancestors(node) if each.type == "resource_declaration"), None)
        if parent is not None:
            outer = next(each for each in self.resources if each.line == line_of(parent))
            type_, version = f"{outer.type}/{type_}", version or outer.version
        existing = any(child.type == "existing" for child in node.children)
        self.resources.append(Resource(name, type_, version, existing, body_of(node), line_of(node)))
