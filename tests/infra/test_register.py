"""The hook that makes the app registration, with an `az` and an `azd` that only note what they are asked."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from infra.check.__main__ import INFRA

SCRIPT = INFRA / "entra" / "register.sh"
FAKE = """#!/bin/sh
{ printf '%s' "$(basename "$0")"; printf ' [%s]' "$@"; echo; } >> "$NOTES"
case "$*" in
  "ad app list"*) echo "$KNOWN"; exit "${LIST_EXIT:-0}" ;;
  "ad sp show"*) [ -n "$KNOWN" ] && [ -z "${NO_PRINCIPAL:-}" ] ;;
  *"--method post"*) echo made-id ;;
esac
"""


class Azure:
    """A PATH with the two fakes, and what they have noted."""

    def __init__(self, folder: Path) -> None:
        self._notes, self._bin = folder / "notes", folder / "bin"
        self._bin.mkdir()
        self._alone = False
        for name in ("az", "azd"):
            (self._bin / name).write_text(FAKE)
            (self._bin / name).chmod(0o755)

    def without(self, name: str) -> None:
        (self._bin / name).unlink()
        self._alone = True
        # A PATH with nothing but what the script itself needs.
        for tool in ("dirname", "basename", "sed", "sh", "printf"):
            found = next(Path(each) / tool for each in ("/usr/bin", "/bin") if (Path(each) / tool).exists())
            (self._bin / tool).symlink_to(found)

    def run(self, *, known: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        path = self._bin if self._alone else f"{self._bin}:{os.environ['PATH']}"
        environment = {"PATH": str(path), "NOTES": str(self._notes), "KNOWN": known}
        return subprocess.run(  # noqa: S603 - our own script
            ["/bin/sh", SCRIPT],
            env=environment | {"AZURE_ENV_NAME": "test"} | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    @property
    def calls(self) -> list[str]:
        return self._notes.read_text().splitlines() if self._notes.exists() else []

    def noted(self, part: str) -> str:
        """All that was noted, from the call with this part on."""
        return self._notes.read_text().partition(part)[2]


@pytest.fixture
def azure(tmp_path: Path) -> Azure:
    return Azure(tmp_path)


def test_a_registration_is_made_and_told_to_azd(azure: Azure) -> None:
    done = azure.run()
    assert done.returncode == 0, done.stderr
    body = azure.noted("[--body] [").partition("] [--query]")[0]
    application = json.loads(body)
    assert application.pop("displayName") == "promoter-test"
    assert application == json.loads((INFRA / "entra/application.json").read_text())
    assert "az [ad] [sp] [create] [--id] [made-id] [--output] [none]" in azure.calls
    assert "azd [env] [set] [PROMOTER_CLIENT_ID] [made-id]" in azure.calls
    patches = [
        json.loads(call.partition("[--body] [")[2].removesuffix("]"))
        for call in azure.calls
        if "patch" in call
    ]
    assert patches[0] == {"identifierUris": ["api://made-id"]}
    assert "preAuthorizedApplications" in patches[1]["api"]


def test_one_that_is_there_is_taken(azure: Azure) -> None:
    assert azure.run(known="known-id").returncode == 0
    assert not any("post" in call or "create" in call for call in azure.calls)
    assert "azd [env] [set] [PROMOTER_CLIENT_ID] [known-id]" in azure.calls


def test_a_run_that_broke_off_is_made_good(azure: Azure) -> None:
    """The registration is there, and its service principal is not."""
    assert azure.run(known="known-id", NO_PRINCIPAL="yes").returncode == 0
    assert "az [ad] [sp] [create] [--id] [known-id] [--output] [none]" in azure.calls
    assert not any("post" in call for call in azure.calls)


def test_who_cannot_be_asked_what_they_own_is_told_what_to_do(azure: Azure) -> None:
    done = azure.run(LIST_EXIT="1")
    assert done.returncode == 1
    assert "azd env set PROMOTER_CLIENT_ID" in done.stderr
    assert len(azure.calls) == 1


def test_an_administrator_without_azd_is_told_what_to_hand_over(azure: Azure) -> None:
    azure.without("azd")
    done = azure.run()
    assert done.returncode == 0, done.stderr
    assert "azd env set PROMOTER_CLIENT_ID made-id" in done.stdout


def test_one_that_is_named_is_left_alone(azure: Azure) -> None:
    assert azure.run(PROMOTER_CLIENT_ID="theirs", PROMOTER_URL="https://p.example").returncode == 0
    assert azure.calls == []


def test_its_own_learns_where_the_browser_comes_back_to(azure: Azure) -> None:
    ours = {"PROMOTER_CLIENT_ID": "ours", "PROMOTER_REGISTERED": "ours", "PROMOTER_URL": "https://p.example"}
    assert azure.run(**ours).returncode == 0
    [call] = azure.calls
    assert '{"web": {"redirectUris": ["https://p.example/.auth/login/aad/callback"]}}' in call


def test_with_keys_there_is_nothing_to_register_and_azd_asks_for_nothing(azure: Azure) -> None:
    assert azure.run(PROMOTER_AUTH="keys").returncode == 0
    assert azure.calls == ["azd [env] [set] [PROMOTER_CLIENT_ID] [none]"]
    assert azure.run(PROMOTER_AUTH="keys", PROMOTER_CLIENT_ID="none").returncode == 0
    assert len(azure.calls) == 1


def test_after_keys_a_registration_is_made(azure: Azure) -> None:
    assert azure.run(PROMOTER_CLIENT_ID="none", PROMOTER_URL="https://p.example").returncode == 0
    assert "azd [env] [set] [PROMOTER_CLIENT_ID] [made-id]" in azure.calls


def test_a_registration_of_somebody_elses_is_not_taken(azure: Azure) -> None:
    """Its owner could give roles to whom they like."""
    assert azure.run().returncode == 0
    [asked] = [call for call in azure.calls if call.startswith("az [ad] [app] [list]")]
    assert "[--show-mine]" in asked


def test_without_the_azure_cli_it_says_what_to_do(azure: Azure) -> None:
    azure.without("az")
    done = azure.run()
    assert done.returncode == 1
    assert "azd env set PROMOTER_CLIENT_ID" in done.stderr
