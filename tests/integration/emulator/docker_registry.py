"""Debian's docker-registry, which we did not write. Without it: `apt-get install docker-registry`."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USER, PASSWORD = "reader", "secret"
_HTPASSWD = f"{USER}:$2b$04$BRndryyBH0RhzOZow.fyMurvsFIP/VGfmzeHhoyCHz/dxpJx9q.k6\n"


@contextmanager
def docker_registry(folder: Path, *, password: bool = False) -> Iterator[str]:
    """Run one on a port that is free, and give its address.

    Args:
        folder: Keeps everything.
        password: Whether it asks for basic authentication.
    """
    port = _free_port()
    settings: dict[str, object] = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}, "level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    if password:
        (folder / "htpasswd").write_text(_HTPASSWD)
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    (folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603 - our own configuration
            ["docker-registry", "serve", str(folder / "config.yml")],  # noqa: S607 - where Debian puts it
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(port, process, folder / "log")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise AssertionError(log.read_text())
