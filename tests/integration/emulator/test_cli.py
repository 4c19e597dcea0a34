"""The command line: what it does, and its refusals: one line, exit code 1."""

import asyncio
import re
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest

from emulator.cli import main
from emulator.faults import Operation
from emulator.testing import Azure
from tests.integration.emulator.support import Oci


def test_a_taken_port_is_named_with_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code = main(["up", "--data", str(tmp_path), "--arm-port", "0", "--registry", f"dev={port}"])

    error = capsys.readouterr().err
    assert code == 1
    assert error.startswith(f"emulator: port {port} for dev cannot be used (Address already in use): ")
    assert "--registry NAME=PORT" in error
    assert error.count("\n") == 1


async def test_data_in_use_is_named_with_what_to_do(tmp_path: Path) -> None:
    async with Azure(registries=("dev",), data=tmp_path):
        with pytest.raises(
            Exception, match="is in use: stop the emulator that has it, or give another --data"
        ):
            async with Azure(registries=("dev",), data=tmp_path):
                pytest.fail("two emulators have one folder")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--registry", "no_name"], "2 to 50 letters and digits"),
        (["--registry", "dev=high"], "a port is a number"),
        (["--registry", "dev=99999"], "a port is a number"),
        (["--registry", "dev", "--registry", "Dev=0"], "two registries have one name"),
        (["--auth", "devacr=open"], "a mode is one of anonymous, anonymous-pull, token, basic"),
        (["--auth", "none=token"], "--auth none=token: there is no registry 'none'"),
        (["--no-referrers", "none"], "--no-referrers none: there is no registry 'none'"),
        (["--arm-port", "-1"], "a port is a number"),
        (
            ["--registry", "dev=65500", "--tls", "--arm-port", "0"],
            "port 65600 for dev over TLS: the highest is 65535",
        ),
        (["--import-seconds=-1"], "a time is a number of seconds, not '-1'"),
        (["--poll-seconds", "nan"], "a time is a number of seconds, not 'nan'"),
        (["--spare-blobs", "soon"], "a time is a number of seconds, not 'soon'"),
        (["--event-time-scale", "0"], "a factor is a number above 0, not '0'"),
        (["--resource-group", "a/b"], "a subscription or a resource group has letters, digits"),
        (["--data", __file__], f"{__file__} cannot be used: mend that, or give another --data"),
        (["--event-grid", "promoter"], "--event-grid promoter: endpoint is not an address"),
        (["--faults", "missing.json"], "--faults missing.json: "),
    ],
)
def test_what_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["up", *arguments]) == 1
    assert says in capsys.readouterr().err


def test_data_that_is_none_is_named_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "emulator.db").write_text("a note, and long enough to be read as a database's first page" * 9)

    assert main(["up", "--data", str(tmp_path), "--arm-port", "0", "--registry", "dev=0"]) == 1

    said = capsys.readouterr().err
    assert f"{tmp_path} cannot be used: mend that, or give another --data (file is not a database)" in said


async def test_push_makes_an_image_up(tmp_path: Path) -> None:
    async with Azure(registries=("dev",), data=tmp_path) as azure:
        image = f"{azure.registry('dev').login_server}/shop/web:v1"
        pushed = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "emulator", "push", image), stdout=asyncio.subprocess.PIPE
        )
        said, _ = await pushed.communicate()
        assert pushed.returncode == 0
        address = f"{azure.registry('dev').url}/v2/shop/web/manifests/v1"
        async with aiohttp.ClientSession() as session, session.get(address) as served:
            assert served.headers["Docker-Content-Digest"] in said.decode()


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("shop/web", "HOST:PORT/REPOSITORY:TAG"),
        ("shop/web:v1", "HOST:PORT/REPOSITORY:TAG"),
        ("127.0.0.1:5301/shop/Web:v1", "invalid repository name"),
        ("127.0.0.1:5301/shop/web:v+1", "the grammar of tags"),
        ("127.0.0.1:1/shop/web:v1", "no registry answers at 127.0.0.1:1"),
    ],
)
def test_push_says_what_is_wrong_with_an_image(
    image: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["push", image]) == 1
    assert said in capsys.readouterr().err


class TestOnARunningEmulator:
    @pytest.fixture
    def command(self, azure: Azure, capsys: pytest.CaptureFixture[str]) -> Callable[..., Awaitable[str]]:
        """Run a command against the emulator, and give what it says."""

        async def run(*arguments: str, code: int = 0) -> str:
            capsys.readouterr()
            assert await asyncio.to_thread(main, [*arguments, "--url", azure.arm_url]) == code
            said = capsys.readouterr()
            return said.err if code else said.out

        return run

    async def test_faults(
        self, azure: Azure, dev: Oci, command: Callable[..., Awaitable[str]], tmp_path: Path
    ) -> None:
        await dev.push("v1")
        assert "nothing goes wrong" in await command("fault", "list")

        added = await command(
            *("fault", "add", "manifest.read", "status", "--status", "429", "--retry-after", "3"),
            *("--registry", "dev", "--subject", "shop/*", "--probability", "1", "--times", "1"),
        )
        answer = await dev.ask("GET", "manifests/v1")

        assert "manifest.read    status         struck 0 times" in added
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
        assert "struck 1 times" in await command("fault", "list")
        assert "nothing goes wrong" in await command("fault", "clear")
        assert "seed 7" in await command("fault", "clear", "--seed", "7")
        (tmp_path / "faults.json").write_text('{"importEcho": true, "faults": []}')
        assert "imports raise ImagePushed" in await command("fault", "set", str(tmp_path / "faults.json"))

    async def test_faults_that_make_no_sense(
        self, command: Callable[..., Awaitable[str]], tmp_path: Path
    ) -> None:
        said = await command("fault", "add", "import.submit", "drop", code=1)
        assert "import.submit has no effect drop; it has delay" in said
        assert "none.json" in await command("fault", "set", str(tmp_path / "none.json"), code=1)
        (tmp_path / "faults.json").write_text('{"unknown": true}')
        assert "unknown" in await command("fault", "set", str(tmp_path / "faults.json"), code=1)

    async def test_roles(self, azure: Azure, command: Callable[..., Awaitable[str]]) -> None:
        assert "nobody is checked" in await command("roles", "list")

        said = await command("roles", "set", "me", "AcrPull=dev", "Reader=/subscriptions/s")

        assert said == f"me\n  AcrPull {azure.registry('dev').resource_id}\n  Reader /subscriptions/s\n"
        assert await command("roles", "set", "me") == "me\n  nothing\n"
        assert "nobody is checked" in await command("roles", "drop", "me")
        assert "'me' is not under check" in await command("roles", "drop", "me", code=1)
        assert "an assignment is ROLE=SCOPE" in await command("roles", "set", "me", "AcrPull", code=1)
        assert "'King' is no role" in await command("roles", "set", "me", "King=dev", code=1)
        assert "no registry 'none'" in await command("roles", "set", "me", "AcrPull=none", code=1)

    async def test_registries(self, azure: Azure, dev: Oci, command: Callable[..., Awaitable[str]]) -> None:
        both = await command("registries")
        one = await command("registries", "Dev", "--auth", "token", "--no-referrers")

        assert [line.split()[0] for line in both.splitlines()] == ["dev", "prod"]
        assert one.split()[0] == "dev"
        assert "auth token, no referrers" in one
        assert (await dev.ask("GET", "/v2/")).status == 401
        assert "auth token, referrers" in await command("registries", "dev", "--referrers")
        assert "there is no registry 'none'" in await command("registries", "none", code=1)

    async def test_collect(self, dev: Oci, command: Callable[..., Awaitable[str]]) -> None:
        await dev.push_blob(b"unused")

        assert (await command("collect")).startswith("0 blobs")
        assert (await command("collect", "--spare-blobs", "0")).startswith("1 blobs")

    async def test_a_fault_in_a_registry_that_is_not_there(
        self, azure: Azure, command: Callable[..., Awaitable[str]]
    ) -> None:
        said = await command("fault", "add", "import.run", "fail", "--registry", "none", code=1)

        assert "there is no registry 'none'; these are: dev, prod" in said
        assert azure.faults.view()["faults"] == []


def test_faults_from_the_start_in_a_registry_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "faults.json"
    file.write_text('{"faults": [{"operation": "import.run", "effect": "fail", "registry": "none"}]}')

    assert main(["up", "--ephemeral", "--registry", "dev=0", "--faults", str(file)]) == 1
    assert f"--faults {file}: there is no registry 'none'" in capsys.readouterr().err


def test_without_an_emulator_a_command_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "list", "--url", "http://127.0.0.1:9"]) == 1
    assert "Start one (python -m emulator up)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "known"),
    [(["none", "status"], "import.submit"), (["import.submit", "none"], "lost-location")],
)
def test_an_operation_or_effect_that_is_none_is_told_which_there_are(
    arguments: list[str], known: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["fault", "add", *arguments])
    said = capsys.readouterr().err
    assert "invalid choice: 'none' (choose from" in said
    assert known in said


def test_help_names_the_defaults_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["up", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    for default in ("5300", "devacr, stagingacr, prodacr", "anonymous", ".local/emulator", "0.2"):
        assert f"(default: {default})" in said
    assert not re.search(r"default: (None|False|\[\])", said)


def test_every_operation_is_in_the_help_of_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fault", "add", "--help"])
    said = capsys.readouterr().out
    assert all(f"\n  {operation} " in said for operation in Operation)
