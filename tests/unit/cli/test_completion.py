"""Shell completion: names come from the server, if it answers, and are missing if it does not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from promoter.cli.main import run
from tests.fakes.api import FakeApi, page
from tests.unit.cli.samples import ID, candidate, line, record

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _known(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    api.put("GET /environments", page(line(), line(repository="shop/api", current=None)))
    api.put("GET /candidates", page(candidate(**{"from": "staging"}), candidate(environment="test")))
    api.put("GET /promotions", page(record(), record(id="prod~shop:web~2.main")))
    monkeypatch.setenv("PROMOTER_URL", api.url)


def completed(words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What bash is offered for the last word."""
    monkeypatch.setenv("_PROMOTER_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    with pytest.raises(SystemExit) as ended:
        run([])
    assert ended.value.code == 0
    out = capsys.readouterr()
    assert out.err == ""
    return [each.removeprefix("plain,") for each in out.out.splitlines() if each]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("promoter pro", ["promote"]),
        ("promoter promote --fr", ["--from"]),
        ("promoter promote --to ", ["prod", "staging", "test"]),
        ("promoter status --in st", ["staging"]),
        ("promoter status ", ["shop/api", "shop/web"]),
        ("promoter explain shop/web:", ["shop/web:v1", "shop/web:v2"]),
        ("promoter show prod~shop:web~2", ["prod~shop:web~2.main"]),
        ("promoter rollback ", ["prod~shop:web~2.main", ID, "shop/api", "shop/web"]),
        ("promoter report shop/web:v1 unit-tests ", ["passed", "failed"]),
        ("promoter completion ", ["bash", "zsh", "fish"]),
    ],
)
def test_what_is_known_is_offered(
    words: str, names: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert completed(words, monkeypatch, capsys) == names


@pytest.mark.parametrize(
    "settings",
    [
        {"PROMOTER_URL": "http://127.0.0.1:1"},
        {"PROMOTER_URL": "nonsense"},
        {"PROMOTER_SCOPE": "api://promoter/.default"},
    ],
)
def test_nothing_is_offered_and_nothing_said_where_the_server_cannot_be_asked(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert completed("promoter promote --to ", monkeypatch, capsys) == []


def test_the_server_that_is_named_on_the_line_is_asked(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROMOTER_URL", "http://127.0.0.1:1")
    words = f"promoter promote --url {api.url} --key abc --to t"
    assert completed(words, monkeypatch, capsys) == ["test"]
    assert api.requests[0].headers["X-Functions-Key"] == "abc"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert f"_PROMOTER_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_bash_completes_with_its_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    program = tmp_path / "promoter"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m promoter "$@"\n')
    program.chmod(0o755)
    run(["completion", "bash"])
    script = capsys.readouterr().out + "\nCOMP_WORDS=(promoter status --in st) COMP_CWORD=3\n"
    typed = "_promoter_completion promoter; echo ${COMPREPLY[@]}"
    path = f"{tmp_path}:{os.environ['PATH']}"
    ended = subprocess.run(  # noqa: S603 - our own script
        [bash, "-c", script + typed],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout == "staging\n"
