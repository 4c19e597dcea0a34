"""A pytest plugin that counts the tests of each section of the OCI distribution specification.

A test names its section: `@pytest.mark.spec("Push: Cancel a blob upload")`. `make conformance` runs them
with this plugin, which prints the counts and writes them into docs/emulator.md.
"""

from collections import Counter
from pathlib import Path

import pytest

from localhost.pages import write_part

_KEY = "section"
_PARTS = (
    "Pull",
    "Push",
    "Content Discovery",
    "Content Management",
    "Backwards Compatibility",
    "Upgrade Procedures",
    "API",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance", type=Path, help="the page that the counts are written into")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if mark := item.get_closest_marker("spec"):
            item.user_properties.append((_KEY, mark.args[0]))


@pytest.hookimpl
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config
) -> None:
    passed, all_there = Counter[str](), Counter[str]()
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            for section in (str(value) for key, value in report.user_properties if key == _KEY):
                all_there[section] += 1
                passed[section] += outcome == "passed"
    sections = sorted(all_there, key=lambda name: _PARTS.index(name.partition(":")[0]))
    lines = [f"| {name} | {passed[name]} of {all_there[name]} |" for name in sections]
    total = f"| all | {passed.total()} of {all_there.total()} |"
    table = "\n".join(["| section | passed |", "|---|---|", *lines, total])
    terminalreporter.section("OCI distribution specification")
    terminalreporter.write_line(table)
    page: Path | None = config.getoption("--conformance")
    if page and exitstatus == pytest.ExitCode.OK:
        write_part(page, "conformance", table)
