"""`python -m localhost.chaos` (`make chaos`): the local stack under blows, and every image where it belongs.

300 images in 30 repositories; two hosts on the same queues, killed at random moments; storage restarted;
registries that are slow, fail and throttle; events twice, late and out of order. At the end every image is
exactly where policy says, the registries agree with the records, nothing is doubled and nothing in flight.
"""

import argparse
import asyncio
import random
import shutil
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console

from emulator.sample_image import push_random_image
from localhost.chaos_plan import Image, Plan, plan
from localhost.client import Client, StoryError
from localhost.local_stack import LocalStack, Ports
from localhost.parts import Part
from localhost.programs import ROOT
from localhost.terminal import run

STATE = ROOT / ".local" / "chaos"
POLICY = Path(__file__).with_name("chaos-policy.yaml")
TARGETS = ("staging", "prod")
_PUSHERS = 4
_LEASE = "15"  # seconds until a killed host's messages show again; a real host takes ten minutes


class Chaos:
    """One run: what it does, and what it has seen."""

    def __init__(self, stack: LocalStack, client: Client, plan_: Plan, console: Console) -> None:
        self._stack = stack
        self._client = client
        self._plan = plan_
        self._console = console
        self._start = time.monotonic()
        self._digests: dict[Image, str] = {}
        self._pushed: dict[Image, asyncio.Event] = {image: asyncio.Event() for image in plan_.images}
        self.blows: Counter[str] = Counter()

    async def go(self, patience: float) -> None:
        """Push, report and strike, until all is where it belongs.

        Raises:
            StoryError: It is not, in that many seconds after the last verdict.
        """
        await self._switch(self._plan.faults)
        strikes = asyncio.create_task(self._strike())
        try:
            await asyncio.gather(self._push_all(), self._report_all())
            self._tell(f"{len(self._digests)} images pushed, {len(self._plan.verdicts)} verdicts reported")
            await self._until_all_is_there(patience)
        finally:
            strikes.cancel()
            await asyncio.gather(strikes, return_exceptions=True)
        await self._switch({"faults": []})

    async def check(self) -> dict[str, Any]:
        """Hold the records and the registries against the policy.

        Raises:
            StoryError: Something is not as it must be.
        """
        wrong: list[str] = []
        kinds: Counter[str] = Counter()
        for environment in TARGETS:
            for repository in sorted({image.repository for image in self._plan.images}):
                records = await self._records(environment, repository)
                kinds.update(f"{record['phase']}" for record in records)
                wrong += await self._check_repository(environment, repository, records)
        active = (await self._client.get("promotions", active="true"))["items"]
        wrong += [f"{record['id']} is still {record['phase']}" for record in active]
        if wrong:
            raise StoryError("\n".join(wrong[:20]))
        return {"promotions": dict(kinds), "blows": dict(self.blows)}

    async def _check_repository(
        self, environment: str, repository: str, records: list[dict[str, Any]]
    ) -> list[str]:
        images = [image for image in self._plan.images if image.repository == repository]
        succeeded = Counter(record["tag"] for record in records if record["phase"] == "succeeded")
        wrong = []
        for image in images:
            name = f"{repository}:{image.tag} in {environment}"
            wanted = self._digests[image] if image.belongs_in(environment) else None
            served = await self._client.digest(environment, repository, image.tag)
            if served != wanted:
                wrong.append(f"{name}: serves {served}, and policy says {wanted}")
            if succeeded[image.tag] != (wanted is not None):
                wrong.append(f"{name}: {succeeded[image.tag]} promotions have succeeded")
        belong = {self._digests[image] for image in images if image.belongs_in(environment)}
        newest = next((each for each in self._by_push(images) if self._digests[each] in belong), None)
        pointer = await self._client.digest(environment, repository, "current")
        if pointer != (self._digests[newest] if newest else None):
            wrong.append(f"{repository} in {environment}: current is {pointer}, and {newest} is the newest")
        return wrong

    def _by_push(self, images: list[Image]) -> list[Image]:
        """The images, the last pushed first."""
        order = {image: number for number, image in enumerate(self._digests)}
        return sorted(images, key=lambda image: order[image], reverse=True)

    async def _push_all(self) -> None:
        """Push repository by repository in turn, so that each repository's order is the plan's."""
        queues: dict[str, list[Image]] = {}
        for image in self._plan.images:
            queues.setdefault(image.repository, []).append(image)
        gate = asyncio.Semaphore(_PUSHERS)

        async def push_one_by_one(images: list[Image]) -> None:
            async with aiohttp.ClientSession() as session:
                for image in images:
                    async with gate:
                        await self._push(session, image)

        await asyncio.gather(*(push_one_by_one(images) for images in queues.values()))

    async def _push(self, session: aiohttp.ClientSession, image: Image) -> None:
        registry = f"http://{self._stack.registry('dev')}"
        digest = await push_random_image(
            session, registry, image.repository, image.tag, platforms=("linux/amd64",), layer_bytes=256
        )
        self._digests[image] = digest
        self._pushed[image].set()

    async def _report_all(self) -> None:
        for image, gate in self._plan.verdicts:
            await self._pushed[image].wait()
            environment = "dev" if gate == "unit-tests" else "staging"
            passed = image.unit_tests if gate == "unit-tests" else image.integration_tests
            await self._insist(
                {
                    "repository": image.repository,
                    "digest": self._digests[image],
                    "environment": environment,
                    "gate": gate,
                    "verdict": "passed" if passed else "failed",
                }
            )

    async def _insist(self, report: dict[str, str]) -> None:
        """Send a verdict until storage has taken it, as a pipeline would."""
        while True:
            try:
                await self._client.send_verdict(report)
            except Exception as error:  # noqa: BLE001 - storage is away for a moment: whatever that looks like
                self._tell(f"[dim]storage does not take a verdict yet: {type(error).__name__}[/]")
                await asyncio.sleep(0.5)
            else:
                return

    async def _strike(self) -> None:
        """Kill hosts and restart storage, as the seed says, until told to stop."""
        parts: dict[str, Part] = dict(zip(("host 1", "host 2"), self._stack.hosts, strict=True))
        for blow in self._plan.blows:
            await asyncio.sleep(blow.after)
            self.blows[blow.target] += 1
            part = parts.get(blow.target)
            # Azurite keeps what it has accepted only when it may end by itself.
            killed = part or self._stack.azurite
            await asyncio.shield(self._replace(killed, gently=part is None))

    async def _replace(self, part: Part, *, gently: bool) -> None:
        if gently:
            await part.stop()
        else:
            part.kill()
        part.start()
        await part.ready(60)

    async def _until_all_is_there(self, patience: float) -> None:
        deadline = time.monotonic() + patience
        wanted = {name: sum(image.belongs_in(name) for image in self._plan.images) for name in TARGETS}
        while True:
            there = {name: await self._count(name) for name in TARGETS}
            shown = ", ".join(f"{there[name]} of {wanted[name]} in {name}" for name in TARGETS)
            self._tell(f"{shown}; blows so far: {sum(self.blows.values())}")
            if there == wanted:
                return
            if time.monotonic() > deadline:
                message = f"after {patience:g} s still only {shown}"
                raise StoryError(message)
            await asyncio.sleep(5)

    async def _count(self, environment: str) -> int:
        """How many of the images that belong in an environment are served there."""
        belong = [image for image in self._plan.images if image.belongs_in(environment)]
        gate = asyncio.Semaphore(8)

        async def served(image: Image) -> bool:
            async with gate:
                digest = await self._client.digest(environment, image.repository, image.tag)
                return digest == self._digests[image]

        return sum(await asyncio.gather(*(served(image) for image in belong)))

    async def _records(self, environment: str, repository: str) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            query = {"environment": environment, "repository": repository, "limit": "100", **cursor}
            page = await self._client.get("promotions", **query)
            records += page["items"]
            if page["cursor"] is None:
                return records
            cursor = {"cursor": page["cursor"]}

    async def _switch(self, faults: dict[str, object]) -> None:
        url = f"{self._stack.arm}/emulator/faults"
        async with aiohttp.ClientSession() as session, session.put(url, json=faults) as answer:
            if answer.status != 200:  # noqa: PLR2004 - OK
                raise StoryError(await answer.text())

    async def settle(self) -> None:
        """Wait until nothing is in flight.

        Raises:
            StoryError: Something still is, after two minutes.
        """

        async def quiet() -> bool:
            try:
                return not (await self._client.get("promotions", active="true"))["items"]
            except (StoryError, aiohttp.ClientError):
                return False

        await self._client.until("nothing is in flight", quiet, seconds=120)

    def _tell(self, text: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._start:5.0f} s[/]  {text}", soft_wrap=True)


async def _chaos(seed: int, repositories: int, patience: float) -> int:
    console = Console(highlight=False)
    made = plan(seed, repositories)
    echo = "on" if made.faults["importEcho"] else "off"
    console.print(
        f"Seed {seed}: {len(made.images)} images, {len(made.verdicts)} verdicts, import echo {echo}."
    )
    shutil.rmtree(STATE, ignore_errors=True)
    start = time.monotonic()
    stack = LocalStack(
        STATE,
        ports=Ports.free(2),
        policy=POLICY,
        emulator_options=["--event-time-scale", "0.01"],
        host_options=["--lease-seconds", _LEASE],
    )
    try:
        async with stack, Client(stack) as client:
            chaos = Chaos(stack, client, made, console)
            await chaos.go(patience)
            await chaos.settle()
            summary = await chaos.check()
    except StoryError as error:
        console.print(f"[red]Seed {seed}: not so:[/]\n{error}\nThe logs are in {STATE / 'logs'}.")
        return 1
    console.print(
        f"\nSeed {seed}: every image is where policy says, after {time.monotonic() - start:.0f} s. {summary}"
    )
    return 0


def main() -> int:
    """Run one seed."""
    parser = argparse.ArgumentParser(prog="python -m localhost.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="repeats an earlier run's schedule")
    parser.add_argument("--repositories", type=int, default=30, help="of ten images each")
    parser.add_argument("--patience", type=float, default=600, help="seconds to wait for the last image")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    return run(_chaos(seed, given.repositories, given.patience))


if __name__ == "__main__":
    sys.exit(main())
