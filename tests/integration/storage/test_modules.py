"""What an event loads that leads to no promotion: nothing that only promotions need."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.cold_start import loaded, unwanted
from benchmarks.stack import policy, pushed
from benchmarks.table_service import TableService, serving

WAITS = "transaction Promotions: create claim, update candidate"


async def modules(
    tmp_path: Path, event: Mapping[str, object], **settings: str
) -> tuple[set[str], TableService]:
    """What a fresh worker has loaded when it has taken an event, over tables that count."""
    file = tmp_path / "policy.yaml"
    file.write_text(json.dumps(policy()))
    service = TableService()
    async with serving(service) as account:
        given = {
            "PROMOTER_POLICY": str(file),
            "PromoterStorage": account.connection.reveal(),
            "PROMOTER_RECONCILE_SCHEDULE": "0 0 3 1 1 *",
            "PROMOTER_AUTH": "local",
        }
        return await asyncio.to_thread(loaded, event, given | settings), service


@pytest.mark.parametrize(
    ("event", "waits"),
    [
        (pushed("lane-0/web"), True),
        (pushed("other/web"), False),
        (pushed("lane-0/web", registry="/subscriptions/s/elsewhere"), False),
    ],
    ids=["a push that waits", "a push that no rule selects", "a registry that nobody knows"],
)
async def test_an_event_that_leads_to_no_promotion_loads_none_of_what_promotions_need(
    tmp_path: Path, event: Mapping[str, object], *, waits: bool
) -> None:
    found, service = await modules(tmp_path, event)
    assert "promoter.application.take_push" in found
    assert (WAITS in [each.name for each in service.counter.take()]) is waits
    assert unwanted(found) == []
    assert "zoneinfo" not in found, "this policy has no window"


async def test_an_identity_is_loaded_where_there_is_no_key(tmp_path: Path) -> None:
    unreachable = {
        "PromoterStorage": "",
        "PromoterStorage__tableServiceUri": "https://127.0.0.1:1",
        "PromoterStorage__queueServiceUri": "https://127.0.0.1:1",
        "WEBSITE_INSTANCE_ID": "here",
        "PROMOTER_AUTH": "keys",
    }
    found, _ = await modules(tmp_path, pushed("lane-0/web", registry="/elsewhere"), **unreachable)
    assert "azure.identity.aio" in unwanted(found)
    assert [name for name in unwanted(found) if not name.startswith("azure.identity")] == []
