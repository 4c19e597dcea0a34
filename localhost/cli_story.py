"""An image goes dev -> staging -> prod, and production back again, by the command line only."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from localhost.client import Client, StoryError
from localhost.local_stack import LocalStack
from localhost.terminal_session import Shown, show

REPOSITORY = "shop/web"
ACTOR = "ann"


@dataclass(frozen=True)
class Scene:
    """What happens next, in a few words."""

    title: str


class _Teller:
    def __init__(self, stack: LocalStack, client: Client) -> None:
        self._client = client
        self._environment = {
            "PROMOTER_URL": stack.api,
            "PROMOTER_AS": ACTOR,
            "PROMOTER_KEY": "",
            "PROMOTER_SCOPE": "",
        }

    async def do(self, typed: str, code: int = 0) -> Shown:
        """Run a command that has to end with a code; a question is answered with yes."""
        shown = await asyncio.to_thread(show, typed, self._environment)
        if shown.code != code:
            message = f"expected exit code {code}:\n{shown}"
            raise StoryError(message)
        return shown

    async def pushed(self, tag: str) -> None:
        """Go on when the push has been heard of."""
        await self._client.until_found(f"{tag} is seen", "candidates", tag=tag, environment="staging")

    async def arrived(self, tag: str) -> None:
        """Go on when the image has come to staging."""
        path = f"promotions?environment=staging&repository={REPOSITORY}"
        await self._client.until_found(f"{tag} in staging", path, tag=tag, phase="succeeded")
        await self._client.until_found(f"{tag} goes on", "candidates", tag=tag, environment="prod")


async def tell(stack: LocalStack) -> AsyncIterator[Scene | Shown]:
    """Tell the story on a stack that is up, command by command.

    Raises:
        StoryError: A command did not end as it should.
    """
    async with Client(stack) as client:
        teller = _Teller(stack, client)
        do, dev = teller.do, stack.registry("dev")

        yield Scene("A new image waits for its tests")
        yield await do(f"python -m emulator push {dev}/shop/web:v1")
        await teller.pushed("v1")
        yield await do("promoter candidates")
        yield await do("promoter explain shop/web:v1 --to staging", 3)

        yield Scene("They pass, and it goes to staging by itself")
        yield await do("promoter report shop/web:v1 unit-tests passed --in dev --issuer ci")
        await teller.arrived("v1")
        yield await do("promoter history --in staging")

        yield Scene("To production by hand; yes was typed")
        yield await do("promoter report shop/web:v1 integration-tests passed --in staging")
        yield await do("promoter promote shop/web:v1 --to prod --reason 'first release' --wait")

        yield Scene("The next release, as a pipeline does it")
        yield await do(f"python -m emulator push {dev}/shop/web:v2")
        await teller.pushed("v2")
        yield await do("promoter report shop/web:v2 unit-tests passed --in dev")
        await teller.arrived("v2")
        yield await do("promoter promote shop/web:v2 --to prod --yes", 3)
        yield await do("promoter report shop/web:v2 integration-tests passed --in staging")
        yield await do("promoter promote shop/web:v2 --to prod --yes --wait")
        yield await do("promoter status")

        yield Scene("It is slow: back to what ran before")
        yield await do("promoter rollback shop/web --in prod --reason 'v2 is slow' --wait")
        yield await do("promoter status --in prod")
        yield await do("promoter history shop/web --in prod")
        yield await do("promoter promote shop/web:v2 --to prod --yes", 1)

        yield Scene("Automation may go on; what is vetoed stays out")
        yield await do("promoter unhold shop/web --in prod")
        yield await do("promoter show prod~shop:web~9999999996.main")
