"""The pipelines set what the scripts read, and nothing that a caller gives becomes a command."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from azure.identity import DefaultAzureCredential

from infra.check.__main__ import INFRA
from promoter.cli.main import promoter as command_line

PIPELINES = INFRA.parent / "pipelines"
SCRIPTS = {path.stem: path.read_text() for path in (PIPELINES / "scripts").glob("*.sh")}
FILES = sorted([*PIPELINES.glob("azure-devops/*.yml"), *PIPELINES.glob("github/**/*.yml")])
COMMAND_LINE = {"PROMOTER_URL", "PROMOTER_SCOPE", "PROMOTER_KEY"}
_SCRIPT = re.compile(r"/scripts/([\w-]+)\.sh|\$SCRIPTS/([\w-]+)\.sh")
_READ = re.compile(r"\$\{?([A-Z][A-Z_]+)\b|^need ([A-Z_ ]+)", re.MULTILINE)


def load(path: Path) -> Any:  # noqa: ANN401 - YAML is whatever it is
    return yaml.safe_load(path.read_text())


def mappings(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - YAML is whatever it is
    """Every mapping of a file, however deep."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from mappings(value)


def steps(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - YAML is whatever it is
    """Every step of a file."""
    return (each for each in mappings(node) if each.keys() & {"run", "bash", "task", "uses"})


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
        assert not re.search(r"\$\((?!Pipeline\.)", commands(step))


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
    return (
        (each["template"], set(each.get("parameters", {}))) for each in mappings(node) if "template" in each
    )


def jobs(node: Any) -> Iterator[list[dict[str, Any]]]:  # noqa: ANN401 - YAML is whatever it is
    """The steps of every job of a file, templates among them."""
    return (each["steps"] for each in mappings(node) if "steps" in each)


def does(step: dict[str, Any]) -> str:
    """What a step of an example does: a template's name, the action's command, or the action."""
    template = Path(step.get("template", "").partition("@")[0]).stem
    return template or step.get("with", {}).get("command") or step.get("uses", "").partition("@")[0]


@pytest.mark.parametrize("host", ["azure-devops", "github"])
def test_only_tests_decide_what_is_reported_of_them(host: str) -> None:
    """A verdict goes by the job's status, so nothing else in the job may fail."""
    reporting = [job for job in jobs(load(PIPELINES / host / "example.yml")) if "report" in map(does, job)]
    assert len(reporting) == 2
    for job in reporting:
        assert set(map(does, job)) <= {"setup", "report", "actions/checkout", "azure/login", ""}
        if host == "github":
            [tests] = [number for number, step in enumerate(job) if step.get("id") == "tests"]
            assert job[-1]["with"]["status"] == "${{ steps.tests.outcome }}"
            assert [does(step) for step in job[tests + 1 :]] == ["azure/login", "report"]
            assert {step["if"] for step in job[tests + 1 :]} == {"always()"}


IMAGE = {"REPOSITORY": "shop/web", "DIGEST": f"sha256:{'a' * 64}", "ENVIRONMENT": "dev", "GATE": "unit-tests"}


def run(script: str, promoter: Path | None, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a script as Azure DevOps does, with a `promoter` of the test's."""
    path = f"{promoter.parent}:{os.environ['PATH']}" if promoter else "/usr/bin:/bin"
    return subprocess.run(  # noqa: S603 - our own scripts
        [PIPELINES / "scripts" / f"{script}.sh"],
        env={"PATH": path, "TF_BUILD": "True", **IMAGE, **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.fixture
def promoter(tmp_path: Path) -> Path:
    """A `promoter` whose answers hold what somebody would like agents to do."""
    lines = [
        "##vso[task.setvariable variable=PATH]/tmp",
        "held ##vso[task.complete]",
        "##[group]",
        "  ::error::x",
    ]
    detail = "on hold:\n::stop-commands::x\r::x\n##vso[x]"
    (tmp_path / "lines").write_text("\n".join(lines))
    (tmp_path / "record").write_text(json.dumps({"id": "prod~shop:web~1", "detail": detail}))
    path = tmp_path / "promoter"
    path.write_text(
        """#!/bin/sh
cd "$(dirname "$0")"
if [ "$1" = promote ]; then
  cat record; exit "$CODE"
fi
cat lines; cat lines >&2
"""
    )
    path.chmod(0o755)
    return path


COMMAND = re.compile(r"##\w*\[|(?:^|[\r\n])\s*::")


def test_what_others_have_written_is_no_command_to_the_agent(promoter: Path) -> None:
    reported = run("report", promoter, STATUS="Failed")
    held = run("promote", promoter, CODE="1")
    assert (reported.returncode, held.returncode) == (0, 1)
    for said in (reported.stdout, reported.stderr, held.stdout, held.stderr):
        assert not COMMAND.search(said), said
    assert "task.setvariable" in reported.stdout
    assert "task.setvariable" in reported.stderr
    assert "on hold" in held.stderr
    done = run("promote", promoter, CODE="0")
    assert (
        done.stdout.splitlines()[0] == "##vso[task.setvariable variable=record;isOutput=true]prod~shop:web~1"
    )


@pytest.mark.parametrize(
    ("script", "settings", "said"),
    [
        ("wait", {"TIMEOUT": "a[$(touch pwned)]"}, "it is to be a whole number of seconds"),
        ("promote", {"TIMEOUT": "30m"}, "TIMEOUT is 30m"),
        ("rollback", {"TIMEOUT": "08"}, "TIMEOUT is 08"),
        ("report", {"STATUS": "SucceededWithIssues"}, "continueOnError"),
        ("report", {"STATUS": "fine"}, "STATUS is fine"),
        ("report", {}, "report.sh: set STATUS"),
    ],
)
def test_a_setting_that_is_none_is_named(
    script: str,
    settings: dict[str, str],
    said: str,
    promoter: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(script, promoter, **settings)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "pwned").exists()


def test_a_program_that_is_missing_is_named() -> None:
    done = run("wait", None)
    assert (done.returncode, done.stderr.count("promoter was not found")) == (2, 1)


@pytest.mark.parametrize(("platforms", "calls"), [("linux/amd64", 1), ("linux/amd64,linux/arm64", 3)])
def test_several_platforms_have_a_builder_of_their_own(tmp_path: Path, platforms: str, calls: int) -> None:
    docker, notes = tmp_path / "docker", tmp_path / "notes"
    docker.write_text(
        f"""#!/bin/sh
echo "$*" >> {notes}
[ "$2" != create ] || echo made
while [ $# -gt 0 ]; do
  [ "$1" != --metadata-file ] || echo '{{"containerimage.digest": "{IMAGE["DIGEST"]}"}}' > "$2"
  shift
done
"""
    )
    docker.chmod(0o755)
    done = run("build", docker, REGISTRY="dev.azurecr.io", TAG="v1", PLATFORMS=platforms)
    assert done.returncode == 0, done.stderr
    assert f"variable=digest;isOutput=true]{IMAGE['DIGEST']}" in done.stdout
    noted = notes.read_text().splitlines()
    assert len(noted) == calls
    if calls > 1:
        assert "--builder made" in noted[1]
        assert noted[2] == "buildx rm made"


@pytest.mark.parametrize("script", sorted(SCRIPTS.keys() - {"build", "common", "install"}))
def test_a_script_calls_the_command_line_with_options_that_it_has(script: str) -> None:
    """By what stands on its lines: `options` are a script's only command's."""
    text = re.sub(r"^ *#.*$", "", SCRIPTS[script], flags=re.MULTILINE)
    calls = re.findall(r"(?<!\w )\bpromoter (\w+) ([^|\n]*)", text)
    options = set(re.findall(r"--[a-z-]+", " ".join(re.findall(r"options\+?=\((.*)\)", text))))
    assert calls
    for name, rest in calls:
        context = click.Context(command_line, info_name="promoter")
        command = command_line.get_command(context, name)
        assert command, name
        known = {option for parameter in command.params for option in parameter.opts}
        given = set(re.findall(r"--[a-z-]+", rest)) | (options if "${options[@]}" in rest else set())
        assert given <= known, name
    assert not options or any("${options[@]}" in rest for _, rest in calls)


def test_waiting_goes_on_where_a_failed_promotion_is_tried_again(tmp_path: Path) -> None:
    promoter = tmp_path / "promoter"
    record = {"kind": "automatic", "digest": IMAGE["DIGEST"]}
    for number, phase in enumerate(("failed", "succeeded")):
        listed = {"items": [record | {"id": f"dev~shop:web~{number}", "phase": phase}]}
        (tmp_path / f"history{number}").write_text(json.dumps(listed))
    (tmp_path / "candidates").write_text(json.dumps({"items": [{"digest": IMAGE["DIGEST"]}]}))
    promoter.write_text(
        """#!/bin/sh
cd "$(dirname "$0")"
case "$1" in
history) cat history0; mv history1 history0 2>/dev/null ;;
*) cat "$1" ;;
esac
"""
    )
    promoter.chmod(0o755)
    done = run("wait", promoter, PAUSE="0")
    assert (done.returncode, done.stderr) == (0, "")
    assert "dev~shop:web~0 has failed, and is tried again" in done.stdout
    assert "is in dev: record dev~shop:web~1" in done.stdout


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["AzureCliCredential"]),
        ({"AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"}, ["ManagedIdentityCredential"]),
    ],
)
def test_scripts_sign_in_as_the_pipeline_did(
    given: dict[str, str], expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent's own managed identity would come before `az login`."""
    promoter = tmp_path / "promoter"
    promoter.write_text('#!/bin/sh\necho "$AZURE_TOKEN_CREDENTIALS"\n')
    promoter.chmod(0o755)
    done = run("report", promoter, STATUS="passed", **given)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", done.stdout.strip())
    chain = DefaultAzureCredential().credentials
    assert [type(each).__name__ for each in chain] == expected
