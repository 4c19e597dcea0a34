"""Reload: what counts as a change, and what a change does to a running host."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from localhost.host import changes
from localhost.host.changes import Changes
from tests.integration.localhost.conftest import host_of
from tests.integration.localhost.running import RunningHost, until

APP = """
import asyncio, os
import azure.functions as func
import words
app = func.FunctionApp()
@app.route("word")
def word(req: func.HttpRequest) -> str:
    return words.WORD + os.environ.get("MORE", "")
@app.route("slow")
async def slow(req: func.HttpRequest) -> str:
    await asyncio.sleep(1)
    return words.WORD
"""


def write(folder: Path, **files: str) -> None:
    """Write files of an app; `__` is a dot."""
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)


class TestChanges:
    @pytest.fixture(autouse=True)
    def hurry(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(changes, "_PAUSE", 0.01)

    async def test_files_that_change_come_and_go_are_named_together(self, tmp_path: Path) -> None:
        write(tmp_path, a__py="1", b__py="1")
        watched = Changes(tmp_path)
        write(tmp_path, a__py="2!", c__py="1")
        (tmp_path / "b.py").unlink()
        assert await watched.next() == ["a.py", "b.py (gone)", "c.py (new)"]
        write(tmp_path, c__py="2!")
        assert await watched.next() == ["c.py"]

    async def test_settings_are_named_but_their_values_are_not(self, tmp_path: Path) -> None:
        def settings(**values: str) -> str:
            return json.dumps({"Values": values})

        write(tmp_path, local__settings__json=settings(SAME="x", OLD="secret", CHANGED="a"))
        watched = Changes(tmp_path)
        write(tmp_path, local__settings__json=settings(SAME="x", NEW="secret", CHANGED="bb"))
        assert await watched.next() == ["local.settings.json (CHANGED, NEW, OLD)"]

    async def test_what_is_not_deployed_does_not_count(self, tmp_path: Path) -> None:
        (tmp_path / "tests").mkdir()
        (tmp_path / "__pycache__").mkdir()
        ignored = "tests/\n*.md\nlocal.settings*.json\n"
        write(tmp_path, __funcignore=ignored, README__md="1", local__settings__json="{}")
        watched = Changes(tmp_path)
        for path in ("tests/test_a.py", "__pycache__/a.pyc", "README.md"):
            (tmp_path / path).write_text("22")
        write(tmp_path, local__settings__json='{"Values": {}}')
        assert await watched.next() == ["local.settings.json"]

    async def test_other_files_and_folders_count_where_they_are_named(
        self, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        other = tmp_path_factory.mktemp("other")
        write(other, policy__yaml="1", ignored__yaml="1")
        (other / "shared").mkdir()
        watched = Changes(tmp_path, [other / "policy.yaml", other / "shared"])
        write(other, policy__yaml="22", ignored__yaml="22")
        write(other / "shared", a__py="1")
        assert await watched.next() == [f"{other}/policy.yaml", f"{other}/shared/a.py (new)"]


class Reloading:
    """A host that reloads, and a caller that never stops calling."""

    def __init__(self, host: RunningHost, app: Path, http: aiohttp.ClientSession) -> None:
        self.host, self.app = host, app
        self._http = http
        self.statuses: set[int] = set()

    async def get(self, path: str) -> tuple[int, str]:
        async with self._http.get(f"{self.host.url}/{path}") as response:
            return response.status, await response.text()

    async def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((await self.get("admin/host/status"))[1])
        return found

    async def until_word(self, word: str) -> None:
        """Call until the answer is this; every answer on the way must be a good one."""
        for _ in range(500):
            status, text = await self.get("api/word")
            self.statuses.add(status)
            if text == word:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(self.host.part.log_text())


@pytest.fixture
async def reloading(tmp_path: Path, http: aiohttp.ClientSession) -> AsyncIterator[Reloading]:
    app = tmp_path / "app"
    app.mkdir()
    write(app, host__json='{"version": "2.0"}', function_app__py=APP, words__py="WORD = 'one'")
    host = host_of(tmp_path, "", "--reload", "--watch", str(tmp_path / "policy.yaml"), app=app)
    host.part.start()
    try:
        await host.part.ready()
        yield Reloading(host, app, http)
    finally:
        await host.part.stop()


async def test_a_change_is_taken_up_and_nobody_who_calls_notices(reloading: Reloading) -> None:
    pid = reloading.host.part.pid
    await reloading.until_word("one")
    async with asyncio.TaskGroup() as group:
        slow = group.create_task(reloading.get("api/slow"))
        await until(lambda: "Executing 'Functions.slow'" in reloading.host.part.log_text())
        write(reloading.app, words__py="WORD = 'second'")
        await reloading.until_word("second")
    assert slow.result() == (200, "one")
    settings = json.dumps({"Values": {"MORE": " and more"}})
    write(reloading.app, local__settings__json=settings)
    await reloading.until_word("second and more")
    write(reloading.app, local__settings__json=settings.replace("more", "less"))
    await reloading.until_word("second and less")
    assert reloading.statuses == {200}
    log = reloading.host.part.log_text()
    assert "Changed: words.py. Starting afresh.\n" in log
    assert "Changed: local.settings.json (new). Starting afresh.\n" in log
    assert "Changed: local.settings.json (MORE). Starting afresh.\n" in log
    assert log.count("Started afresh.") == 3
    assert reloading.host.part.pid == pid


async def test_a_broken_app_says_why_until_it_is_mended(reloading: Reloading) -> None:
    write(reloading.app, words__py="WORD = = 'two'")
    await reloading.host.until_logged("Waiting until the app is mended.")
    status, text = await reloading.get("api/word")
    assert status == 503
    assert "SyntaxError" in text
    told = await reloading.status()
    assert told["state"] == "Error"
    assert "SyntaxError" in told["errors"][0]
    write(reloading.app, words__py="WORD = 'two and a half'")
    await reloading.until_word("two and a half")
    write(reloading.app, words__py="WORD = = 'three'")
    await reloading.host.until_logged("Waiting until the app is mended.", 2)
    reloading.host.part.signal(signal.SIGTERM)
    assert await reloading.host.part.ended() == 0


async def test_the_first_start_of_a_broken_app_fails(tmp_path: Path) -> None:
    write(tmp_path, host__json='{"version": "2.0"}', function_app__py="= =")
    host = host_of(tmp_path, "", "--reload", app=tmp_path)
    host.part.start()
    assert await host.part.ended() == 1
    assert "SyntaxError" in host.part.log_text()
