"""Whatever comes in as an event or a message is taken, passed over or kept as rejected, and nothing breaks.

Principals, cursors, bodies and queries are fuzzed beside what else is tested of them, and policies with the
adapter that reads them.
"""

import json
from typing import Any

import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum
from hypothesis import example, given, settings
from hypothesis import strategies as st

from promoter.application.work import from_message
from promoter.domain.errors import InvalidError
from promoter.entrypoints.events import image_pushed
from promoter.entrypoints.gates import quality_gate
from promoter.entrypoints.work import advance
from tests.fakes.world import World, registry_id
from tests.unit.entrypoints.running import EVENTS, Functions, call, message, read, run_over

# Python's own parser, which reads events for us, lets lone surrogates through.
texts = st.text(max_size=12) | st.sampled_from(["\ud800", "\x00", "", "null", "a" * 400])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
NAMES = ("image-pushed", "image-pushed-cloud-event")
SAMPLES = [json.loads((EVENTS / f"{name}.json").read_text()) for name in NAMES]
DEV = (("topic",), registry_id("dev"))
PATHS = [
    ("topic",),
    ("source",),
    ("type",),
    ("eventType",),
    ("subject",),
    ("specversion",),
    ("data",),
    ("data", "timestamp"),
    ("data", "target"),
    ("data", "target", "repository"),
    ("data", "target", "digest"),
    ("data", "target", "tag"),
    ("data", "request"),
    ("data", "request", "host"),
]


def changed(sample: dict[str, Any], changes: list[tuple[tuple[str, ...], object]]) -> dict[str, Any]:
    """The sample with other values in some places."""
    event: dict[str, Any] = json.loads(json.dumps(sample))
    for path, value in changes:
        place = event
        for step in path[:-1]:
            inner = place.get(step)
            place = inner if isinstance(inner, dict) else {}
        place[path[-1]] = value
    return event


async def healthy(on: Functions) -> bool:
    """Whether the app can still tell how it is, whatever it has taken."""
    answers = [await call(on, name) for name in ("health_details", "environments", "history", "candidates")]
    return [answer.status_code for answer in answers] == [200] * 4 and all(read(answer) for answer in answers)


async def take_event(event: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        on = run_over(World(), monkeypatch)
        decoded = EventGridEventInConverter.decode(Datum(json.dumps(event), "json"), trigger_metadata=None)
        await image_pushed(decoded, on.wake)
        assert await healthy(on)


@settings(max_examples=150)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.sampled_from(PATHS), json_values | st.just(registry_id("dev"))), max_size=3),
)
@example(SAMPLES[0], [(("topic",), "\ud800")])
@example(SAMPLES[0], [DEV, (("data", "request", "host"), "\ud800")])
@example(SAMPLES[0], [DEV, (("data", "timestamp"), "0001-01-01T00:00:00+14:00")])
@example(SAMPLES[0], [DEV, (("data", "timestamp"), "9999-12-31T23:59:59.9999999Z")])
async def test_whatever_an_event_says_it_is_taken_passed_over_or_rejected(
    sample: dict[str, Any], changes: list[tuple[tuple[str, ...], object]]
) -> None:
    await take_event(changed(sample, changes))


@settings(max_examples=60)
@given(st.dictionaries(texts, json_values, max_size=4))
async def test_whatever_comes_in_place_of_an_event_is_passed_over(event: dict[str, Any]) -> None:
    await take_event(event)


work_messages = st.fixed_dictionaries(
    {},
    optional={
        "do": st.sampled_from(["advance", "consider"]) | json_values,
        "environment": st.sampled_from(["prod", "~rejections"]) | json_values,
        "repository": st.just("shop/web") | json_values,
        "digest": st.just("sha256:" + "0" * 64) | json_values,
        "track": json_values,
        "leftovers": json_values,
    },
)


@settings(max_examples=150)
@given(
    st.sampled_from([advance, quality_gate]),
    st.binary(max_size=40) | st.text(max_size=40) | work_messages.map(json.dumps),
)
async def test_whatever_a_message_says_it_is_done_or_rejected(function: Any, content: bytes | str) -> None:  # noqa: ANN401
    with pytest.MonkeyPatch.context() as monkeypatch:
        on = run_over(World(), monkeypatch)
        await function(message(content), on.wake)
        assert await healthy(on)


@given(st.text(max_size=60) | work_messages.map(json.dumps))
def test_whatever_work_a_message_asks_for_only_the_typed_error_comes_of_it(text: str) -> None:
    try:
        from_message(text)
    except InvalidError as error:
        assert str(error)  # noqa: PT017 - either is right


@pytest.mark.timeout(10)  # it takes some milliseconds; whatever is not linear takes far longer
@pytest.mark.parametrize("filling", ["[", '{"do":', '"\\', "\ud800", "0", '{"do":"advance","environment":"'])
def test_the_longest_message_is_read_in_bounded_time_however_it_is_filled(filling: str) -> None:
    with pytest.raises(InvalidError):
        from_message((filling * 65_536)[:65_536])
