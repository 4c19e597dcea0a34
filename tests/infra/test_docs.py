"""The pages on running Promoter say what is so."""

import re
import shlex
import subprocess
from pathlib import Path

import click
import pytest

from infra.check.__main__ import INFRA
from promoter.cli.main import promoter
from promoter.domain.promotion import FailureCode

ROOT = INFRA.parent
PAGES = {
    path: path.read_text()
    for path in (
        *(ROOT / "docs" / f"{name}.md" for name in ("azure", "operating", "troubleshooting", "migrating")),
        ROOT / "pipelines" / "README.md",
    )
}
_LINK = re.compile(r"\]\(([^)#]*)(?:#([^)]*))?\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def anchors(text: str) -> set[str]:
    """The headings of a page, as GitHub links to them."""
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in _HEADING.findall(text)}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in _LINK.findall(PAGES[path]):
        if target.startswith("http"):
            continue
        place = (path.parent / target).resolve() if target else path
        assert place.exists(), target
        if anchor:
            assert anchor in anchors(place.read_text()), (target, anchor)


def page(name: str) -> str:
    return PAGES[ROOT / "docs" / f"{name}.md"]


def test_every_failure_has_its_row() -> None:
    listed = re.findall(r"^\| `([\w-]+)` \|", page("troubleshooting"), re.MULTILINE)
    assert sorted(listed) == sorted(FailureCode)


def test_every_query_is_listed() -> None:
    listed = re.findall(r"\| \[[\w-]+\]\(\.\./infra/queries/([\w-]+)\.kql\) \|", page("operating"))
    assert sorted(listed) == sorted(path.stem for path in (INFRA / "queries").glob("*.kql"))


def test_what_azd_is_told_and_asked_exists() -> None:
    known = set(
        re.findall(r"\$\{(\w+)", "".join(path.read_text() for path in INFRA.glob("*.parameters.json")))
    )
    outputs = set(re.findall(r"^output (\w+) ", (INFRA / "main.bicep").read_text(), re.MULTILINE))
    text = "".join(PAGES.values())
    told = set(re.findall(r"azd env set (\w+)", text)) - {"PROMOTER_CLIENT_ID"}
    asked = set(re.findall(r"azd env get-value (\w+)", text))
    assert told
    assert told <= known
    assert asked - {"PROMOTER_CLIENT_ID"} <= outputs | known


def test_every_parameter_is_described() -> None:
    declared = set(re.findall(r"^param (\w+) ", (INFRA / "main.bicep").read_text(), re.MULTILINE))
    assert declared - {"environmentName", "location", "registries"} <= set(
        re.findall(r"`(\w+)`", page("azure"))
    )


def test_every_alert_is_in_the_table() -> None:
    names = re.findall(r"^    name: '([\w-]+)'", (INFRA / "app/alerts.bicep").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| ([a-z ,]+) \|", page("troubleshooting"), re.MULTILINE)
    assert {name.replace("-", " ") for name in names} <= set(rows)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_that_is_named_can_be_typed(path: Path) -> None:
    text = PAGES[path]
    inline = re.findall(r"`(?:\.venv/bin/python -m )?promoter ([^`\n]+)`", text)
    lines = re.findall(r"^(?:\.venv/bin/python -m )?promoter (.+)$", text, re.MULTILINE)
    found = [each for each in (*inline, *lines) if "..." not in each]
    assert found or path.stem == "README"
    for each in (each.replace("IMAGE", "shop/web:v1") for each in found):
        context = click.Context(promoter, info_name="promoter")
        given, command, rest = promoter.resolve_command(context, shlex.split(each, comments=True))
        assert command, each
        if rest or " " in each:  # not only named
            command.make_context(given, list(rest), parent=context)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_is_shown_in_bash_is_bash(path: Path) -> None:
    for block in re.findall(r"^```bash\n(.*?)^```", PAGES[path], re.MULTILINE | re.DOTALL):
        done = subprocess.run(["/bin/bash", "-n"], input=block, text=True, capture_output=True, check=False)
        assert not done.stderr, block


def test_scripts_and_modules_that_are_named_are_there() -> None:
    text = "".join(PAGES.values())
    modules = set(re.findall(r"python -m ([a-z_.]+)", text)) - {"promoter"}
    assert modules == {"infra.tables", "benchmarks.costs"}
    assert all((ROOT / f"{each.replace('.', '/')}.py").exists() for each in modules)
    for named in re.findall(r"`((?:infra|pipelines|docs|benchmarks)/[\w./-]+\.\w+)`", text):
        assert (ROOT / named).exists(), named
