"""Commands that try a policy on this machine, without a server: check, simulate."""

import asyncio
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from promoter.cli import view
from promoter.cli.ends import CommandError, Exit, Json
from promoter.cli.session import console, print_json, put

if TYPE_CHECKING:
    from promoter.adapters.policy_check import Checked, Problem
    from promoter.domain.policy import Policy
    from promoter.simulation.timeline import Entry, Timeline

_FILE = click.Path(path_type=Path)
_settings = click.option(
    "--settings",
    type=_FILE,
    metavar="FILE",
    help="Take the settings (${NAME}) from a file like local.settings.json, not from the environment.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_LOOKED_FOR = "the settings were looked for in the environment"
_SIGNS = {"note": "#", "step": " ", "event": "·", "met": "✔", "failed": "✘"}
_STYLES = {"note": "dim", "step": "bold", "event": "", "met": "green", "failed": "red"}


@click.command
@click.argument("policies", nargs=-1, type=_FILE, metavar="[POLICY]...")
@_settings
@click.option("--made-up", is_flag=True, help="Make up the settings that are not set.")
@click.option("--explain", is_flag=True, help="Say what the policy means, in sentences and as a diagram.")
@_json
def check(
    policies: tuple[Path, ...],
    settings: Path | None,
    made_up: bool,  # noqa: FBT001 - click's way
    explain: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> Exit:
    """Tell everything that is wrong with policy files, each with its place; policy.yaml, if none is named."""
    from promoter.adapters.policy_check import StandIns, check  # noqa: PLC0415 - loaded when it is needed

    values = _values(settings)
    paths = policies or (Path("policy.yaml"),)
    found = {path: check(path, StandIns(values, path) if made_up else values) for path in paths}
    if as_json:
        print_json({"files": [_file(path, each, explain=explain) for path, each in found.items()]})
    else:
        for path, each in found.items():
            for line in _told(path, each, explain=explain):
                click.echo(view.clean(line) if line else "")
    if any("is not set" in problem.text for each in found.values() for problem in each.problems):
        where = "" if settings else f"{_LOOKED_FOR}: --settings FILE has them, or "
        click.echo(f"Hint: {where}--made-up makes up what is not set", err=True)
    return Exit.DONE if all(each.policy is not None for each in found.values()) else Exit.FAILED


@click.command
@click.argument("policy", type=_FILE)
@click.argument("scenarios", nargs=-1, required=True, type=_FILE, metavar="SCENARIO...")
@_settings
@click.option("--quiet", "-q", is_flag=True, help="Tell only what was not as expected.")
@_json
def simulate(
    policy: Path,
    scenarios: tuple[Path, ...],
    settings: Path | None,
    quiet: bool,  # noqa: FBT001 - click's way
    as_json: bool,  # noqa: FBT001
) -> Exit:
    """Run scenarios against a policy, tell what happens and why, and hold it against what they expect.

    Nothing is connected to; settings that are not set are made up.
    """
    from promoter.adapters.policy_check import StandIns, check  # noqa: PLC0415 - loaded when it is needed

    checked = check(policy, StandIns(_values(settings), policy))
    if checked.policy is None:
        return _bad(checked.problems, as_json=as_json)
    documents, failed = [], False
    for path in scenarios:
        outcome = _simulated(checked.policy, path)
        if isinstance(outcome, tuple):
            failed = True
            _bad(outcome, as_json=False)
            documents.append({"file": str(path), "passed": False, "problems": _plain(outcome)})
            continue
        failed = failed or bool(outcome.failures)
        documents.append(
            {"file": str(path), "passed": not outcome.failures, "timeline": _plain(outcome.entries)}
        )
        if not as_json:
            _show(path, outcome, quiet=quiet)
    if as_json:
        print_json({"scenarios": documents})
    return Exit.FAILED if failed else Exit.DONE


def _simulated(policy: "Policy", path: Path) -> "Timeline | tuple[Problem, ...]":
    from promoter.simulation.scenario_file import ScenarioError, load_scenario  # noqa: PLC0415
    from promoter.simulation.simulate import simulate as run  # noqa: PLC0415

    try:
        scenario = load_scenario(path)
    except ScenarioError as error:
        return error.problems
    logging.getLogger("promoter").addHandler(logging.NullHandler())  # the timeline tells it all
    return asyncio.run(run(policy, scenario))


def _values(settings: Path | None) -> Mapping[str, str]:
    """The settings: from a file, or the environment.

    Raises:
        CommandError: The file cannot be read.
    """
    from promoter.adapters.policy_check import read_settings  # noqa: PLC0415
    from promoter.domain.errors import SettingsError  # noqa: PLC0415

    if settings is None:
        return os.environ
    try:
        return read_settings(settings)
    except SettingsError as error:
        raise CommandError("; ".join(error.problems), Exit.USAGE) from error


def _told(path: Path, checked: "Checked", *, explain: bool) -> Iterator[str]:
    from promoter.domain import explanation  # noqa: PLC0415

    yield from map(str, checked.problems)
    policy = checked.policy
    if policy is None:
        return
    if explain:
        yield from (f"# {path}", "", *explanation.explain(policy).splitlines(), "")
    else:
        many = f"{_many(len(policy.environments), 'environment')}, {_many(len(policy.rules), 'rule')}"
        yield f"{path}: nothing is wrong: {many}, hash {policy.hash}"


def _file(path: Path, checked: "Checked", *, explain: bool) -> Json:
    from promoter.domain import explanation  # noqa: PLC0415

    policy = checked.policy
    document: Json = {"file": str(path), "passed": policy is not None, "problems": _plain(checked.problems)}
    if policy is None:
        return document
    document |= {"hash": policy.hash}
    if explain:
        document["environments"] = {
            each.name: explanation.environment_in_words(policy, each) for each in policy.environments
        }
        document["rules"] = {
            rule.name: {
                "text": explanation.rule_in_words(rule),
                "conditions": explanation.conditions_in_words(policy, rule),
            }
            for rule in policy.rules
        }
        document["diagram"] = explanation.diagram(policy)
    return document


def _plain(value: object) -> object:
    from promoter.domain.codec import plain  # noqa: PLC0415

    return plain(value)


def _bad(problems: "tuple[Problem, ...]", *, as_json: bool) -> Exit:
    if as_json:
        print_json({"scenarios": [], "problems": _plain(problems)})
    for problem in () if as_json else problems:
        click.echo(view.clean(problem), err=True)
    return Exit.FAILED


def _show(path: Path, timeline: "Timeline", *, quiet: bool) -> None:
    out = console(stderr=False)
    day = ""
    for entry in timeline.entries:
        if quiet and entry.sort != "failed":
            continue
        if (today := f"{entry.at:%a %Y-%m-%d}, UTC") != day:
            put(out, Text(today, style="dim"))
            day = today
        for line in _lines(entry):
            put(out, line)
    failed = len(timeline.failures)
    met = sum(entry.sort == "met" for entry in timeline.entries)
    verdict = f"{failed} not as expected" if failed else "all as expected"
    put(
        out,
        Text(f"{path}: {_many(met + failed, 'expectation')}, {verdict}", style="red" if failed else "green"),
    )


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _lines(entry: "Entry") -> Iterator[Text]:
    where = f"step {entry.step}: " if entry.sort == "failed" else ""
    style = _STYLES[entry.sort]
    yield Text(f"  {entry.at:%H:%M:%S}  {_SIGNS[entry.sort]} {where}{view.clean(entry.text)}", style=style)
    for detail in entry.details:
        yield Text(f"                {view.clean(detail)}", style=style)
