"""How this process starts itself afresh: the same program, from the start, on the same port.

The process stays the same, with its id and its port, so nobody who watches it or calls it sees it go: who
connects meanwhile waits for an answer. Everything that the app has imported, or left running, is gone.
"""

import logging
import os
import socket
import sys
from pathlib import Path
from typing import NoReturn

from localhost.host.errors import HostError

_SOCKET = "LOCALHOST_HOST_SOCKET"


class Afresh:
    """What a process needs to start itself afresh; made before anything changes the environment.

    Attributes:
        again: Whether this is not the first time.
        socket: Where the host listens, kept from one start to the next.
    """

    def __init__(self, port: int) -> None:
        """Listen on a port of 127.0.0.1, or go on listening.

        Raises:
            HostError: the port is taken.
        """
        self._cwd = Path.cwd()
        inherited = os.environ.pop(_SOCKET, None)
        self._environment = dict(os.environ)
        self.again = inherited is not None
        self.socket = _listen(port) if inherited is None else socket.socket(fileno=int(inherited))

    def start(self) -> NoReturn:
        """Start, from any thread. What this process has not finished is lost."""
        logging.shutdown()
        sys.stdout.flush()
        os.chdir(self._cwd)
        self.socket.set_inheritable(True)
        environment = {**self._environment, _SOCKET: str(self.socket.fileno())}
        os.execve(sys.executable, sys.orig_argv, environment)  # noqa: S606 - the same program, with no shell


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port), backlog=512)
    except OSError as error:
        message = (
            f"Port {port} of 127.0.0.1 cannot be had ({os.strerror(error.errno or 0)}). "
            f"Stop what uses it (lsof -i :{port} names it), or choose another port: --port"
        )
        raise HostError(message) from error
