"""The pipelines set what the scripts read, and nothing that a caller gives becomes a command."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.check.__main__ import INFRA

PIPELINES = INFRA.parent / "pipelines"
SCRIPTS = {path.stem: path.read_text() for path in (PIPELINES / "scripts").glob("*.sh")}
FILES = sorted([*PIPELINES.glob("azure-devops/*.yml"), *PIPELINES.glob("github/**/*.yml")])
COMMAND_LINE = {"PROMOTER_URL", "PROMOTER_SCOPE", "PROMOTER_KEY"}
_SCRIPT = re.compile(r"/scripts/([\w-]+)\.sh|\$SCRIPTS/([\w-]+)\.sh")
_READ = re.compile(r"\$\{?([A-Z][A-Z_]+)\b|^need ([A-Z_ ]+)", re.MULTILINE)


def load(path: Path) -> Any:  # noqa: ANN401 - YAML is whatever it is
    return yaml.safe_load(path.read_text())


def steps(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - YAML is whatever it is
    """Every step of a file, however deep."""
    if isinstance(node, dict):
        if node.keys() & {"run", "bash", "task", "uses"}:
            yield node
        for value in node.values():
            yield from steps(value)
    elif isinstance(node, list):
        for value in node:
            yield from steps(value)


def commands(step: dict[str, Any]) -> str:
    inputs = step.get("inputs", {})
    texts = (step.get("run"), step.get("bash"), inputs.get("inlineScript"), inputs.get("scriptPath"))
    return "\n".join(text for text in texts if text)


def reads(script: str) -> set[str]:
    """The settings that a script reads."""
    text = SCRIPTS[script] + SCRIPTS["common"]
    return {name for one, several in _READ.findall(text) for name in (one, *several.split()) if name}


CALLS = [
    (path, found, step)
    for path in FILES
    for step in steps(load(path))
    for names in _SCRIPT.findall(commands(step))
    for found in names
    if found and found != "install"
]


def test_every_script_is_called_by_both() -> None:
    called = {(path.parent.name, script) for path, script, _ in CALLS}
    scripts = SCRIPTS.keys() - {"common", "install"}
    assert called == {("azure-devops", script) for script in scripts}
    action = load(PIPELINES / "github/action/action.yml")
    assert set(re.findall(r"\w+", action["inputs"]["command"]["description"])) - {"or"} == scripts


@pytest.mark.parametrize(("path", "script", "step"), CALLS, ids=lambda each: getattr(each, "stem", None))
def test_a_step_sets_what_its_script_reads(path: Path, script: str, step: dict[str, Any]) -> None:
    given = step["env"].keys() - COMMAND_LINE - {"SCRIPTS", "REGISTRY_NAME"}
    assert given <= reads(script)
    needed = {
        name
        for line in re.findall(r"^need ([A-Z_ ]+)$", SCRIPTS[script], re.MULTILINE)
        for name in line.split()
    }
    assert needed <= given


def test_the_action_sets_what_the_scripts_read() -> None:
    action = load(PIPELINES / "github/action/action.yml")
    [run] = [step for step in action["runs"]["steps"] if step.get("id") == "run"]
    given = run["env"].keys() - COMMAND_LINE - {"COMMAND"}
    assert given == {name for name in given for script in SCRIPTS if name in reads(script)}
    for script in SCRIPTS.keys() - {"common", "install"}:
        lines = re.findall(r"^\s*need ([A-Z_ ]+)$", SCRIPTS[script], re.MULTILINE)
        assert {name for line in lines for name in line.split()} <= given
    used = set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", str(run)))
    assert used == action["inputs"].keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_nothing_that_a_caller_gives_becomes_a_command(path: Path) -> None:
    for step in steps(load(path)):
        assert "${{" not in commands(step)
        assert not re.search(r"\$\((?!Pipeline\.|repository\)|digest\))", commands(step))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_parameter_is_used(path: Path) -> None:
    text, document = path.read_text(), load(path)
    if path.parent.name == "azure-devops":
        for parameter in document.get("parameters", []):
            assert f"parameters.{parameter['name']} " in text.replace(")", " "), parameter
    else:
        on = document.get(True, {})  # YAML takes `on` for a truth value
        for trigger in on.values() if isinstance(on, dict) else ():
            for name in (trigger or {}).get("inputs", {}):
                assert f"inputs.{name} " in text, name


def test_the_examples_call_the_action_and_templates_with_inputs_that_they_have() -> None:
    action = load(PIPELINES / "github/action/action.yml")
    for path in PIPELINES.glob("github/*.yml"):
        for step in steps(load(path)):
            if "pipelines/github/action@" in step.get("uses", ""):
                assert step["with"].keys() <= action["inputs"].keys()
    for path in PIPELINES.glob("azure-devops/*.yml"):
        for template, given in templates(load(path)):
            document = load(PIPELINES / "azure-devops" / Path(template.partition("@")[0]).name)
            known = {each["name"]: "default" in each for each in document.get("parameters", [])}
            assert given <= known.keys()
            assert {name for name, optional in known.items() if not optional} <= given


def templates(node: Any) -> Iterator[tuple[str, set[str]]]:  # noqa: ANN401 - YAML is whatever it is
    """The templates that a file uses, and the parameters that it gives them."""
    if isinstance(node, dict):
        if "template" in node:
            yield node["template"], set(node.get("parameters", {}))
        for value in node.values():
            yield from templates(value)
    elif isinstance(node, list):
        for value in node:
            yield from templates(value)
