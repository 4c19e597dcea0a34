"""TCP ports of the loopback address: which are taken, and which are free."""

import random
import socket
from collections.abc import Mapping

_ADDRESS = "127.0.0.1"
_RANGE = range(15_000, 32_000)
"""Below the ports that Linux gives to outgoing connections, so that none slips in between."""


class PortsTakenError(Exception):
    """Some ports that are needed are in use."""

    def __init__(self, taken: Mapping[int, str]) -> None:
        """Name them, and who wants each."""
        lines = "\n".join(f"  {port}  wanted by {user}" for port, user in taken.items())
        first = next(iter(taken))
        super().__init__(
            f"These ports are taken:\n{lines}\n"
            f"Stop what uses them (lsof -i :{first} names it), or run beside them: "
            ".venv/bin/python -m localhost.stack --free-ports --state .local/other"
        )


def check_free(users: Mapping[int, str]) -> None:
    """See that nothing uses these ports yet; `users` names who wants each.

    Raises:
        PortsTakenError: some are taken.
    """
    taken = {port: user for port, user in users.items() if not _is_free(port)}
    if taken:
        raise PortsTakenError(taken)


def free_ports(count: int) -> list[int]:
    """So many different ports that nothing uses now."""
    found: list[int] = []
    for port in random.sample(_RANGE, len(_RANGE)):
        if len(found) == count:
            break
        if _is_free(port):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    try:
        socket.create_server((_ADDRESS, port)).close()
    except OSError:
        return False
    return True
