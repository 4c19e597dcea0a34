"""The registries, driven by oras (PyPI), a client for artifacts that are no images."""

import asyncio
from pathlib import Path

import pytest
from oras.client import OrasClient
from oras.oci import Subject

from emulator.distribution.switches import Auth, RegistrySwitches
from emulator.testing import Azure
from tests.integration.emulator.support import Oci

CONTENT = "what is in it\n" * 10_000


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    path = tmp_path / "artifact.txt"
    path.write_text(CONTENT)
    return path


def push(client: OrasClient, target: str, artifact: Path, **more: object) -> str:
    answer = client.push(
        target, files=[f"{artifact}:text/plain"], disable_path_validation=True, quiet=True, **more
    )
    return str(answer.headers["Docker-Content-Digest"])


def pull(client: OrasClient, target: str, folder: Path) -> list[str]:
    return [Path(path).read_text() for path in client.pull(target, outdir=str(folder / "pulled"))]


async def test_pushes_pulls_lists_and_deletes(azure: Azure, dev: Oci, artifact: Path, tmp_path: Path) -> None:
    target = f"{dev.service}/shop/notes"

    def session() -> tuple[str, list[str], list[str]]:
        client = OrasClient(insecure=True)
        digest = push(client, f"{target}:v1", artifact)
        push(client, f"{target}:v2", artifact, do_chunked=True, chunk_size=50_000)
        pulled = pull(client, f"{target}:v2", tmp_path)
        tags = client.get_tags(target)
        client.delete_tag(target, "v1")
        return digest, pulled, tags

    digest, pulled, tags = await asyncio.to_thread(session)

    assert await azure.registry("dev").digest(f"shop/notes@{digest}") is None  # deletes by digest
    assert pulled == [CONTENT]
    assert tags == ["v1", "v2"]


async def test_attaches_what_refers_to_an_image(azure: Azure, dev: Oci, artifact: Path) -> None:
    image = await azure.registry("dev").push("shop/web:v1")
    subject = Subject("application/vnd.oci.image.index.v1+json", image, 1)

    def session() -> str:
        return push(OrasClient(insecure=True), f"{dev.service}/shop/web:note", artifact, subject=subject)

    note = await asyncio.to_thread(session)

    listed = (await dev.ask("GET", f"referrers/{image}")).json["manifests"]
    assert [one["digest"] for one in listed] == [note]


async def test_signs_in(azure: Azure, dev: Oci, artifact: Path, tmp_path: Path) -> None:
    azure.switch("dev", RegistrySwitches(Auth.BASIC))
    target, password = f"{dev.service}/shop/notes:v1", azure.password("dev")

    def session() -> list[str]:
        # It sends the first token it got with whatever it asks next, so for a push a token is too narrow.
        pushing = OrasClient(insecure=True, auth_backend="basic")
        pushing.auth.set_basic_auth("dev", password)
        push(pushing, target, artifact)
        pulling = OrasClient(insecure=True)
        pulling.auth.set_basic_auth("dev", password)
        return pull(pulling, target, tmp_path)

    assert await asyncio.to_thread(session) == [CONTENT]
