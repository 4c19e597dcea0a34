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
from localhost.local_stack import TOPIC, LocalStack
from localhost.programs import ROOT
from localhost.terminal import run

REPOSITORY = "shop/web"
STATE = ROOT / ".local" / "demo"
POLICY = Path(__file__).with_name("demo-policy.yaml")
GOOD, BAD = "v1.0.0", "v1.1.0"
_PROMOTIONS = 5  # two images to staging and on to prod, and the way back
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

    async def to_staging(self, tag: str) -> str:
        """A new image passes its tests in dev and goes to staging by itself; answers its digest."""
        client = self._client
        digest = await client.push(REPOSITORY, tag)
        self.tell(f"pushed [bold]{REPOSITORY}:{tag}[/] to dev, two platforms, {_short(digest)}")
        await self._waits("staging", digest)
        await client.send_verdict(_verdict(digest, "dev", "unit-tests"))
        self.tell("  unit-tests passed, says a message on the quality-gates queue")
        await self._succeeded("staging", digest)
        await self._must_serve("staging", tag, digest)
        return digest

    async def approved(self, tag: str) -> str:
        """An image goes on to prod by itself, once it is tested, has soaked and is approved."""
        digest = await self.to_staging(tag)
        await self._waits("prod", digest)
        await self._pass_gates(digest)
        await self._approve(digest, "ann", 202)
        self.tell("  ann approves, by POST /api/approvals; the rest is a matter of time")
        await self._is_in_prod(tag, digest)
        return digest

    async def asked_for(self, tag: str) -> str:
        """An image is asked for by hand; who asks does not approve."""
        digest = await self.to_staging(tag)
        await self._pass_gates(digest)
        wanted = {"repository": REPOSITORY, "tag": tag, "to": "prod", "reason": "the release of the week"}
        status, waiting = await self._client.post("promotions", wanted, "ann")
        _require(status, 202, f"promotion by hand ({waiting})")
        self.tell("  ann asks for prod by hand, by POST /api/promotions")
        for text in _unmet(waiting["decision"]):
            self.tell(f"    {text}")
        problem = await self._approve(digest, "ann", 403)
        self.tell(f"  ann approves, too: [bold]403[/] {problem['detail']}")
        await self._approve(digest, "bob", 202)
        self.tell("  bob approves")
        await self._is_in_prod(tag, digest)
        return digest

    async def roll_back(self, good: str, bad: str, tag: str) -> None:
        """Production goes back to its first record, and the image that was bad stays out."""
        client = self._client
        history = (await client.get(HISTORY))["items"]
        first = next(record for record in reversed(history) if record["digest"] == good)
        asked = {"record": first["id"], "reason": f"{tag} is slow"}
        status, record = await client.post("rollbacks", asked, "bob")
        _require(status, 202, f"rollback ({record})")
        self.tell(f"bob rolls prod back to record [bold]{first['id']}[/], by POST /api/rollbacks")
        await client.until_found("the rollback", HISTORY, id=record["id"], phase="succeeded")
        await self._must_serve("prod", "current", good)
        await self._must_serve("prod", tag, bad)
        wanted = {"repository": REPOSITORY, "tag": tag, "to": "prod"}
        status, problem = await client.post("promotions", wanted, "ann")
        _require(status, 409, "the bad image must be refused")
        self.tell(f"ann asks for {tag} again; it does not come back: [bold]409[/] {problem['detail']}")
        why = await client.get("decisions", **wanted)
        _require(why["outcome"], "refused", "the decision on the bad image")
        table = Table("condition", "state", "how it stands", title=f"Why is {tag} not in prod?")
        table.title_justify = "left"
        for each in why["conditions"]:
            table.add_row(each["kind"], each["state"], each["text"])
        self._console.print(table)
        await self._must_serve("prod", "current", good)

    async def listen(self) -> None:
        """Promoter has told its own Event Grid topic of each promotion, for whoever subscribes to it."""
        promoted: list[str] = []

        async def is_complete() -> bool:
            published = await self._client.published()
            promoted[:] = [subject for kind, subject in published if kind.endswith("Succeeded")]
            return len(promoted) == _PROMOTIONS

        await self._client.until("an event for each promotion", is_complete)
        self.tell(f"{TOPIC}, an Event Grid topic, was told of {len(promoted)} promotions")
        self.tell(f"  {', '.join(promoted)}")

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
        told = [("rollback", GOOD), ("manual", BAD), ("automatic", GOOD)]
        _require(seen, [(*each, "succeeded") for each in told], "the history of prod")

    async def _pass_gates(self, digest: str) -> None:
        for environment, gate in (("dev", "vulnerability-scan"), ("staging", "integration-tests")):
            status, answer = await self._client.post("gates", _verdict(digest, environment, gate))
            _require(status, 202, f"the verdict of {gate} ({answer})")
        self.tell("  integration-tests and vulnerability-scan passed, say calls of POST /api/gates")

    async def _approve(self, digest: str, actor: str, expected: int) -> dict[str, str]:
        word = {"repository": REPOSITORY, "digest": digest, "rule": "staging-to-prod", "decision": "approve"}
        status, answer = await self._client.post("approvals", word, actor)
        _require(status, expected, f"the approval of {actor} ({answer})")
        found: dict[str, str] = answer
        return found

    async def _waits(self, environment: str, digest: str) -> None:
        waiting = await self._client.until_found(
            f"it waits for {environment}", "candidates", digest=digest, environment=environment
        )
        for text in _unmet(waiting["decision"]):
            self.tell(f"    {text}")

    async def _is_in_prod(self, tag: str, digest: str) -> None:
        await self._succeeded("prod", digest)
        for reference in (tag, "current"):
            await self._must_serve("prod", reference, digest)

    async def _succeeded(self, environment: str, digest: str) -> None:
        path = f"promotions?environment={environment}&repository={REPOSITORY}"
        record = await self._client.until_found(f"in {environment}", path, digest=digest, phase="succeeded")
        took = _seconds(record["createdAt"], record["completedAt"])
        self.tell(f"  [green]in {environment}[/] ({record['kind']}, {took})")

    async def _must_serve(self, environment: str, reference: str, digest: str) -> None:
        served = await self._client.digest(environment, REPOSITORY, reference)
        _require(served, digest, f"{REPOSITORY}:{reference} at the registry of {environment}")


def _unmet(decision: dict[str, list[dict[str, str]]]) -> list[str]:
    return [each["text"] for each in decision["conditions"] if each["state"] != "met"]


def _verdict(digest: str, environment: str, gate: str) -> dict[str, str]:
    image = {"repository": REPOSITORY, "digest": digest, "environment": environment}
    return image | {"gate": gate, "verdict": "passed", "issuer": "ci"}


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
        digests = {GOOD: await story.approved(GOOD), BAD: await story.asked_for(BAD)}
        await story.roll_back(digests[GOOD], digests[BAD], BAD)
        await story.listen()
        await story.sum_up(digests)


async def _demo() -> int:
    console = Console(highlight=False)
    start = time.monotonic()
    shutil.rmtree(STATE, ignore_errors=True)
    console.print("Starting Azurite, the registry emulator and the Functions app ...")
    try:
        async with LocalStack(STATE, policy=POLICY) as stack:
            console.print(f"Up after {time.monotonic() - start:.1f} s.\n")
            await tell(stack, console)
    except StoryError as error:
        console.print(f"[red]Not so:[/] {error}\nThe logs are in {_shown(STATE / 'logs')}.")
        return 1
    took = f"{time.monotonic() - start:.0f} s"
    console.print(f"\nAll of this was checked as it went, in {took}; everything is stopped again.")
    console.print("`make stack` keeps the same up, to try it yourself.")
    return 0


def _shown(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


if __name__ == "__main__":
    sys.exit(run(_demo()))
