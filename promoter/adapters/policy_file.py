"""The policy file: YAML in, a Policy out, or every problem in it with the path to the value."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from promoter.adapters.yaml_file import MISSING, Shape, YamlError, YamlFile, join
from promoter.domain.codec import convert
from promoter.domain.errors import PolicyError
from promoter.domain.policy import Policy, SettingReference
from promoter.domain.policy_problems import problems

_SETTING = re.compile(r"\$\{(?P<name>[^}]*)\}?")
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""")
_UNNAMED = re.compile(r"environments\[\d+\](\.name)?")
_STEP = re.compile(r"[.[]")
_TOP = {"environments", "rules"}
_MAX_TOLD = 100
_MAX_LENGTH = 500


def load_policy(path: Path, settings: Mapping[str, str]) -> Policy:
    """Read and check the policy file.

    Args:
        path: The file.
        settings: The app settings that `${NAME}` stands for.

    Raises:
        PolicyError: With every problem found.
    """
    try:
        file = YamlFile(path)
    except YamlError as error:
        where = f":{error.place.line}:{error.place.column}" if error.place else ""
        raise PolicyError([f"{path}{where}: {error}"]) from error
    return policy_of(file.value, settings)


def policy_of(document: object, settings: Mapping[str, str]) -> Policy:
    """The policy that a file's values say.

    Args:
        document: The plain values.
        settings: The app settings that `${NAME}` stands for.

    Raises:
        PolicyError: With every problem found; none repeats what a setting stands for.
    """
    shape = Shape("policy")
    filling = _Filling(settings, shape)
    policy = convert(shape.check(filling.fill(document, ""), Policy), Policy)
    found = [*shape.problems, *_of_its_own(problems(policy), shape.problems)]
    if found:
        raise PolicyError(_told([filling.discreet(problem) for problem in found]))
    return policy


def _of_its_own(found: Iterable[str], told: Iterable[str]) -> Iterator[str]:
    """The problems that do not only come of what was told already, of the same value or a part of it."""
    known = {_path(problem) for problem in told}
    above = {step for path in known for step in _steps(path)} - _TOP
    unnamed = any(_UNNAMED.fullmatch(path) for path in known)
    for problem in found:
        path = _path(problem)
        same = path in above or not known.isdisjoint(_steps(path))
        if not same and not (unnamed and "there is no environment" in problem):
            yield problem


def _path(problem: str) -> str:
    return problem.partition(":")[0]


def _steps(path: str) -> list[str]:
    """The path to a value, and to all that it is in."""
    return [path[: match.start()] for match in _STEP.finditer(path)] + [path]


def _told(found: list[str]) -> list[str]:
    """As many problems, and as much of each, as anybody reads."""
    told = [each if len(each) <= _MAX_LENGTH else f"{each[:_MAX_LENGTH]}..." for each in found[:_MAX_TOLD]]
    more = len(found) - len(told)
    return [*told, f"policy: has {more} problems more"] if more else told


class _Filling:
    """Puts the settings in their places, and remembers where: what they stand for is repeated nowhere."""

    def __init__(self, settings: Mapping[str, str], shape: Shape) -> None:
        self._settings = settings
        self._shape = shape
        self._filled: dict[str, str] = {}

    def fill(self, value: object, path: str) -> object:
        """The document with its settings filled in."""
        match value:
            case str():
                return self._fill_text(value, path)
            case list():
                return [self.fill(item, f"{path}[{number}]") for number, item in enumerate(value)]
            case dict():
                return {key: self._fill_value(key, item, join(path, key)) for key, item in value.items()}
            case _:
                return value

    def discreet(self, problem: str) -> str:
        """A problem without what a setting stands for: that may be a secret that is in the wrong place."""
        path = _path(problem)
        texts = [
            text for at, text in self._filled.items() if at == path or at.startswith((f"{path}.", f"{path}["))
        ]
        return _QUOTED.sub(lambda _: f"{texts[0]} (as it is set)", problem) if texts else problem

    def _fill_value(self, key: object, value: object, path: str) -> object:
        """A value of a mapping. Credentials stay settings' names: the secret is in no policy."""
        if key != "credentials" or not isinstance(value, dict):
            return self.fill(value, path)
        for name, text in value.items():
            with contextlib.suppress(TypeError, ValueError):  # what is none is told, but never repeated
                self._fill_text(SettingReference(text), join(path, name))
        return value

    def _fill_text(self, text: str, path: str) -> object:
        for match in _SETTING.finditer(text):
            if not match[0].endswith("}"):
                self._shape.note(path, f"{match[0]!r} opens a setting and does not close it")
                return MISSING
            if not self._settings.get(match["name"]):
                self._shape.note(path, f"the setting {match['name']!r} is not set")
                return MISSING
        filled = _SETTING.sub(lambda match: self._settings[match["name"]], text)
        if filled != text:
            self._filled[path] = text
        return filled
