"""Checking a policy file at a desk or in a pull request: every problem with its place in the file."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import override
from zlib import crc32

import msgspec

from promoter.adapters.policy_file import policy_of
from promoter.adapters.yaml_file import MAX_BYTES, YamlError, YamlFile
from promoter.domain.errors import PolicyError, SettingsError
from promoter.domain.policy import Policy

_REGISTRY = re.compile(r"""\bregistry:\s*["']?\$\{(\w+)\}""")
_LAST = 1 << 30  # what is about the file as a whole
_STAND_IN = (
    "/subscriptions/stand-in/resourceGroups/stand-in/providers/Microsoft.ContainerRegistry/registries/"
)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that is wrong with a file.

    Attributes:
        text: What, with the path to the value in front where there is one.
        line: Where the value is, or where it is missing from; counted from 1.
        column: The same.
    """

    file: str
    text: str
    line: int | None = None
    column: int | None = None

    @override
    def __str__(self) -> str:
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.file}{place}: {self.text}"


class Checked(msgspec.Struct, frozen=True):
    """What a file was found to be: a policy, or problems."""

    policy: Policy | None
    problems: tuple[Problem, ...]


def check(path: Path, settings: Mapping[str, str]) -> Checked:
    """Read a policy file, and tell everything that is wrong with it.

    Args:
        path: The file.
        settings: The app settings that `${NAME}` stands for.
    """
    try:
        file = YamlFile(path)
    except YamlError as error:
        return Checked(None, (_problem(path, str(error), error.place),))
    try:
        return Checked(policy_of(file.value, settings), ())
    except PolicyError as error:
        return Checked(None, problems_of(path, file, error.problems))


def problems_of(path: Path, file: YamlFile, texts: list[str]) -> tuple[Problem, ...]:
    """Problems that start with the path to a value, in the order of their places in the file."""
    found = [_problem(path, text, file.place(text.partition(": ")[0])) for text in texts]
    return tuple(sorted(found, key=lambda each: (each.line or _LAST, each.column or _LAST)))


def _problem(path: Path, text: str, place: tuple[int, int] | None) -> Problem:
    return Problem(str(path), text, *(place or (None, None)))


class _LocalSettings(msgspec.Struct, rename="pascal"):
    is_encrypted: bool = False
    values: dict[str, str] = {}


def read_settings(path: Path) -> dict[str, str]:
    """The app settings in a file like local.settings.json.

    Raises:
        SettingsError: It cannot be read, or is none.
    """
    try:
        settings = msgspec.json.decode(path.read_bytes(), type=_LocalSettings)
    except OSError as error:
        raise SettingsError([f"{path}: {error.strerror or error}"]) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: {error}"]) from error
    if settings.is_encrypted:
        raise SettingsError([f"{path}: is encrypted; decrypt it first: func settings decrypt"])
    return settings.values


class StandIns(Mapping[str, str]):
    """Settings, with something made up for what is not set, where nothing is going to be connected to."""

    def __init__(self, settings: Mapping[str, str], path: Path) -> None:
        """Look into the file for what its settings are.

        Args:
            settings: What is set.
            path: The policy file; one that cannot be read needs no settings.
        """
        self._settings = settings
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(MAX_BYTES)
        except OSError:
            text = ""
        self._registries = set(_REGISTRY.findall(text))

    @override
    def __getitem__(self, name: str) -> str:
        if self._settings.get(name):
            return self._settings[name]
        plain = f"{re.sub(r'[^a-z0-9]', '', name.lower())[:40]}{crc32(name.encode()):08x}"
        return f"{_STAND_IN}{plain}" if name in self._registries else plain

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._settings)

    @override
    def __len__(self) -> int:
        return len(self._settings)
