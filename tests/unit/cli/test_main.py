"""The command line as a whole: its commands, its help, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from localhost.terminal_session import show
from promoter import __version__
from promoter.cli.ends import Exit
from promoter.cli.main import COMMANDS, promoter, run
from tests.fakes.api import FakeApi, page
from tests.unit.cli.conftest import Desk
from tests.unit.cli.samples import ID, record

ROOT = Path(__file__).parents[3]
ALL = [name for section in COMMANDS.values() for name in section]


@pytest.mark.parametrize("name", ALL)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    out = capsys.readouterr().out
    command = promoter.get_command(click.Context(promoter), name)
    assert command is not None
    assert command.name == name
    assert f"promoter {name}" in out
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


def test_the_help_lists_all_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"^  ([a-z]+)  ", out, re.MULTILINE) == ALL
    assert not re.findall(r"\w\.\.\.$", out, re.MULTILINE), "a command's summary is cut off"
    assert re.findall(r"^  (\d+)  ", out, re.MULTILINE) == [str(int(each)) for each in Exit]


def test_it_knows_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"promoter {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Usage: "),
        (["promot"], "No such command 'promot'. Did you mean 'promote'?"),
        (["--json", "status"], "options follow the command, as in promoter status --json"),
        (["promote", "shop/web:v1"], "Missing option '--to'"),
        (["promote", "shop/web:v1", "--too", "prod"], "Did you mean '--to'?"),
        (["history", "--limit", "0"], "0 is not in the range x>=1"),
        (["rollback", "shop/web"], "--in prod"),
        (["rollback", "prod~shop:web~1.main", "--in", "prod"], "leave out --in"),
    ],
)
def test_a_mistake_in_typing_is_exit_code_2_and_says_what_is_wrong(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_defect_is_one_line_too(desk: Desk) -> None:
    desk.api.put("GET /promotions", page({"not": "a record"}))
    ended = desk.run("history")
    assert ended.code == 1
    assert ended.err == (
        "Error: this is a defect of the command line: KeyError: 'createdAt' (PROMOTER_DEBUG=1 shows where)\n"
    )


def test_whoever_mends_a_defect_sees_where_it_is(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROMOTER_DEBUG", "1")
    desk.api.put("GET /promotions", page({"not": "a record"}))
    with pytest.raises(KeyError):
        desk.run("history")


def in_a_process(api: FakeApi, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-m", "promoter", *arguments],
        cwd=ROOT,
        env={**os.environ, "PROMOTER_URL": api.url, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_runs_as_a_module_without_colours_and_with_its_exit_code(api: FakeApi) -> None:
    api.put("GET /promotions", page(record()))
    ended = in_a_process(api, "history")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "manual succeeded" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert "\x1b[32msucceeded" in in_a_process(api, "history", FORCE_COLOR="1").stdout
    assert in_a_process(api, "candidates").returncode == 6


def test_on_a_terminal_the_progress_is_one_line_that_changes(api: FakeApi) -> None:
    route = f"GET /promotions/{ID}"
    api.put(route, record("importing"))
    api.put(route, record())
    shown = show(f"promoter show {ID} --wait", {"PROMOTER_URL": api.url, "TERM": "xterm"})
    assert shown.code == 0
    assert "\x1b[?25l" in shown.said  # the cursor is hidden meanwhile, and comes back
    assert shown.said.index("importing") < shown.said.index("\x1b[?25h") < shown.said.index("succeeded")


def test_ctrl_c_ends_it_quietly(api: FakeApi) -> None:
    api.put("GET /promotions", page(record("importing")))
    api.put("GET /candidates", page())
    with subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", "promoter", "watch", "--url", api.url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as watching:
        assert watching.stdout is not None
        assert "manual importing" in watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=30)
    assert (watching.returncode, out, err.strip()) == (130, "", "")


def test_it_loads_nothing_slow_that_it_does_not_need(api: FakeApi) -> None:
    api.put("POST /promotions", record("pending"), 202)
    ended = in_a_process(api, "promote", "shop/web:v2", "--to", "prod", "--yes", PYTHONPROFILEIMPORTTIME="1")
    assert ended.returncode == 0
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.splitlines()}
    assert "click" in loaded
    assert loaded.isdisjoint({"aiohttp", "asyncio", "azure", "httpx", "msgspec", "requests", "yaml"})


def test_what_the_command_line_needs_is_not_installed_with_the_app() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    own = set(project["project"]["dependencies"]) - set(project["dependency-groups"]["app"])
    assert own >= {"click", "rich"}
    locked = re.findall(r"^([A-Za-z0-9_.-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert own.isdisjoint(locked)
    assert "azure-functions" in locked
