"""What Azure Resource Manager answers, and what it means; as recorded, or as documented."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from promoter.adapters.acr import AzureRegistry
from promoter.adapters.identity import Identity
from promoter.application.ports import Import, ImportStatus, Progress
from promoter.domain.errors import InvalidReferenceError, UnavailableError
from promoter.domain.image import Digest, Repository, Tag
from tests.unit.adapters.scripted import Answer, ScriptedServer

GROUP = "/subscriptions/s1/resourceGroups/g1/providers/Microsoft.ContainerRegistry/registries"
DEV, PROD = f"{GROUP}/devacr", f"{GROUP}/prodacr"
WEB, V1, IMAGE = Repository("shop/web"), Tag("v1"), Digest(f"sha256:{1:064x}")
IMPORT = Import(DEV, WEB, IMAGE, PROD, V1, force=False)
RESULT = (
    "/subscriptions/s1/providers/Microsoft.ContainerRegistry/locations/WEST/operationResults/registries-1"
)
LOCATION = f"{{url}}{RESULT}?api-version=2025-11-01"


def failure(status: int, code: str, message: str = "No.", **headers: str) -> Answer:
    shown = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, {"error": {"code": code, "message": message}}, shown)


@pytest.fixture
async def arm() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server


@pytest.fixture
async def registry(arm: ScriptedServer) -> AsyncIterator[AzureRegistry]:
    registry = AzureRegistry(arm.url, Identity(None, managed=False))
    yield registry
    await registry.aclose()


async def submitted(arm: ScriptedServer, registry: AzureRegistry, answer: Answer) -> ImportStatus:
    arm.answers = [answer]
    return await registry.submit(IMPORT)


async def polled(arm: ScriptedServer, registry: AzureRegistry, answer: Answer) -> ImportStatus:
    arm.answers = [answer]
    return await registry.poll(f"{arm.url}{RESULT}?api-version=2025-11-01")


async def test_an_import_is_asked_for_by_digest_in_the_documented_words(
    arm: ScriptedServer, registry: AzureRegistry
) -> None:
    await submitted(arm, registry, Answer(202, headers={"Location": LOCATION, "Retry-After": "10"}))

    [asked] = arm.asked
    assert (asked.method, asked.path) == ("POST", f"{PROD}/importImage")
    assert asked.query == {"api-version": "2025-11-01"}
    assert asked.json == {
        "source": {"resourceId": DEV, "sourceImage": f"shop/web@{IMAGE}"},
        "targetTags": ["shop/web:v1"],
        "mode": "NoForce",
    }


async def test_only_with_force_may_a_tag_be_moved(arm: ScriptedServer, registry: AzureRegistry) -> None:
    arm.answers = [Answer(200)]
    await registry.submit(Import(DEV, WEB, IMAGE, PROD, V1, force=True))

    assert isinstance(arm.asked[0].json, dict)
    assert arm.asked[0].json["mode"] == "Force"


async def test_an_accepted_import_runs_where_its_location_says(
    arm: ScriptedServer, registry: AzureRegistry
) -> None:
    answer = Answer(202, headers={"Location": LOCATION, "Retry-After": "10"})

    assert await submitted(arm, registry, answer) == ImportStatus(
        Progress.RUNNING, f"{arm.url}{RESULT}?api-version=2025-11-01", retry_after=timedelta(seconds=10)
    )


async def test_a_wait_in_milliseconds_is_understood(arm: ScriptedServer, registry: AzureRegistry) -> None:
    answer = Answer(202, headers={"Location": LOCATION, "retry-after-ms": "250"})

    assert (await submitted(arm, registry, answer)).retry_after == timedelta(milliseconds=250)


async def test_a_wait_that_is_a_date_hides_no_import(arm: ScriptedServer, registry: AzureRegistry) -> None:
    answer = Answer(202, headers={"Location": LOCATION, "Retry-After": "Mon, 23 Nov 2026 17:00:00 GMT"})

    status = await submitted(arm, registry, answer)

    assert status.progress is Progress.RUNNING
    assert status.operation == f"{arm.url}{RESULT}?api-version=2025-11-01"


async def test_a_location_without_a_host_is_at_resource_manager(
    arm: ScriptedServer, registry: AzureRegistry
) -> None:
    status = await submitted(arm, registry, Answer(202, headers={"Location": f"{RESULT}?api-version=1"}))

    assert status.operation == f"{arm.url}{RESULT}?api-version=1"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200), ImportStatus(Progress.ENDED)),
        (Answer(200, {"status": "Succeeded"}), ImportStatus(Progress.ENDED)),
        (Answer(202), ImportStatus(Progress.RUNNING)),
        (
            Answer(200, {"status": "Failed", "error": {"code": "BlobUnknown", "message": "Gone."}}),
            ImportStatus(Progress.FAILED, message="200 BlobUnknown: Gone."),
        ),
        (
            failure(409, "Conflict", "Tag shop/web:v1 already exists in target registry."),
            ImportStatus(
                Progress.TAG_EXISTS,
                message="409 Conflict: Tag shop/web:v1 already exists in target registry.",
            ),
        ),
        (
            failure(400, "InvalidParameters"),
            ImportStatus(Progress.FAILED, message="400 InvalidParameters: No."),
        ),
        (
            failure(404, "ResourceNotFound"),
            ImportStatus(Progress.FAILED, message="404 ResourceNotFound: No."),
        ),
        (Answer(412, "no object"), ImportStatus(Progress.FAILED, message="412 Precondition Failed")),
        (
            failure(400, "InvalidParameters", "maximum number of manifests for an imported image is 50"),
            ImportStatus(
                Progress.TOO_MANY_MANIFESTS,
                message="400 InvalidParameters: maximum number of manifests for an imported image is 50",
            ),
        ),
    ],
)
async def test_what_an_answer_to_the_request_means(
    arm: ScriptedServer, registry: AzureRegistry, answer: Answer, expected: ImportStatus
) -> None:
    assert await submitted(arm, registry, answer) == expected
    assert len(arm.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_forbidden_import_names_the_role_and_both_registries(
    arm: ScriptedServer, registry: AzureRegistry, status: int
) -> None:
    found = await submitted(arm, registry, failure(status, "AuthorizationFailed"))

    assert found.progress is Progress.FORBIDDEN
    assert '"Container Registry Data Importer and Data Reader"' in found.message
    assert f"on {PROD} and on {DEV}" in found.message


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_busy_resource_manager_is_asked_once_and_left_alone_as_long_as_it_says(
    arm: ScriptedServer, registry: AzureRegistry, status: int
) -> None:
    with pytest.raises(UnavailableError, match=f"{status} Busy") as raised:
        await submitted(arm, registry, failure(status, "Busy", Retry_After="17"))

    assert raised.value.retry_after == timedelta(seconds=17)
    assert len(arm.asked) == 1


async def test_an_import_into_what_is_no_registry_is_refused(registry: AzureRegistry) -> None:
    with pytest.raises(InvalidReferenceError, match="/subscriptions/x"):
        await registry.submit(Import(DEV, WEB, IMAGE, "/subscriptions/x", V1, force=False))


async def test_a_resource_manager_that_is_down_is_unavailable() -> None:
    async with ScriptedServer() as gone:
        url = gone.url
    registry = AzureRegistry(url, Identity(None, managed=False))

    with pytest.raises(UnavailableError, match="importing shop/web:v1 into prodacr"):
        await registry.submit(IMPORT)
    with pytest.raises(UnavailableError, match="asking how an import goes"):
        await registry.poll(f"{url}{RESULT}")
    with pytest.raises(UnavailableError, match="reading the registry devacr"):
        await registry.digest(DEV, WEB, V1)
    await registry.aclose()


@pytest.mark.parametrize(
    ("answer", "progress"),
    [
        (Answer(200), Progress.ENDED),
        (Answer(200, {"status": "Succeeded"}), Progress.ENDED),
        (Answer(204), Progress.ENDED),
        (Answer(200, {"status": "Failed", "error": {"code": "x", "message": "y"}}), Progress.FAILED),
        (Answer(200, {"status": "Canceled"}), Progress.FAILED),
        (Answer(202), Progress.RUNNING),
        (failure(400, "InvalidParameters"), Progress.FAILED),
        (failure(400, "X", "the image has more than 50 manifests"), Progress.TOO_MANY_MANIFESTS),
        (failure(409, "Conflict"), Progress.TAG_EXISTS),
        (failure(401, "AuthenticationFailed"), Progress.FORBIDDEN),
        (failure(403, "AuthorizationFailed"), Progress.FORBIDDEN),
        (failure(404, "NotFound"), Progress.UNKNOWN),
        (Answer(418), Progress.UNKNOWN),
    ],
)
async def test_what_an_answer_to_a_poll_means(
    arm: ScriptedServer, registry: AzureRegistry, answer: Answer, progress: Progress
) -> None:
    status = await polled(arm, registry, answer)

    assert status.progress is progress
    assert [(asked.method, asked.path) for asked in arm.asked] == [("GET", RESULT)]
    if progress in {Progress.RUNNING, Progress.FORBIDDEN, Progress.UNKNOWN}:
        assert status.operation == f"{arm.url}{RESULT}?api-version=2025-11-01"


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_a_poll_that_is_not_answered_now_says_when_to_come_back(
    arm: ScriptedServer, registry: AzureRegistry, status: int
) -> None:
    with pytest.raises(UnavailableError) as raised:
        await polled(arm, registry, failure(status, "Busy", Retry_After="5"))

    assert raised.value.retry_after == timedelta(seconds=5)
    assert len(arm.asked) == 1


async def test_a_location_on_another_host_is_never_asked(
    arm: ScriptedServer, registry: AzureRegistry
) -> None:
    async with ScriptedServer() as foreign:
        status = await submitted(arm, registry, Answer(202, headers={"Location": f"{foreign.url}{RESULT}"}))
        assert status.operation == f"{foreign.url}{RESULT}"

        found = await registry.poll(status.operation)

        assert found.progress is Progress.UNKNOWN
        assert foreign.asked == []


@pytest.mark.parametrize(
    "trick",
    [
        "http://{arm}@{foreign}/x",
        "http://{arm}.{foreign}/x",
        "http://{foreign}/{arm}/x",
        "http://{foreign}#http://{arm}/",
        "https://{arm}/x",
        "//{foreign}/x",
        "ftp://{arm}/x",
        "{arm}/x",
        "",
    ],
)
async def test_no_trick_makes_another_host_look_like_resource_manager(
    arm: ScriptedServer, registry: AzureRegistry, trick: str
) -> None:
    async with ScriptedServer() as foreign:
        found = await registry.poll(trick.format(arm=arm.host, foreign=foreign.host))

        assert found.progress is Progress.UNKNOWN
        assert foreign.asked == arm.asked == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirection_is_followed(arm: ScriptedServer, registry: AzureRegistry, status: int) -> None:
    async with ScriptedServer() as foreign:
        answer = Answer(status, headers={"Location": f"{foreign.url}/x"})

        assert (await polled(arm, registry, answer)).progress is Progress.UNKNOWN
        assert (await submitted(arm, registry, answer)).progress is Progress.FAILED
        assert foreign.asked == []


async def test_a_local_resource_manager_is_sent_no_real_token(
    arm: ScriptedServer, registry: AzureRegistry
) -> None:
    await submitted(arm, registry, Answer(200))
    await polled(arm, registry, Answer(200))

    assert {asked.authorization for asked in arm.asked} == {"Bearer local"}
