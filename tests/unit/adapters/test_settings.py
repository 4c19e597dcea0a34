"""App settings: what is accepted, and what is said of what is not."""

from datetime import UTC, timedelta
from pathlib import Path

import pytest

from promoter.adapters.settings import (
    Access,
    Auth,
    IdentityStorage,
    KeyedStorage,
    Settings,
    SystemClock,
    Topic,
    load_access,
    load_settings,
)
from promoter.domain.errors import SettingsError

FOLDER = Path("/app")
CONNECTION = "DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=c2VjcmV0LWtleQ==;EndpointSuffix=x"
TABLES, QUEUES = "https://acct.table.core.windows.net/", "https://acct.queue.core.windows.net"
IDENTITY = {"PromoterStorage__tableServiceUri": TABLES, "PromoterStorage__queueServiceUri": QUEUES}


def load(**settings: str) -> Settings:
    return load_settings({"PromoterStorage": CONNECTION} | settings, FOLDER)


def problems(settings: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings(settings, FOLDER)
    assert all(problem in str(raised.value) for problem in raised.value.problems)
    return raised.value.problems


def test_a_connection_string_is_all_that_is_needed() -> None:
    settings = load()

    assert isinstance(settings.storage, KeyedStorage)
    assert settings.storage.connection.reveal() == CONNECTION
    assert settings.arm_url == "https://management.azure.com"
    assert settings.policy == Path("/app/policy.yaml")
    assert (settings.access, settings.client_id, settings.in_azure) == (Access(Auth.KEYS), None, False)


def test_an_identity_needs_the_addresses_of_tables_and_queues() -> None:
    settings = load_settings(IDENTITY | {"PromoterStorage__clientId": "some-id"}, FOLDER)

    assert settings.storage == IdentityStorage(TABLES.rstrip("/"), QUEUES)
    assert settings.client_id == "some-id"


def test_development_storage_is_azurite_on_its_usual_ports() -> None:
    settings = load(PromoterStorage="UseDevelopmentStorage=true")

    assert isinstance(settings.storage, KeyedStorage)
    assert "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1" in settings.storage.connection.reveal()


def test_everything_can_be_set() -> None:
    settings = load(
        PROMOTER_ARM_URL="http://127.0.0.1:5300/",
        PROMOTER_POLICY="rules/other.yaml",
        PROMOTER_AUTH="local",
        AZURE_CLIENT_ID="some-id",
    )

    assert settings.arm_url == "http://127.0.0.1:5300"
    assert settings.policy == Path("/app/rules/other.yaml")
    assert (settings.access.auth, settings.client_id) == (Auth.LOCAL, "some-id")


def test_an_absolute_policy_path_stays_as_it_is() -> None:
    assert load(PROMOTER_POLICY="/etc/policy.yaml").policy == Path("/etc/policy.yaml")


def test_an_instance_of_the_platform_is_in_azure() -> None:
    assert load(WEBSITE_INSTANCE_ID="abc").in_azure


@pytest.mark.parametrize("name", ["WEBSITE_SKU", "WEBSITE_SITE_NAME", "LEGION_SERVICE_HOST"])
def test_flex_consumption_is_azure_although_it_names_no_instance(name: str) -> None:
    assert load(**{name: "FlexConsumption"}).in_azure


def test_nothing_set_at_all_is_told() -> None:
    assert problems({}) == [
        (
            "PromoterStorage: is not set; give a connection string, or for a managed identity "
            "PromoterStorage__tableServiceUri and PromoterStorage__queueServiceUri"
        )
    ]


def test_every_problem_is_told_at_once() -> None:
    found = problems(
        {
            "PromoterStorage": "AccountName=acct",
            "PROMOTER_ARM_URL": "http://management.azure.com",
            "PROMOTER_AUTH": "local",
            "WEBSITE_INSTANCE_ID": "abc",
        }
    )

    assert [problem.partition(":")[0] for problem in found] == [
        "PromoterStorage",
        "PROMOTER_AUTH",
        "PROMOTER_ARM_URL",
    ]


def test_without_a_topic_nobody_is_told() -> None:
    assert load(PROMOTER_EVENTS_KEY="c2VjcmV0").topic is None


@pytest.mark.parametrize("url", ["https://topic.example/api/events", "http://127.0.0.1:5300/topics/t"])
def test_a_topic_may_be_opened_by_a_key(url: str) -> None:
    topic = load(PROMOTER_EVENTS_TOPIC=url, PROMOTER_EVENTS_KEY="c2VjcmV0").topic

    assert topic is not None
    assert topic.key is not None
    assert (topic.url, topic.key.reveal()) == (url, "c2VjcmV0")
    assert "c2VjcmV0" not in repr(topic)


def test_a_topic_without_a_key_lets_the_identity_in() -> None:
    assert load(PROMOTER_EVENTS_TOPIC="https://topic.example").topic == Topic("https://topic.example", None)


def test_a_token_never_goes_to_a_topic_without_tls() -> None:
    settings = {"PromoterStorage": CONNECTION, "PROMOTER_EVENTS_TOPIC": "http://127.0.0.1:5300"}

    assert problems(settings) == ["PROMOTER_EVENTS_TOPIC: must start with https://"]


@pytest.mark.parametrize(
    ("connection", "problem"),
    [
        ("AccountKey=c2VjcmV0", "lacks AccountName"),
        ("AccountName=acct;AccountKey=", "lacks AccountKey"),
        ("https://acct.table.core.windows.net", "lacks AccountName and AccountKey"),
        ("AccountName=acct;SharedAccessSignature=sig", "lacks AccountKey"),
        ("AccountName=acct;AccountKey=not base64!", "AccountKey is not base64"),
    ],
)
def test_what_is_no_connection_string_is_told(connection: str, problem: str) -> None:
    [found] = problems({"PromoterStorage": connection})

    assert found.startswith("PromoterStorage: ")
    assert problem in found


def test_two_ways_to_the_storage_are_one_too_many() -> None:
    assert "not both" in problems({"PromoterStorage": CONNECTION} | IDENTITY)[0]


@pytest.mark.parametrize("name", list(IDENTITY))
def test_half_of_an_identity_connection_is_told(name: str) -> None:
    [found] = problems({name: IDENTITY[name]})

    assert found.startswith(next(other for other in IDENTITY if other != name))


def test_a_token_never_goes_to_storage_without_tls() -> None:
    [found] = problems(IDENTITY | {"PromoterStorage__queueServiceUri": "http://127.0.0.1:10001"})

    assert found == "PromoterStorage__queueServiceUri: must start with https://"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://management.azure.com", "https://; http is only for an emulator"),
        ("http://127.0.0.1.example.com", "https://; http is only for an emulator"),
        ("http://127.0.0.1@example.com", "https://; http is only for an emulator"),
        ("ftp://127.0.0.1", "must be a URL"),
        ("management.azure.com", "must be a URL"),
        ("https://", "must be a URL"),
        ("https://host:port", "is not a URL"),
        ("https://[::1", "is not a URL"),
        ("https://user:pass@example.com", "without user"),
        ("https://example.com/?q", "without user"),
        ("https://example.com/#f", "without user"),
    ],
)
def test_what_is_no_address_of_resource_manager_is_told(url: str, problem: str) -> None:
    [found] = problems({"PromoterStorage": CONNECTION, "PROMOTER_ARM_URL": url})

    assert found.startswith("PROMOTER_ARM_URL: ")
    assert problem in found
    assert "pass" not in found.replace("password", "")


@pytest.mark.parametrize("url", ["http://localhost:5300", "http://127.0.0.1:1", "http://[::1]:5300"])
def test_an_emulator_on_this_machine_may_do_without_tls(url: str) -> None:
    assert load(PROMOTER_ARM_URL=url).arm_url == url


def test_a_way_to_know_callers_that_does_not_exist_is_told() -> None:
    [found] = problems({"PromoterStorage": CONNECTION, "PROMOTER_AUTH": "nobody"})

    assert found == "PROMOTER_AUTH: 'nobody' is none of entra, keys, local"


def test_local_admits_everyone_and_is_refused_in_azure() -> None:
    settings = {"PromoterStorage": CONNECTION, "PROMOTER_AUTH": "local", "WEBSITE_INSTANCE_ID": "abc"}

    assert problems(settings)[0].startswith("PROMOTER_AUTH: local admits everyone")


def test_no_secret_shows_itself() -> None:
    settings = load()

    assert "c2VjcmV0" not in f"{settings} {settings!r} {settings.storage}"
    for bad in ("AccountName=acct;AccountKey=c2VjcmV0!", f"AccountName=;{CONNECTION[50:]}"):
        assert "c2VjcmV0" not in " ".join(problems({"PromoterStorage": bad}))


def test_the_clock_on_the_wall_is_in_utc_and_does_not_run_backwards() -> None:
    clock = SystemClock()
    first, second = clock.now(), clock.now()

    assert first.tzinfo is UTC
    assert second - first >= timedelta(0)


@pytest.mark.parametrize(("value", "on"), [("True", True), ("true", True), ("False", False), ("", False)])
def test_the_platforms_authentication_is_on_where_the_platform_says_so(value: str, *, on: bool) -> None:
    access = load(PROMOTER_AUTH="entra", WEBSITE_AUTH_ENABLED=value).access

    assert access == Access(Auth.ENTRA, platform=on)


def test_how_callers_are_known_is_known_whatever_else_is_wrong() -> None:
    assert load_access({"PROMOTER_AUTH": "local"}) == Access(Auth.LOCAL)
    assert load_access({}) == Access(Auth.KEYS)
    assert load_access({"PROMOTER_AUTH": "local", "WEBSITE_INSTANCE_ID": "abc"}) is None
    assert load_access({"PROMOTER_AUTH": "nobody"}) is None
