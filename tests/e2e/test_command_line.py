"""The command line on the real local stack: an image goes to production and back by nothing but commands."""

from pathlib import Path

from localhost.cli_story import REPOSITORY, Scene, tell
from localhost.client import Client
from localhost.local_stack import LocalStack, Ports


async def test_an_image_goes_to_production_and_back_by_commands_alone(tmp_path: Path) -> None:
    async with LocalStack(tmp_path, ports=Ports.free()) as stack:
        told = [each async for each in tell(stack) if not isinstance(each, Scene)]
        async with Client(stack) as client:
            served = {
                (environment, tag): await client.digest(environment, REPOSITORY, tag)
                for environment in ("dev", "prod")
                for tag in ("v1", "v2", "current")
            }
            history = await client.get("promotions", environment="prod", repository=REPOSITORY)
    assert served["prod", "current"] == served["prod", "v1"] == served["dev", "v1"] != served["dev", "v2"]
    seen = [(each["kind"], each["tag"], each["phase"], each["actor"]["name"]) for each in history["items"]]
    assert seen == [
        ("rollback", "v1", "succeeded", "ann"),
        ("manual", "v2", "succeeded", "ann"),
        ("manual", "v1", "succeeded", "ann"),
    ]
    said = {each.typed: each.said for each in told}
    promoted = said["promoter promote shop/web:v1 --to prod --reason 'first release' --wait"]
    assert "Promote shop/web:v1 to prod? [y/N]: y" in promoted
    assert "manual succeeded" in promoted
    rolled_back = said["promoter rollback shop/web --in prod --reason 'v2 is slow' --wait"]
    assert "Roll prod back to shop/web:v1? [y/N]: y" in rolled_back
    assert "rollback succeeded" in rolled_back
    assert "was rolled back in prod" in said["promoter promote shop/web:v2 --to prod --yes"]
