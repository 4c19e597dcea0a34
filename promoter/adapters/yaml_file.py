"""Files that people write: YAML in, plain values out, beside the type that they should have.

Whatever is wrong is told all at once, each problem with the path to the value, as in
`rules[0].gates[1].maxAge`.
"""

import re
import types
import typing
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, override

import msgspec
import yaml

from promoter.domain.codec import convert
from promoter.domain.errors import InvalidError

MAX_BYTES = 256 * 1024
_MAX_KEY = 100
_NAMED = re.compile(r"`([^`]*)`|(?<= got )\w+$")
_STEP = re.compile(r"[^.\[\]]+|\[[0-9]+\]")
_WORDS = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "keys and values",
    "null": "nothing",
    "NoneType": "nothing",
    "list": "a list",
    "dict": "keys and values",
    "date": "a date",
    "datetime": "a time",
}
MISSING = object()
"""Stands for a value whose problem has been told already."""


class Place(typing.NamedTuple):
    """Where something is in a file; lines and columns count from 1."""

    line: int
    column: int


class YamlError(ValueError):
    """A file that is no plain YAML.

    Attributes:
        place: Where, if that is known.
    """

    def __init__(self, message: str, place: Place | None = None) -> None:
        super().__init__(message)
        self.place = place


class YamlFile:
    """A file's content.

    Attributes:
        value: What it says, in plain values.
    """

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            YamlError: It cannot be read, is too large, or is no YAML.
        """
        content = _content(path)
        try:
            loader = _Loader(content)
            self._root: yaml.Node | None = loader.get_single_node()
            self.value: object = loader.construct_document(self._root) if self._root else None
        except yaml.MarkedYAMLError as error:
            raise YamlError(error.problem or str(error), _place(error.problem_mark)) from error
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
            message = f"this is not YAML: {' '.join(str(error).split())}"
            raise YamlError(message) from error

    def place(self, path: str) -> Place | None:
        """Where a value is, by its path; where it is missing, the place that it is missing from.

        None where that is the file as a whole.
        """
        node, mark = self._root, None
        for step in _STEP.findall(path):
            found = _below(node, step)
            if found is None:
                break
            mark, node = found
        return _place(mark)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
            size = path.stat().st_size
    except OSError as error:
        raise YamlError(error.strerror or str(error)) from error
    if len(content) > MAX_BYTES:
        message = f"has {max(size, len(content))} bytes; at most {MAX_BYTES} are read"
        raise YamlError(message)
    return content


def _below(node: yaml.Node | None, step: str) -> tuple[Any, yaml.Node] | None:
    """The value that one step of a path leads to, and where its key, or it itself, is."""
    if isinstance(node, yaml.MappingNode):
        return next(((key.start_mark, value) for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and step.startswith("["):
        item = node.value[int(step[1:-1])]
        return item.start_mark, item
    return None


def _place(mark: Any) -> Place | None:  # noqa: ANN401 - PyYAML has two kinds of marks
    return Place(mark.line + 1, mark.column + 1) if mark else None


class _Loader(yaml.SafeLoader):
    """What YAML allows and a reviewer overlooks is an error: a key twice, aliases, and tags."""

    @override
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            _refuse("aliases are not accepted: write it out", event.start_mark)
        if getattr(event, "tag", None) is not None:
            _refuse("tags, as !!str is one, are not accepted", event.start_mark)
        return super().compose_node(parent, index)

    @override
    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        try:
            node.value.encode()
        except UnicodeEncodeError:
            _refuse("an escaped half of a character: write the character itself", node.start_mark)
        return node

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                _refuse("a key must be plain text", key.start_mark)
            if key.value in seen:
                _refuse(f"{key.value[:_MAX_KEY]!r} is here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _refuse(problem: str, mark: Any) -> NoReturn:  # noqa: ANN401 - PyYAML has two kinds of marks
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class Shape:
    """Goes through a file's values beside the type that they should have, and keeps what is wrong.

    Attributes:
        problems: What is wrong, each with its path first.
    """

    def __init__(self, root: str) -> None:
        """Begin with nothing wrong; `root` is what the file as a whole is called."""
        self._root = root
        self.problems: list[str] = []

    def check(self, value: object, type_: Any, path: str = "") -> object:  # noqa: ANN401 - any type
        """Note every place where a value is not of its type.

        Returns:
            A value of that type: what is wrong is replaced, so that the rest can be looked at all the same.
        """
        if value is MISSING:
            return _stand_in(type_, path)
        struct, item = _struct_of(type_), _item_of(type_)
        if struct is not None and isinstance(value, dict):
            return self._check_struct(value, struct, type_, path)
        if item is not None and isinstance(value, list):
            return [self.check(each, item, f"{path}[{number}]") for number, each in enumerate(value)]
        if typing.get_origin(type_) is dict and isinstance(value, dict):
            _, item = typing.get_args(type_)
            return {key: self.check(each, item, join(path, key)) for key, each in value.items()}
        return self._check_plain(value, type_, path)

    def note(self, path: str, problem: str) -> None:
        """Keep a problem."""
        self.problems.append(f"{path or self._root}: {problem}")

    def _check_struct(
        self,
        value: dict[Any, object],
        struct: type[msgspec.Struct],
        type_: Any,  # noqa: ANN401
        path: str,
    ) -> object:
        fields, known = _fields(struct), len(self.problems)
        for key in value:
            if key not in fields:
                near = get_close_matches(str(key), fields, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(fields)}"
                self.note(join(path, str(key)[:_MAX_KEY]), f"is not known here; {hint}")
        mended: dict[str, object] = {}
        for name, field in fields.items():
            below, before = join(path, name), len(self.problems)
            if name in value:
                found = self.check(value[name], field.type, below)
                if field.required or len(self.problems) == before or isinstance(found, dict | list):
                    mended[name] = found
            elif field.required:
                self.note(below, "is missing")
                mended[name] = _stand_in(field.type, below)
        try:
            convert(mended, struct)
        except InvalidError as error:
            if len(self.problems) == known:
                self.note(path, in_words(error))
            return _stand_in(type_, path)
        return mended

    def _check_plain(self, value: object, type_: Any, path: str) -> object:  # noqa: ANN401
        try:
            convert(value, type_)
        except InvalidError as error:
            hint = "; put it in quotes" if _wants_quotes(value, type_) else ""
            self.note(join(path, error.field or ""), f"{in_words(error)}{hint}")
            return _stand_in(type_, path)
        return value


def in_words(error: InvalidError) -> str:
    """What a conversion found wrong, without the names of Python's types."""
    text = _NAMED.sub(lambda match: _words((match[1] or match[0]).split(" | ")), str(error))
    return text[:1].lower() + text[1:]


def join(path: str, key: object) -> str:
    """The path of what is below a key."""
    return f"{path}.{key}" if path and key and not str(key).startswith("[") else f"{path}{key}"


def _stand_in(type_: Any, path: str) -> object:  # noqa: ANN401
    """Something of a type, and of its own, for a value that is missing or wrong."""
    for option in _options(type_):
        if option in {str, None, types.NoneType}:
            return path if option is str else None
        if typing.get_origin(option) in {tuple, dict}:
            return typing.get_origin(option)()
        if example := getattr(option, "EXAMPLE", None):
            return example
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            required = {name: field for name, field in _fields(option).items() if field.required}
            return {name: _stand_in(field.type, join(path, name)) for name, field in required.items()}
    return 0


@cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(struct)}


def _struct_of(type_: Any) -> type[msgspec.Struct] | None:  # noqa: ANN401
    """The structure that a type is, or may be."""
    found = (each for each in _options(type_) if isinstance(each, type) and issubclass(each, msgspec.Struct))
    return next(found, None)


def _item_of(type_: Any) -> Any:  # noqa: ANN401
    """The type of a list's items, where it is or may be a list."""
    lists = (each for each in _options(type_) if typing.get_origin(each) is tuple)
    return next((typing.get_args(each)[0] for each in lists), None)


def _options(type_: Any) -> tuple[Any, ...]:  # noqa: ANN401
    return typing.get_args(type_) if isinstance(type_, types.UnionType) else (type_,)


def _wants_quotes(value: object, type_: Any) -> bool:  # noqa: ANN401
    """Whether YAML has read a number, or yes and no, where the same as text would be right."""
    if not isinstance(value, bool | int | float):
        return False
    try:
        convert(str(value), type_)
    except InvalidError:
        return False
    return True


def _words(names: list[str]) -> str:
    return " or ".join(_WORDS.get(name, name) for name in names)


def _kind(value: object) -> str:
    return _words([type(value).__name__])
