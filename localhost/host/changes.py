"""What an app is made of on disk, and what of it has changed."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pathspec

from localhost.host.errors import HostError
from localhost.host.settings import LOCAL_SETTINGS, read_local_settings

_PAUSE = 0.3
"""Seconds between looks; also how long nothing must change until a change counts as complete."""
_NEVER_PART = ("__pycache__/", "*.pyc", ".git/", ".venv/", "node_modules/")

type _State = dict[Path, tuple[int, int]]


class Changes:
    """Notices changes in an app's files: those that `.funcignore` lets be deployed, settings, and others."""

    def __init__(self, app: Path, more: Sequence[Path] = ()) -> None:
        """Compare with the files as they are now.

        Args:
            app: The app's folder.
            more: Other files, and folders of such.
        """
        self._app = app
        self._more = [path if path.is_absolute() else app / path for path in more]
        self._ignored = _ignored(app)
        self._settings = self._read_settings()
        self._state = self._look()

    async def next(self) -> list[str]:
        """Wait until something has changed, and then for a moment nothing more, and say what."""
        before = self._state
        while self._state == before:
            await asyncio.sleep(_PAUSE)
            self._state = self._look()
        seen = None
        while seen != self._state:
            seen = self._state
            await asyncio.sleep(_PAUSE)
            self._state = self._look()
        return [self._described(path, before) for path in sorted(_differing(before, self._state))]

    def _described(self, path: Path, before: _State) -> str:
        name = str(path.relative_to(self._app) if path.is_relative_to(self._app) else path)
        if path not in self._state:
            return f"{name} (gone)"
        if path not in before:
            return f"{name} (new)"
        if path == self._app / LOCAL_SETTINGS:
            return f"{name}{self._changed_settings()}"
        return name

    def _changed_settings(self) -> str:
        old, new = self._settings, self._read_settings()
        self._settings = new
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        return f" ({', '.join(names)})" if names else ""

    def _read_settings(self) -> dict[str, str]:
        try:
            return read_local_settings(self._app)
        except HostError:
            return {}

    def _look(self) -> _State:
        state: _State = {}
        for path in self._files():
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            state[path] = (found.st_mtime_ns, found.st_size)
        return state

    def _files(self) -> Iterator[Path]:
        yield from _walk(self._app, self._ignored)
        yield self._app / LOCAL_SETTINGS
        for path in self._more:
            yield from _walk(path, _spec(_NEVER_PART)) if path.is_dir() else [path]


def _walk(root: Path, ignored: pathspec.GitIgnoreSpec) -> Iterator[Path]:
    for folder, folders, files in root.walk():  # a folder that goes meanwhile is left out
        name = folder.relative_to(root)
        folders[:] = [each for each in folders if not ignored.match_file(f"{(name / each).as_posix()}/")]
        yield from (folder / each for each in files if not ignored.match_file((name / each).as_posix()))


def _differing(old: _State, new: _State) -> Iterable[Path]:
    return (path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def _ignored(app: Path) -> pathspec.GitIgnoreSpec:
    file = app / ".funcignore"
    lines = file.read_text().splitlines() if file.exists() else []
    return _spec([*_NEVER_PART, *lines])


def _spec(lines: Iterable[str]) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines(lines)
