"""`python -m infra.check` (in `make infra-check`): lists what is wrong with the Bicep files, and exits 1."""

import argparse
import sys
from pathlib import Path

from infra.check.properties import property_problems
from infra.check.rules import problems
from infra.check.scan import scan, scan_problems
from infra.check.template import Template

INFRA = Path(__file__).resolve().parent.parent


def read_all(folder: Path) -> dict[Path, Template]:
    """Every Bicep file of a folder, by its path."""
    return {path: Template.read(path) for path in sorted(folder.resolve().rglob("*.bicep"))}


def main() -> int:
    """Check, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m infra.check", description="Check the Bicep files.")
    parser.add_argument("--checkov", type=Path, help="scan them with this checkov, too")
    parser.add_argument(
        "--types", type=Path, help="check properties by this checkout of github.com/Azure/bicep-types-az, too"
    )
    given = parser.parse_args()
    templates = read_all(INFRA)
    found = [str(each) for each in problems(templates)]
    if given.types:
        for template in templates.values():
            found += [str(each) for each in property_problems(template, given.types)]
    if given.checkov:
        report = scan(given.checkov, INFRA)
        found += scan_problems(report)
        counts = ", ".join(f"{report['summary'][each]} {each}" for each in ("passed", "failed", "skipped"))
        print(f"checkov: {counts}")
    for problem in found:
        print(problem)
    resources = sum(len(template.resources) for template in templates.values())
    print(f"{len(templates)} Bicep files, {resources} resources, {len(found)} problems")
    return 1 if found or not templates else 0


if __name__ == "__main__":
    sys.exit(main())
