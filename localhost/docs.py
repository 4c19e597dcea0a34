"""`python -m localhost.docs` (`make docs`): writes the parts of docs/ anew that come of running something.

Such a part stands between `<!-- NAME -->` and `<!-- /NAME -->`; the rest is written by hand and left alone.
"""

import shutil
import sys

from localhost import cli_reference
from localhost.cli_story import Scene, tell
from localhost.client import StoryError
from localhost.local_stack import LocalStack
from localhost.pages import with_parts
from localhost.programs import ROOT
from localhost.terminal import run

PAGE = ROOT / "docs" / "cli.md"
STATE = ROOT / ".local" / "docs"


def reference() -> dict[str, str]:
    """The parts that come from the commands themselves."""
    return {
        "options": cli_reference.shared_options(),
        "exit-codes": cli_reference.exit_codes(),
        "commands": cli_reference.commands(),
    }


async def recording() -> str:
    """The story of the command line, as it went on a fresh stack on the documented ports."""
    shutil.rmtree(STATE, ignore_errors=True)
    scenes: list[list[str]] = []
    async with LocalStack(STATE) as stack:
        async for each in tell(stack):
            if isinstance(each, Scene):
                scenes.append([f"# {each.title}"])
            else:
                scenes[-1].append(str(each))
    return "```console\n" + "\n\n".join("\n".join(scene) for scene in scenes) + "\n```"


async def _docs() -> int:
    try:
        parts = reference() | {"recording": await recording()}
    except StoryError as error:
        print(f"Not so: {error}", file=sys.stderr)
        return 1
    PAGE.write_text(with_parts(PAGE.read_text(), parts))
    print(f"Wrote {PAGE.relative_to(ROOT)} anew.")
    return 0


if __name__ == "__main__":
    sys.exit(run(_docs()))
