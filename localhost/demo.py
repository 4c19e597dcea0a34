"""`python -m localhost.demo` (`make demo`): an image goes dev -> staging -> prod, and production back again.

Everything that is said is read back from the API or from a registry; what is not as it should be ends the
demo with exit code 1.
"""

import shutil
import sys
import time
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from localhost.client import Client, StoryError
from localhost.local_stack import LocalStack
from localhost.programs import ROOT
from localhost.terminal import run

REPOSITORY = "shop/web"
STATE = ROOT / ".local" / "demo"
HISTORY = f"promotions?environment=prod&repository={REPOSITORY}"


class Story:
    """The story, told step by step."""

    def __init__(self, client: Client, console: Console) -> None:
        self._client = client
        self._console = console
        self._start = time.monotonic()

    def tell(self, text: str) -> None:
        """Say what has been seen."""
        self._console.print(f"[dim]{time.monotonic() - self._start:5.1f} s[/]  {text}", soft_wrap=True)

    async def push_and_promote(self, tag: str) -> str:
        """A new image passes its tests, goes to staging by itself, to prod by hand; answers its digest."""
        client = self._client
        digest = await client.push(REPOSITORY, tag)
        self.tell(f"pushed [bold]{REPOSITORY}:{tag}[/] to dev, two platforms, {_short(digest)}")
        waiting = await client.until_found(
            "the push is seen", "candidates", digest=digest, environment="staging"
        )
        self.tell(f"  {_unmet(waiting['decision'])}")
        verdict = {"repository": REPOSITORY, "digest": digest, "verdict": "passed"}
        await client.send_verdict(verdict | {"environment": "dev", "gate": "unit-tests"})
        self.tell("  unit-tests passed, says a message on the quality-gates queue")
        await self._succeeded("staging", digest)
        await self._must_serve("staging", tag, digest)
        waiting = await client.until_found(
            "it waits for prod", "candidates", digest=digest, environment="prod"
        )
        self.tell(f"  {_unmet(waiting['decision'])}")
        status, _ = await client.post(
            "gates", verdict | {"environment": "staging", "gate": "integration-tests"}
        )
        _require(status, 202, "the second verdict")
        self.tell("  integration-tests passed in staging, says a call of POST /api/gates")
        wanted = {"repository": REPOSITORY, "tag": tag, "to": "prod", "reason": "the demo"}
        status, record = await client.post("promotions", wanted)
        _require(status, 202, f"promotion by hand ({record})")
        self.tell("  promoted to prod by hand, by POST /api/promotions")
        await self._succeeded("prod", digest)
        for reference in (tag, "current"):
            await self._must_serve("prod", reference, digest)
        return digest

    async def roll_back(self, good: str, bad: str) -> None:
        """Production goes back to its first record, and the image that was bad stays out."""
        client = self._client
        history = (await client.get(HISTORY))["items"]
        first = next(record for record in reversed(history) if record["digest"] == good)
        status, record = await client.post("rollbacks", {"record": first["id"], "reason": "v2 is slow"})
        _require(status, 202, f"rollback ({record})")
        self.tell(f"rolled prod back to record [bold]{first['id']}[/], by POST /api/rollbacks")
        await client.until_found("the rollback", HISTORY, id=record["id"], phase="succeeded")
        await self._must_serve("prod", "current", good)
        await self._must_serve("prod", "v2", bad)
        verdict = {
            "repository": REPOSITORY,
            "digest": bad,
            "environment": "staging",
            "gate": "integration-tests",
        }
        status, _ = await client.post("gates", verdict | {"verdict": "passed"})
        _require(status, 202, "the same verdict once more")
        status, problem = await client.post(
            "promotions", {"repository": REPOSITORY, "tag": "v2", "to": "prod"}
        )
        _require(status, 409, "the bad image must be refused")
        self.tell(f"v2 does not come back: [bold]{status}[/] {problem['detail']}")
        await self._must_serve("prod", "current", good)

    async def sum_up(self, digests: dict[str, str]) -> None:
        """The registries' digests against each other, and the history of production."""
        console = self._console
        table = Table(
            "image", "dev", "staging", "prod", title="What the registries serve", title_justify="left"
        )
        for tag, digest in digests.items():
            served = [await self._client.digest(name, REPOSITORY, tag) for name in ("dev", "staging", "prod")]
            _require(served, [digest] * 3, f"{tag} in all three registries")
            table.add_row(f"{REPOSITORY}:{tag}", *(_short(each or "") for each in served))
        pointers = [await self._client.digest(name, REPOSITORY, "current") for name in ("staging", "prod")]
        table.add_row(f"{REPOSITORY}:current", "", *(_short(each or "") for each in pointers))
        console.print(table)
        history = (await self._client.get(HISTORY))["items"]
        table = Table(
            "kind", "tag", "phase", "digest", "reason", "took", title="History of prod, newest first"
        )
        table.title_justify = "left"
        for record in history:
            cells = [record[key] or "" for key in ("kind", "tag", "phase")]
            took = _seconds(record["createdAt"], record["completedAt"])
            table.add_row(*cells, _short(record["digest"]), record["reason"] or "", took)
        console.print(table)
        seen = [(record["kind"], record["tag"], record["phase"]) for record in history]
        told = [("rollback", "v1"), ("manual", "v2"), ("manual", "v1")]
        _require(seen, [(*each, "succeeded") for each in told], "the history of prod")

    async def _succeeded(self, environment: str, digest: str) -> None:
        path = f"promotions?environment={environment}&repository={REPOSITORY}"
        record = await self._client.until_found(f"in {environment}", path, digest=digest, phase="succeeded")
        took = _seconds(record["createdAt"], record["completedAt"])
        self.tell(f"  [green]in {environment}[/] ({record['kind']}, {took})")

    async def _must_serve(self, environment: str, reference: str, digest: str) -> None:
        served = await self._client.digest(environment, REPOSITORY, reference)
        _require(served, digest, f"{REPOSITORY}:{reference} at the registry of {environment}")


def _unmet(decision: dict[str, list[dict[str, str]]]) -> str:
    return "; ".join(each["text"] for each in decision["conditions"] if each["state"] != "met")


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _seconds(start: str, end: str) -> str:
    return f"{(datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds():.1f} s"


def _require(seen: object, wanted: object, what: str) -> None:
    if seen != wanted:
        message = f"{what}: expected {wanted}, got {seen}"
        raise StoryError(message)


async def tell(stack: LocalStack, console: Console) -> None:
    """Tell the whole story on a stack that is up.

    Raises:
        StoryError: Something did not happen as it should.
    """
    async with Client(stack) as client:
        story = Story(client, console)
        digests = {tag: await story.push_and_promote(tag) for tag in ("v1", "v2")}
        await story.roll_back(digests["v1"], digests["v2"])
        await story.sum_up(digests)


async def _demo() -> int:
    console = Console(highlight=False)
    start = time.monotonic()
    shutil.rmtree(STATE, ignore_errors=True)
    console.print("Starting Azurite, the registry emulator and the Functions app ...")
    try:
        async with LocalStack(STATE) as stack:
            console.print(f"Up after {time.monotonic() - start:.1f} s.\n")
            await tell(stack, console)
    except StoryError as error:
        console.print(f"[red]Not so:[/] {error}\nThe logs are in {_shown(STATE / 'logs')}.")
        return 1
    console.print(f"\nAll of it is so, after {time.monotonic() - start:.0f} s; everything is stopped again.")
    console.print("`make stack` keeps the same up, to try it yourself.")
    return 0


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(run(_demo()))
