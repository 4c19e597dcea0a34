"""Makes the sessions in docs/emulator.md anew: starts an emulator, runs each command, writes what it said.

`make docs-emulator`. The ports of `python -m emulator up` must be free. The session with az is made where
`make test-az` has set it up.
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from localhost.emulator_sessions import AZ, REGISTRIES, SESSIONS, Session
from localhost.pages import write_part
from localhost.ports import check_free, free_ports

_ROOT = Path(__file__).parents[1]
_PAGE = _ROOT / "docs" / "emulator.md"
_PORTS = (5300, 5301, 5302, 5400, 5401, 5402)
_PROGRAMS = ("bash", "curl", "skopeo", "docker-registry")
_WAIT = 20  # seconds


def main() -> None:
    """Make all sessions, and write them."""
    if missing := [each for each in _PROGRAMS if shutil.which(each) is None]:
        sys.exit(f"Not found: {', '.join(missing)}. Install them: sudo apt-get install {' '.join(missing)}")
    check_free(dict.fromkeys(_PORTS, "the emulator"))
    with TemporaryDirectory(prefix="emulator-docs-", ignore_cleanup_errors=True) as folder:
        environment = _environment(Path(folder))
        home = Path(folder)
        with (
            emulator(home, environment, "dev", "--registry", "prod") as banner,
            docker_registry(home, environment),
        ):
            _write("banner", f"$ python -m emulator up --registry dev --registry prod --tls\n{banner}")
            for session in SESSIONS:
                print(session.name, flush=True)
                _make(session, home, environment)
        if (_ROOT / ".venv-az" / "bin" / "az").exists():
            print("az", flush=True)
            shutil.rmtree(home / "data")
            # az takes no name below five characters, and reads only registries that ask who it is.
            with emulator(home, environment, "devacr", "--registry", "prodacr", "--auth", "prodacr=token"):
                _make(AZ, home, environment)


def _environment(folder: Path) -> dict[str, str]:
    ours = [str(Path(sys.executable).parent), str(_ROOT / ".venv-az" / "bin")]
    return {
        "PATH": ":".join([*ours, os.environ["PATH"]]),
        "HOME": str(folder),
        "PYTHONPATH": str(_ROOT),
        "REGISTRIES": REGISTRIES,
        "DOCKER_REGISTRY": f"127.0.0.1:{free_ports(1)[0]}",
        "REQUESTS_CA_BUNDLE": str(folder / "data" / "tls" / "ca.pem"),
        "AZURE_CONFIG_DIR": str(folder / "azure"),
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
        "AZURE_CORE_NO_COLOR": "true",
        "AZURE_CORE_ONLY_SHOW_ERRORS": "true",
        "AZURE_CORE_LOGIN_EXPERIENCE_V2": "off",
    }


@contextmanager
def emulator(folder: Path, environment: Mapping[str, str], first: str, *more: str) -> Iterator[str]:
    """Run the emulator until the block ends, and give what it says when it is up."""
    command = [sys.executable, "-u", "-m", "emulator", "up", "--registry", first, *more, "--tls"]
    log = folder / "emulator.log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "data")], env=dict(environment), stdout=file, stderr=file
        )
        try:
            yield _banner(log).replace(str(folder / "data"), ".local/emulator")
        finally:
            process.terminate()
            process.wait(_WAIT)


def _banner(log: Path) -> str:
    """Wait for what the emulator says when it is up; its last line is where the data is."""
    deadline = time.monotonic() + _WAIT
    while "\n  data " not in (said := log.read_text()):
        if time.monotonic() > deadline:
            sys.exit(f"The emulator is not up: {said}")
        time.sleep(0.05)
    return said.strip()


@contextmanager
def docker_registry(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Run Debian's docker-registry until the block ends."""
    address = environment["DOCKER_REGISTRY"]
    config = folder / "docker-registry.yml"
    config.write_text(
        f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/docker-registry}}}}\nhttp: {{addr: '{address}'}}\n"
    )
    process = subprocess.Popen(
        ["docker-registry", "serve", str(config)],  # noqa: S607 - where Debian puts it
        env=dict(environment),
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://{address}/v2/")
        yield
    finally:
        process.terminate()
        process.wait(_WAIT)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + _WAIT
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310 - our own address
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _make(session: Session, folder: Path, environment: Mapping[str, str]) -> None:
    if session.python:
        said = _run([sys.executable, "-c", session.python], folder, environment, check=True)
        block = f"```python\n{session.python.strip()}\n```\nsays\n```\n{said}\n```"
        write_part(_PAGE, session.name, block)
        return
    lines = []
    for command in session.lines:
        if command.startswith("#"):
            lines.append(command)
            continue
        lines.append(f"$ {command}")
        if said := _run(["bash", "-c", command], folder, environment):
            lines.append(said)
    _write(session.name, "\n".join(lines))


def _write(name: str, text: str) -> None:
    write_part(_PAGE, name, f"```console\n{text}\n```")


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str], *, check: bool = False) -> str:
    """Run a command, and give what it says, also where it fails: some are to show that."""
    done = subprocess.run(
        command,
        env=dict(environment),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=check,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip().replace("\r", "").splitlines())


if __name__ == "__main__":
    main()
