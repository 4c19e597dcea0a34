"""`leash.py PARENT COMMAND...`: become COMMAND, and end with the process PARENT, even where that is killed.

Started by path, so that it costs only the bare interpreter. Linux alone can do this; elsewhere the command
runs without it, and ends when its parent stops it.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Replace this process by the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("The process that started this one has ended.")
    os.execvp(command[0], command)  # noqa: S606 - the point is to start without a shell


if __name__ == "__main__":
    main()
