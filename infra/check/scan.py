"""checkov over the Bicep files: no failure, no file that it could not read, no skip without a reason."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FEW_WORDS = 20


def scan(checkov: Path, folder: Path) -> dict[str, Any]:
    """What checkov finds in a folder; its rules are those that it came with.

    Raises:
        subprocess.CalledProcessError: It could not run.
    """
    options = ["--framework", "bicep", "--skip-download", "--soft-fail", "--output", "json"]
    done = subprocess.run(  # noqa: S603 - a program of our own environment
        [checkov, "--directory", folder, *options], capture_output=True, text=True, check=True
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def scan_problems(report: dict[str, Any]) -> Iterator[str]:
    """What is not in order about a report."""
    if not report.get("summary", {}).get("resource_count"):
        yield "checkov has seen no resource"
        return
    results = report["results"]
    for path in results["parsing_errors"]:
        yield f"{path}: checkov cannot read it"
    for check in results["failed_checks"]:
        yield f"{_place(check)}: {check['check_id']}: {check['check_name']}"
    for check in results["skipped_checks"]:
        reason = check["check_result"].get("suppress_comment") or ""
        if len(reason) < _FEW_WORDS:
            yield f"{_place(check)}: {check['check_id']} is skipped without a reason"


def _place(check: dict[str, Any]) -> str:
    return f"{check['repo_file_path'].lstrip('/')}:{check['file_line_range'][0]}"
