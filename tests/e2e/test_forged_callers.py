"""The attack on the running app: a caller's headers that nobody has signed in, where nothing removes them."""

from pathlib import Path

import aiohttp

from localhost.local_stack import LocalStack, Ports
from promoter.domain.access import Role
from tests.unit.entrypoints.principals import signed_in

FORGED = {"X-Promoter-Client": "attacker", "X-Promoter-Actor": "ann", **signed_in(*Role)}
OFF = {"PROMOTER_AUTH": "entra", "WEBSITE_AUTH_ENABLED": "False"}


async def test_headers_are_not_believed_while_the_platform_does_not_write_them(tmp_path: Path) -> None:
    async with (
        LocalStack(tmp_path, ports=Ports.free(), settings=OFF) as stack,
        aiohttp.ClientSession(headers=FORGED) as session,
    ):
        for method, path in (
            ("GET", "environments"),
            ("GET", "health/details"),
            ("GET", "openapi.json"),
            ("PUT", "holds/prod/shop:web"),
        ):
            async with session.request(method, f"{stack.api}/{path}", json={"reason": "mine"}) as answer:
                problem = await answer.json(content_type=None)
                assert answer.status == 403, path
                assert "the platform's authentication is off" in problem["detail"]
        for path, status in (("health", 200), ("nothing/such", 404)):
            async with session.get(f"{stack.api}/{path}") as answer:
                assert answer.status == status
