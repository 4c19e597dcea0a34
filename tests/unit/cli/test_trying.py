"""Trying a policy at a desk or in a pull request: check and simulate, without a server."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from promoter.cli.main import run
from promoter.simulation.schemas import FOLDER
from tests.unit.domain.strategies import registry_id

POLICY = """\
environments:
  - {name: dev, registry: "${DEV_ID}"}
  - {name: prod, registry: "${PROD_ID}"}
rules:
  - {name: go, from: dev, to: prod, repositories: ["shop/*"], tags: ["v*"], automatic: true}
"""
RULES = "letters, digits and . _ - / with * ** ? as wildcards"
SCENARIO = """\
steps:
  - push: {image: "shop/web:v1"}
  - expect: {image: "shop/web:v1", in: prod, is: current}
"""
SETTINGS = {"DEV_ID": registry_id("dev"), "PROD_ID": registry_id("prod")}


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - JSON is whatever it is
        return json.loads(self.out)


@dataclass
class Folder:
    """Somebody in a folder, at a terminal."""

    path: Path
    capture: pytest.CaptureFixture[str]

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text)

    def run(self, *arguments: str) -> Ended:
        code = run(arguments)
        said = self.capture.readouterr()
        return Ended(code, said.out, said.err)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Folder:
    monkeypatch.chdir(tmp_path)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    made = Folder(tmp_path, capsys)
    made.write("policy.yaml", POLICY)
    made.write("scenario.yaml", SCENARIO)
    return made


def test_a_policy_with_nothing_wrong_says_so(folder: Folder) -> None:
    ended = folder.run("check")
    assert ended.code == 0
    assert re.fullmatch(
        r"policy\.yaml: nothing is wrong: 2 environments, 1 rule, hash [0-9a-f]{12}\n", ended.out
    )


def test_settings_that_are_not_set_are_no_dead_end(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEV_ID")
    ended = folder.run("check")
    assert ended.code == 1
    assert ended.err.startswith("Hint: the settings were looked for in the environment: --settings FILE has")
    assert ended.err.endswith("or --made-up makes up what is not set\n")
    assert "the setting 'DEV_ID' is not set" in ended.out
    folder.write("settings.json", '{"Values": {}}')
    ended = folder.run("check", "--settings", "settings.json")
    assert ended.err == "Hint: --made-up makes up what is not set\n"
    assert folder.run("check", "--made-up").err == ""


def test_each_problem_is_a_line_that_an_editor_jumps_to(folder: Folder) -> None:
    folder.write("policy.yaml", POLICY.replace("to: prod", "to: prd").replace('"v*"', '"v *"'))
    folder.write("other.yaml", "a: [")
    ended = folder.run("check", "policy.yaml", "other.yaml", "none.yaml")
    assert (ended.code, ended.err) == (1, "")
    assert ended.out.splitlines() == [
        "policy.yaml:5:27: rules[0].to: there is no environment 'prd'; there are dev, prod",
        f"policy.yaml:5:69: rules[0].tags[0]: 'v *' is not a pattern: {RULES}",
        "other.yaml:1:5: expected the node content, but found '<stream end>'",
        "none.yaml: No such file or directory",
    ]


def test_settings_come_from_the_environment_or_a_file_or_are_made_up(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert folder.run("check").code == 0
    monkeypatch.delenv("PROD_ID")
    assert "the setting 'PROD_ID' is not set" in folder.run("check").out
    folder.write("local.settings.json", json.dumps({"Values": SETTINGS}))
    assert folder.run("check", "--settings", "local.settings.json").code == 0
    folder.write("local.settings.json", json.dumps({"Values": {}}))
    assert folder.run("check", "--settings", "local.settings.json").out.count("is not set") == 2
    assert folder.run("check", "--settings", "local.settings.json", "--made-up").code == 0


def test_settings_that_cannot_be_read_are_a_mistake_in_typing(folder: Folder) -> None:
    ended = folder.run("check", "--settings", "none.json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "Error: none.json: No such file or directory\n"


def test_what_a_policy_means_is_told_as_markdown(folder: Folder) -> None:
    ended = folder.run("check", "--explain")
    assert ended.code == 0
    assert ended.out.startswith("# policy.yaml\n\n## Where images are\n")
    assert "- it was rolled back neither in dev nor in prod\n" in ended.out
    assert '```mermaid\nflowchart LR\n  e0(["dev"])\n' in ended.out


def test_a_check_answers_scripts_in_json(folder: Folder) -> None:
    folder.write("bad.yaml", "rules: 1")
    ended = folder.run("check", "policy.yaml", "bad.yaml", "--explain", "--json")
    assert ended.code == 1
    good, bad = ended.json["files"]
    assert (good["file"], good["passed"], good["problems"]) == ("policy.yaml", True, [])
    assert good["rules"]["go"]["conditions"][0] == "the image has arrived in dev under its tag"
    assert good["environments"]["dev"] == "takes what is pushed to its registry"
    assert good["diagram"].startswith("flowchart LR")
    assert bad["passed"] is False
    assert bad["problems"] == [
        {"file": "bad.yaml", "text": "rules: expected a list, got a number", "line": 1, "column": 1},
        {"file": "bad.yaml", "text": "environments: is missing"},
    ]


def test_a_scenario_is_told_as_it_happens(folder: Folder) -> None:
    ended = folder.run("simulate", "policy.yaml", "scenario.yaml")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "Mon 2026-01-05, UTC",
        "  09:00:00    push of shop/web:v1",
        "  09:00:00  · prod: shop/web:v1 is promoted (automatic)",
        "  09:00:00  · prod: shop/web runs v1 now",
        "  09:00:00  ✔ shop/web:v1 in prod: is current",
        "scenario.yaml: 1 expectation, all as expected",
    ]


def test_what_is_not_as_expected_fails_and_says_what_is(folder: Folder) -> None:
    folder.write("wrong.yaml", SCENARIO.replace("is: current", "is: waiting, for: [gate]"))
    ended = folder.run("simulate", "policy.yaml", "scenario.yaml", "wrong.yaml", "--quiet")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "scenario.yaml: 1 expectation, all as expected",
        "Mon 2026-01-05, UTC",
        "  09:00:00  ✘ step 2: expected shop/web:v1 in prod: is waiting, waits for gate",
        "                - is waiting",
        "                + is current",
        "                - waits for gate",
        "                + waits for nothing",
        "wrong.yaml: 1 expectation, 1 not as expected",
    ]


def test_settings_of_a_simulation_are_made_up(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DEV_ID")
    assert folder.run("simulate", "policy.yaml", "scenario.yaml").code == 0


def test_a_scenario_that_is_none_is_told_and_the_others_run(folder: Folder) -> None:
    folder.write("bad.yaml", "steps:\n  - {pusch: 1}\n")
    ended = folder.run("simulate", "policy.yaml", "bad.yaml", "scenario.yaml")
    assert ended.code == 1
    assert "bad.yaml:2:6: steps[0].pusch: is not known here; did you mean push?" in ended.err
    assert "scenario.yaml: 1 expectation, all as expected" in ended.out


def test_nothing_is_run_under_a_policy_that_is_none(folder: Folder) -> None:
    folder.write("policy.yaml", "a: 1")
    ended = folder.run("simulate", "policy.yaml", "scenario.yaml")
    assert (ended.code, ended.out) == (1, "")
    assert "policy.yaml:1:1: a: is not known here" in ended.err
    assert folder.run("simulate", "policy.yaml", "scenario.yaml", "--json").json["scenarios"] == []


def test_a_simulation_answers_scripts_in_json(folder: Folder) -> None:
    folder.write("bad.yaml", "steps: 1")
    ended = folder.run("simulate", "policy.yaml", "scenario.yaml", "bad.yaml", "--json")
    assert ended.code == 1
    good, bad = ended.json["scenarios"]
    assert (good["file"], good["passed"]) == ("scenario.yaml", True)
    assert good["timeline"][-1] == {
        "at": "2026-01-05T09:00:00Z",
        "sort": "met",
        "text": "shop/web:v1 in prod: is current",
        "step": 2,
    }
    assert (bad["passed"], len(bad["problems"])) == (False, 1)


def test_nothing_of_a_file_steers_the_terminal(folder: Folder) -> None:
    folder.write("policy.yaml", '"\\e[31mred": 1')
    ended = folder.run("check")
    assert "\x1b" not in ended.out
    assert "\\x1b[31mred: is not known here" in ended.out
    folder.write("policy.yaml", POLICY)
    folder.write("scenario.yaml", 'steps: [{note: "\\e[31mred"}]')
    assert "\x1b" not in folder.run("simulate", "policy.yaml", "scenario.yaml").out


def test_what_the_app_logs_is_not_in_between(folder: Folder) -> None:
    folder.write("scenario.yaml", 'steps: [{push: {image: "shop/web:v1", to: prod}}]')
    code = "import sys; from promoter.cli.main import run; sys.exit(run(sys.argv[1:]))"
    ended = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", code, "simulate", "policy.yaml", "scenario.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": str(FOLDER), "PYTHONIOENCODING": "utf-8"},
    )
    assert "was pushed by others: drift" in ended.stdout
    assert ended.stderr == ""


def test_a_check_loads_nothing_of_azure_nor_of_the_simulation(folder: Folder) -> None:
    code = (
        "import sys; from promoter.cli.main import run; run(['check']);"
        "print(*sorted(each for each in sys.modules if each.startswith(('azure', 'aiohttp', 'promoter.'))))"
    )
    ended = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**SETTINGS, "PYTHONPATH": str(FOLDER)},
    )
    loaded = ended.stdout.splitlines()[-1].split()
    assert "promoter.adapters.policy_check" in loaded
    assert [each for each in loaded if each.startswith(("azure", "aiohttp"))] == []
    assert [each for each in loaded if each.startswith(("promoter.simulation", "promoter.application"))] == []
