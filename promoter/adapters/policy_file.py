"""The policy file: YAML in, a Policy out, or every problem in it with the path to the value."""

import re
import types
import typing
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, override

import msgspec
import yaml

from promoter.domain.codec import convert
from promoter.domain.errors import InvalidError, PolicyError
from promoter.domain.policy import Policy
from promoter.domain.policy_problems import problems

_MAX_BYTES = 256 * 1024
_SETTING = re.compile(r"\$\{(?P<name>[^}]*)\}?")
_NAMED = re.compile(r"`([^`]*)`|(?<= got )\w+$")
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
}
_MISSING = object()  # stands for a value whose problem has been told already


def load_policy(path: Path, settings: Mapping[str, str]) -> Policy:
    """Read and check the policy file.

    Args:
        path: The file.
        settings: The app settings that `${NAME}` stands for.

    Raises:
        PolicyError: With every problem found.
    """
    document = _parse(path)
    shape = _Shape(settings)
    filled = shape.fill(document, "")
    mended = shape.check(filled, Policy, "")
    try:
        policy = convert(mended, Policy)
    except InvalidError as error:
        raise PolicyError(shape.problems or [_at(error.field or "", _in_words(error))]) from error
    told = {problem.partition(":")[0] for problem in shape.problems}
    found = [problem for problem in problems(policy) if problem.partition(":")[0] not in told]
    if shape.problems or found:
        raise PolicyError([*shape.problems, *found])
    return policy


def _parse(path: Path) -> object:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError([f"{path}: {error.strerror or error}"]) from error
    if len(content) > _MAX_BYTES:
        raise PolicyError([f"{path}: has {len(content)} bytes; at most {_MAX_BYTES} are read"])
    try:
        return yaml.load(content, _Loader)  # noqa: S506 - a SafeLoader, made stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise PolicyError([f"{path}{where}: {error.problem}"]) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise PolicyError([f"{path}: this is not YAML: {' '.join(str(error).split())}"]) from error


class _Loader(yaml.SafeLoader):
    """What YAML allows and a reviewer overlooks is an error: a key twice, and aliases."""

    @override
    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event: yaml.Event = self.get_event()  # type: ignore[no-untyped-call]
            _refuse("aliases are not accepted: write it out", event.start_mark)
        return super().compose_node(parent, index)

    @override
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                _refuse("a key must be plain text", key.start_mark)
            if key.value in seen:
                _refuse(f"{key.value!r} is here twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _refuse(problem: str, mark: Any) -> NoReturn:  # noqa: ANN401 - PyYAML has two kinds of marks
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _Shape:
    """Goes through a document beside the type that it should have, and keeps what is wrong."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self.problems: list[str] = []

    def fill(self, value: object, path: str) -> object:
        """The document with its settings filled in."""
        match value:
            case str():
                return self._fill_text(value, path)
            case list():
                return [self.fill(item, f"{path}[{number}]") for number, item in enumerate(value)]
            case dict():
                return {key: self._fill_value(key, item, _join(path, key)) for key, item in value.items()}
            case _:
                return value

    def check(self, value: object, type_: Any, path: str) -> object:  # noqa: ANN401 - any type of the policy
        """Note every place where a value is not of its type.

        Returns:
            The value without what is not known, so that the rest can be looked at all the same.
        """
        if value is _MISSING:
            return path  # something of its own, for what has no value
        struct, item = _struct_of(type_), _item_of(type_)
        if struct is not None and (isinstance(value, dict) or struct is type_):
            return self._check_struct(value, struct, path)
        if item is not None and isinstance(value, list):
            return [self.check(each, item, f"{path}[{number}]") for number, each in enumerate(value)]
        self._check_plain(value, type_, path)
        return value

    def _check_struct(self, value: object, struct: type[msgspec.Struct], path: str) -> object:
        if not isinstance(value, dict):
            self._note(path, f"expected keys and values, got {_kind(value)}")
            return value
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
        for key in value:
            if key not in fields:
                near = get_close_matches(str(key), fields, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(fields)}"
                self._note(_join(path, key), f"is not known here; {hint}")
        mended: dict[str, object] = {}
        for name, field in fields.items():
            if name in value:
                mended[name] = self.check(value[name], field.type, _join(path, name))
            elif field.required:
                self._note(_join(path, name), "is missing")
        return mended

    def _check_plain(self, value: object, type_: Any, path: str) -> None:  # noqa: ANN401
        try:
            convert(value, type_)
        except InvalidError as error:
            hint = "; put it in quotes" if _wants_quotes(value, type_) else ""
            self._note(_join(path, error.field or ""), f"{_in_words(error)}{hint}")

    def _fill_value(self, key: object, value: object, path: str) -> object:
        """A value of a mapping. Credentials stay settings' names: the secret is in no policy."""
        filled = self.fill(value, path)
        return value if key == "credentials" and isinstance(value, dict) else filled

    def _fill_text(self, text: str, path: str) -> object:
        for match in _SETTING.finditer(text):
            if not match[0].endswith("}"):
                self._note(path, f"{match[0]!r} opens a setting and does not close it")
                return _MISSING
            if not self._settings.get(match["name"]):
                self._note(path, f"the setting {match['name']!r} is not set")
                return _MISSING
        return _SETTING.sub(lambda match: self._settings[match["name"]], text)

    def _note(self, path: str, problem: str) -> None:
        self.problems.append(_at(path, problem))


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


def _in_words(error: InvalidError) -> str:
    """The problem without the names of Python's types."""
    text = _NAMED.sub(lambda match: _words((match[1] or match[0]).split(" | ")), str(error))
    return text[:1].lower() + text[1:]


def _words(names: list[str]) -> str:
    return " or ".join(_WORDS.get(name, name) for name in names)


def _kind(value: object) -> str:
    return _words([type(value).__name__])


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path and key else f"{path}{key}"


def _at(path: str, problem: str) -> str:
    return f"{path or 'policy'}: {problem}"
