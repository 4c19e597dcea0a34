"""Event Grid's events: every sample is decoded by the worker's own library, and then read."""

import json
from datetime import UTC, datetime

import azure.functions as func
import pytest
from azure.functions.eventgrid import EventGridEventInConverter
from azure.functions.meta import Datum

from promoter import bootstrap
from promoter.application.take_push import Change, RegistryEvent
from promoter.application.work import Advance, to_message
from promoter.bootstrap import NotReadyError
from promoter.domain.errors import InvalidError, UnavailableError
from promoter.domain.evidence import Arrival
from promoter.domain.image import Digest, Image, Repository, Tag
from promoter.domain.policy import Policy
from promoter.entrypoints.events import image_pushed, registry_event
from tests.fakes.world import World, policy
from tests.unit.entrypoints.running import EVENTS, Functions, event, run_over

REGISTRY = (
    "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/promoter"
    "/providers/Microsoft.ContainerRegistry/registries/devacr"
)
HOST = "devacr.azurecr.io"
DIGEST = Digest("sha256:5a8b2a3c9d1e4f60718293a4b5c6d7e8f90112233445566778899aabbccddeef")
AT = datetime(2026, 11, 23, 9, 0, 0, 123457, tzinfo=UTC)
WHOLE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
WEB = Repository("shop/web")
PUSHED = RegistryEvent(Change.PUSHED, REGISTRY, WEB, DIGEST, Tag("v1.2.0"), AT, HOST)
CHILD = RegistryEvent(Change.PUSHED, REGISTRY, WEB, DIGEST, None, AT, HOST)
DELETED = RegistryEvent(Change.DELETED, REGISTRY, WEB, DIGEST, None, AT, HOST)

TOLD: dict[str, RegistryEvent | None] = {
    "image-pushed": PUSHED,
    "image-pushed-cloud-event": PUSHED,
    "image-pushed-bare-type": PUSHED,
    "image-pushed-every-optional-field": PUSHED,
    "image-pushed-time-with-offset": PUSHED,
    "image-pushed-whole-seconds": RegistryEvent(
        Change.PUSHED, REGISTRY, WEB, DIGEST, Tag("v1.2.0"), WHOLE, HOST
    ),
    "index-pushed": PUSHED,
    "child-manifest-pushed": CHILD,
    "child-manifest-pushed-tag-null": CHILD,
    "helm-chart-as-oci-artifact-pushed": RegistryEvent(
        Change.PUSHED, REGISTRY, Repository("charts/web"), DIGEST, Tag("1.2.0"), AT, HOST
    ),
    "helm-chart-pushed": None,
    "chart-deleted": None,
    "of-another-service": None,
    "image-deleted": DELETED,
    "image-deleted-cloud-event": DELETED,
}
MALFORMED: dict[str, tuple[str, str]] = {
    "no-target": ("data", "missing required field `target`"),
    "no-timestamp": ("data", "missing required field `timestamp`"),
    "no-data": ("data", "Expected `object`, got `null`"),
    "no-topic": ("topic", "does not say which registry"),
    "empty-topic": ("topic", "does not say which registry"),
    "data-is-text": ("data", "Expected `object`, got `str`"),
    "bad-digest": ("data.target.digest", "'sha256:5a8b' is not a digest"),
    "bad-repository": ("data.target.repository", "'Shop/Web' is not a repository name"),
    "bad-tag": ("data.target.tag", "is not a tag: at most 128"),
    "time-without-zone": ("data.timestamp", "data.timestamp has no time zone"),
    "time-is-none": ("data.timestamp", "Invalid RFC3339"),
    "cloud-event-without-source": ("topic", "does not say which registry"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_a_sample_tells(name: str) -> None:
    assert registry_event(event(name)) == TOLD[name]


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_sample_says_what_is_wrong_with_it_and_where(name: str) -> None:
    field, text = MALFORMED[name]
    with pytest.raises(InvalidError, match=text) as raised:
        registry_event(event(f"malformed/{name}"))
    assert raised.value.field == field


def test_every_sample_is_read_by_a_test() -> None:
    assert {path.stem for path in EVENTS.glob("*.json")} == TOLD.keys()
    assert {path.stem for path in (EVENTS / "malformed").glob("*.json")} == MALFORMED.keys()


@pytest.mark.parametrize("name", [*TOLD, *(f"malformed/{name}" for name in MALFORMED)])
def test_the_schema_of_a_sample_decides_its_class(name: str) -> None:
    is_cloud_event = "cloud-event" in name
    assert isinstance(event(name), func.CloudEvent) is is_cloud_event


@pytest.mark.parametrize("time", ["2026-11-23T09:00:00.1234567Z", "2026-11-23T09:00:00.123456789Z", None, ""])
def test_the_workers_library_reads_the_times_that_event_grid_sends(time: str | None) -> None:
    sample = json.loads((EVENTS / "image-pushed.json").read_text()) | {"eventTime": time}
    read = EventGridEventInConverter.decode(Datum(json.dumps(sample), "json"), trigger_metadata=None)
    assert registry_event(read) == PUSHED


def dev_registry_is_the_samples() -> Policy:
    environments = [
        {"name": name, "registry": REGISTRY.replace("devacr", f"{name}acr")}
        for name in ("dev", "staging", "prod")
    ]
    return policy(environments=environments)


async def test_a_push_becomes_an_arrival_and_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = run_over(World(dev_registry_is_the_samples()), monkeypatch)
    for name in ("image-pushed", "image-pushed-cloud-event", "child-manifest-pushed"):
        await image_pushed(event(name), functions.wake)
    evidence = await functions.world.evidence.load(Image(WEB, DIGEST))
    assert evidence.arrivals == (Arrival("dev", Tag("v1.2.0"), AT, AT, AT),)
    assert [candidate.digest for candidate in functions.world.candidates("staging")] == [DIGEST]
    assert functions.wake.messages == []


async def test_a_push_of_a_qualified_image_wakes_its_line_once(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = run_over(World(dev_registry_is_the_samples()), monkeypatch)
    await functions.world.report("unit-tests", "passed", DIGEST)
    await image_pushed(event("image-pushed"), functions.wake)
    assert functions.wake.messages == [to_message(Advance("staging", Repository("shop/web")))]


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_event_is_acknowledged_and_kept(functions: Functions, name: str) -> None:
    await image_pushed(event(f"malformed/{name}"), functions.wake)
    [rejection] = functions.rejections
    field, text = MALFORMED[name]
    assert rejection.origin == "image_pushed"
    assert rejection.reason.startswith(f"malformed event: {field}: ")
    assert text in rejection.reason
    assert "831e1650-001e-001b-66ab-eeb76e069631" in rejection.content
    assert functions.wake.messages == []


@pytest.mark.parametrize("name", ["helm-chart-pushed", "of-another-service", "image-pushed"])
async def test_what_means_nothing_here_is_acknowledged_and_not_kept(functions: Functions, name: str) -> None:
    await image_pushed(event(name), functions.wake)  # no policy of this world names the samples' registry
    assert functions.rejections == []
    assert functions.world.evidence.snapshot() == {}


async def test_an_event_that_cannot_be_stored_is_not_acknowledged(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = run_over(World(dev_registry_is_the_samples()), monkeypatch)
    functions.world.evidence.fail_next()
    with pytest.raises(UnavailableError):
        await image_pushed(event("image-pushed"), functions.wake)
    functions.world.promotions.fail_next()
    with pytest.raises(UnavailableError):
        await image_pushed(event("malformed/no-target"), functions.wake)


async def test_an_event_to_an_app_that_is_not_ready_is_not_acknowledged(broken: Functions) -> None:
    with pytest.raises(NotReadyError):
        await image_pushed(event("image-pushed"), broken.wake)
    assert bootstrap.process().app is None
