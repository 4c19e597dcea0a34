"""Lists an app's functions as the worker library of Azure indexes them, as JSON on standard output.

A program of its own, since the library keeps the app it has indexed for as long as the process lives.
"""

import asyncio
import json
import sys
from pathlib import Path

from localhost.host import worker


def main() -> None:
    """Index the app in the folder that the command line names."""
    functions = asyncio.run(worker.index(Path(sys.argv[1]).resolve()))
    listing = [
        {
            "name": function.name,
            "bindings": [
                dict(binding.properties) for binding in (function.trigger, *function.outputs.values())
            ],
        }
        for function in functions
    ]
    sys.stdout.write(json.dumps(listing))


if __name__ == "__main__":
    main()
