"""The pipelines' scripts on the real local stack, called as agents call them: by their settings alone."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from localhost.client import Client
from localhost.local_stack import LocalStack, Ports

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "pipelines" / "scripts"
WEB = "shop/web"
POLICY = """
environments:
  - {name: dev, registry: "${DEV_REGISTRY_ID}"}
  - {name: staging, registry: "${STAGING_REGISTRY_ID}"}
  - {name: prod, registry: "${PROD_REGISTRY_ID}"}
rules:
  - name: to-staging
    from: dev
    to: staging
    repositories: ["shop/*"]
    tags: ["v*"]
    gates: [unit-tests]
    automatic: true
  - {name: to-prod, from: dev, to: prod, repositories: ["shop/*"], tags: ["v*"], gates: [unit-tests]}
"""
DOCKER = """#!/bin/sh
# A docker that can do nothing but `buildx build --push --tag IMAGE --metadata-file FILE CONTEXT`.
digest=$("{python}" -m emulator push "$5" | grep -o 'sha256:[0-9a-f]*')
printf '{{"containerimage.digest": "%s"}}' "$digest" > "$7"
"""


@dataclass(frozen=True)
class Ended:
    """How a script ended, what it said, and what it left to later steps."""

    code: int
    said: str
    outputs: dict[str, str]


class Agent:
    """An agent of GitHub's, with the command line on its path and a docker that pushes made-up images."""

    def __init__(self, folder: Path, stack: LocalStack) -> None:
        self._outputs, self._bin = folder / "outputs", folder / "bin"
        self._bin.mkdir()
        self._outputs.mkdir()
        self._program("promoter", f'#!/bin/sh\nexec "{sys.executable}" -m promoter "$@"\n')
        self._program("docker", DOCKER.format(python=sys.executable))
        self._environment = {
            "PATH": f"{self._bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PROMOTER_URL": stack.api.removesuffix("/api"),
            "REPOSITORY": WEB,
            "REGISTRY": stack.registry("dev"),
            "PAUSE": "1",
        }

    async def run(self, script: str, **settings: str) -> Ended:
        """Run a script."""
        outputs = self._outputs / uuid4().hex
        outputs.touch()
        process = await asyncio.create_subprocess_exec(
            SCRIPTS / f"{script}.sh",
            env=self._environment | {"GITHUB_OUTPUT": str(outputs)} | settings,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        pairs = (line.partition("=") for line in outputs.read_text().splitlines())
        return Ended(process.returncode or 0, said.decode(), {name: value for name, _, value in pairs})

    def _program(self, name: str, text: str) -> None:
        (self._bin / name).write_text(text)
        (self._bin / name).chmod(0o755)


async def test_a_release_goes_its_way_and_back_by_the_pipelines_scripts(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    async with (
        LocalStack(tmp_path / "stack", ports=Ports.free(), policy=policy) as stack,
        Client(stack) as client,
    ):
        agent = Agent(tmp_path, stack)
        first, second, third = await asyncio.gather(*(release(agent, tag) for tag in ("v1", "v2", "v3")))
        await waits_for_its_gate(agent, first)
        await asyncio.gather(
            goes_to_production_and_back(agent, client, first, second), fails_its_gate(agent, third)
        )


def verdict(digest: str, status: str) -> dict[str, str]:
    return {"DIGEST": digest, "ENVIRONMENT": "dev", "GATE": "unit-tests", "STATUS": status}


async def release(agent: Agent, tag: str) -> str:
    built = await agent.run("build", TAG=tag)
    assert built.code == 0, built.said
    return built.outputs["digest"]


async def waits_for_its_gate(agent: Agent, digest: str) -> None:
    where = {"DIGEST": digest, "TIMEOUT": "0"}
    cancelled, promoted, waited = await asyncio.gather(
        agent.run("report", **verdict(digest, "cancelled")),
        agent.run("promote", ENVIRONMENT="prod", **where),
        agent.run("wait", ENVIRONMENT="staging", **where),
    )
    assert (cancelled.code, promoted.code, waited.code) == (0, 3, 3), (promoted.said, waited.said)
    assert cancelled.said.startswith("The tests were not run to their end")
    for ended in (promoted, waited):
        assert "waits for gate unit-tests in dev" in ended.said


async def fails_its_gate(agent: Agent, digest: str) -> None:
    reported = await agent.run("report", **verdict(digest, "Failed"))
    assert reported.code == 0, reported.said
    failed = await agent.run("wait", DIGEST=digest, ENVIRONMENT="staging")
    assert failed.code == 1
    assert "gate unit-tests in dev failed" in failed.said


async def goes_to_production_and_back(agent: Agent, client: Client, first: str, second: str) -> None:
    for ended in await asyncio.gather(
        agent.run("report", **verdict(first, "success")), agent.run("report", **verdict(second, "Succeeded"))
    ):
        assert ended.code == 0, ended.said
    waited, promoted = await asyncio.gather(
        agent.run("wait", DIGEST=first, ENVIRONMENT="staging"),
        agent.run("promote", DIGEST=first, ENVIRONMENT="prod", REASON="the first"),
    )
    for environment, ended in (("staging", waited), ("prod", promoted)):
        assert ended.code == 0, ended.said
        assert ended.outputs["record"].startswith(f"{environment}~shop:web~")
        assert await client.digest(environment, WEB, "v1") == first
    azure_devops = {"GITHUB_OUTPUT": "", "TF_BUILD": "True"}
    promoted = await agent.run("promote", TAG="v2", ENVIRONMENT="prod", **azure_devops)
    assert promoted.code == 0, promoted.said
    assert "##vso[task.setvariable variable=record;isOutput=true]prod~shop:web~" in promoted.said
    looked = await agent.run("rollback", ENVIRONMENT="prod", DRY_RUN="true")
    assert (looked.code, await client.digest("prod", WEB, "current")) == (0, second), looked.said
    rolled_back = await agent.run("rollback", ENVIRONMENT="prod", REASON="v2 is slow")
    assert rolled_back.code == 0, rolled_back.said
    assert "prod runs shop/web:v1 again" in rolled_back.said
    assert await client.digest("prod", WEB, "current") == first
