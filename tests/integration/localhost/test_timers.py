"""Timer triggers."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.integration.localhost.conftest import StartHost
from tests.integration.localhost.running import RunningHost, until


async def test_a_timer_fires_by_its_schedule(host: RunningHost) -> None:
    notes = await host.until_noted("each_second", 3)
    assert not any(note["past_due"] for note in notes)
    assert not host.noted("daily")


async def test_run_on_startup_runs_at_the_start(host: RunningHost) -> None:
    assert await host.until_noted("at_start") == [{"past_due": False, "status": {}}]


async def test_a_run_missed_while_no_host_was_up_is_made_up_for(
    start_host: StartHost, tmp_path: Path
) -> None:
    last = datetime.now(UTC) - timedelta(days=2)
    status = {"Last": last.isoformat(), "Next": last.isoformat(), "LastUpdated": last.isoformat()}
    file = tmp_path / "state" / "daily.json"
    file.parent.mkdir()
    file.write_text(json.dumps(status))
    host = await start_host()
    [note] = await host.until_noted("daily")
    assert note["past_due"]
    assert datetime.fromisoformat(note["last"]) == last
    await until(lambda: datetime.fromisoformat(json.loads(file.read_text())["Last"]) > last)


async def test_a_first_start_and_a_start_in_time_owe_nothing(start_host: StartHost, tmp_path: Path) -> None:
    first = await start_host()
    await until((tmp_path / "state" / "daily.json").exists)
    await first.part.stop()
    second = await start_host()
    await second.until_noted("at_start", 2)
    assert not second.noted("daily")


async def test_several_hosts_run_a_timer_once_and_one_takes_over(start_host: StartHost) -> None:
    hosts = [await start_host(), await start_host()]
    before = len(hosts[0].noted("each_second"))
    notes = await hosts[0].until_noted("each_second", before + 3)
    [pid] = {note["pid"] for note in notes}
    runner, other = hosts if hosts[0].part.pid == pid else hosts[::-1]
    assert runner.part.pid == pid
    runner.part.kill()
    await other.until_noted("each_second", pid=other.part.pid)
