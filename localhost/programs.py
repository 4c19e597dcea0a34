"""How Azurite, the emulator and the Functions host are called."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from localhost.parts import Part, accepts_connections, answers_http

ROOT = Path(__file__).resolve().parent.parent
_ACCOUNT = "devstoreaccount1"
_ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Azurite's account, the same on every machine: github.com/Azure/Azurite, "Default Storage Account"."""


def storage_connection_string(blob: int, queue: int, table: int) -> str:
    """How to reach an Azurite on those ports."""
    account = f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_ACCOUNT_KEY};"
    endpoints = {"Blob": blob, "Queue": queue, "Table": table}
    return account + "".join(f"{kind}Endpoint={_url(port)}/{_ACCOUNT};" for kind, port in endpoints.items())


def azurite(blob: int, queue: int, table: int, *, data: Path, log: Path) -> Part:
    """Azurite, the storage emulator, with its files in `data`."""
    command = [str(ROOT / "node_modules" / ".bin" / "azurite"), "--silent", "--disableTelemetry"]
    command += ["--skipApiVersionCheck", "--location", str(data)]
    for kind, port in (("blob", blob), ("queue", queue), ("table", table)):
        command += [f"--{kind}Host", "127.0.0.1", f"--{kind}Port", str(port)]
    probe = accepts_connections([blob, queue, table])
    data.mkdir(parents=True, exist_ok=True)
    return Part("Azurite", command, log=log, probe=probe, cwd=data, environment=os.environ)


def emulator(
    arm: int,
    registries: Mapping[str, int],
    *,
    webhooks: Mapping[str, str],
    topics: Mapping[str, str],
    data: Path,
    log: Path,
    options: Sequence[str] = (),
) -> Part:
    """The emulator with registries by name and port, webhooks by name, and custom topics' schemas by name."""
    command = [sys.executable, "-m", "emulator", "up", "--data", str(data), "--arm-port", str(arm)]
    for name, port in registries.items():
        command += ["--registry", f"{name}={port}"]
    for name, schema in topics.items():
        command += ["--topic", f"{name}={schema}"]
    for name, webhook in webhooks.items():
        command += ["--event-grid", f"{name}={webhook}"]
    probe = answers_http(f"{_url(arm)}/emulator/health")
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    return Part("The emulator", [*command, *options], log=log, probe=probe, cwd=ROOT, environment=environment)


def functions_host(
    app: Path, port: int, *, log: Path, settings: Mapping[str, str], options: Sequence[str] = ()
) -> Part:
    """The Functions host with an app, and the app's settings."""
    command = [sys.executable, "-m", "localhost.host", str(app), "--port", str(port)]
    return Part(
        f"The Functions host on port {port}",
        [*command, *options],
        log=log,
        probe=answers_http(f"{_url(port)}/admin/host/status"),
        cwd=ROOT,
        environment={**os.environ, "PYTHONUNBUFFERED": "1", **settings},
    )


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
