"""What the Bicep files say is what the code uses: settings, tables, queues, functions and roles."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, override

import yaml

from infra.check.__main__ import INFRA
from infra.check.known import ROLES
from infra.check.syntax import plain, properties
from infra.check.template import Template
from promoter.adapters import arm, eventgrid, queue, tables
from promoter.adapters.identity import Identity
from promoter.adapters.policy_file import load_policy
from promoter.adapters.settings import Auth, IdentityStorage, KeyedStorage, Secret, Topic, load_settings
from promoter.domain.access import Role
from promoter.domain.policy import Policy
from promoter.entrypoints.messages import CONNECTION, GATES_QUEUE, WORK_QUEUE
from promoter.entrypoints.routes import ROUTES
from tests.integration.runtime.test_functions import FUNCTIONS, TIMER

ROOT = INFRA.parent
_GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/promoter"
BINDINGS = {"PromoterStorage__credential", TIMER["schedule"].strip("%")}
"""Settings that the host reads, not the app."""


def template(name: str) -> Template:
    return Template.read(INFRA / name)


def app_settings() -> list[str]:
    """The names of the app settings that do not come from parameters."""
    listed = template("app/function.bicep").variables["appSettings"]
    return [plain(dict(properties(each))["name"]) for each in listed.named_children]


def parameters(name: str) -> dict[str, Any]:
    given: dict[str, Any] = json.loads((INFRA / name).read_text())["parameters"]
    return {key: each["value"] for key, each in given.items()}


def registries(name: str) -> dict[str, str]:
    return {each["setting"]: each["id"] for each in parameters(name)["registries"]}


def policy() -> Policy:
    """The policy, with the registries of the parameters file."""
    ids = {
        name: f"{_GROUP}/providers/Microsoft.ContainerRegistry/registries/registry{number}"
        for number, name in enumerate(registries("main.parameters.json"))
    }
    return load_policy(ROOT / "policy.yaml", ids)


class Environment(Mapping[str, str]):
    """An app's environment in Azure, that keeps which of its variables were asked for."""

    def __init__(self, **values: str) -> None:
        samples = {
            name: f"https://x.{name.lower()}.example" if name.endswith("Uri") else "x"
            for name in app_settings()
        }
        topic = {
            "PROMOTER_EVENTS_TOPIC": "https://topic.example/api/events",
            "WEBSITE_SKU": "FlexConsumption",
        }
        self._values = samples | topic | {"WEBSITE_AUTH_ENABLED": "True"} | values
        self.asked: set[str] = set()

    @override
    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @override
    def __len__(self) -> int:
        return len(self._values)


def test_the_app_starts_with_the_settings_that_it_is_given_and_reads_each() -> None:
    environment = Environment(PROMOTER_AUTH="entra")
    settings = load_settings(environment, ROOT)
    assert isinstance(settings.storage, IdentityStorage)
    assert settings.topic == Topic("https://topic.example/api/events", None)
    assert (settings.client_id, settings.in_azure) == ("x", True)
    ours = {name for name in app_settings() if name.upper().startswith("PROMOTER")}
    assert ours
    assert ours - environment.asked - BINDINGS == set()


def test_the_host_has_its_connections_by_identity() -> None:
    prefixes = ("AzureWebJobsStorage", CONNECTION)
    services = {"AzureWebJobsStorage": ("blob", "queue", "table"), CONNECTION: ("queue", "table")}
    for prefix in prefixes:
        wanted = {"credential", "clientId", *(f"{each}ServiceUri" for each in services[prefix])}
        given = {name.removeprefix(f"{prefix}__") for name in app_settings() if name.startswith(prefix)}
        assert given == wanted
    assert TIMER["schedule"].strip("%") in app_settings()


def test_callers_are_known_in_every_way_that_the_app_knows_but_the_local_one() -> None:
    text = (INFRA / "main.bicep").read_text()
    found = re.search(r"@allowed\(\[(.*)\]\)\n@description\(.*\)\nparam auth string = '(\w+)'", text)
    assert found
    assert set(re.findall(r"'(\w+)'", found[1])) == set(Auth) - {Auth.LOCAL}
    assert found[2] == Auth.ENTRA


def test_tables_and_queues_are_the_apps() -> None:
    storage = template("app/storage.bicep")
    assert sorted(storage.texts("queueNames")) == sorted(
        name + poison for name in (WORK_QUEUE, GATES_QUEUE) for poison in ("", "-poison")
    )
    keyed = KeyedStorage(Secret("AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:1/a"))
    made = tables.Tables(keyed, Identity(None, managed=False))
    names = [each._table._client.table_name for each in (made.evidence, made.promotions)]
    assert sorted(storage.texts("tableNames")) == sorted(names)


def test_events_go_to_a_function_that_takes_them() -> None:
    uses = [use.name for use in template("events.bicep").names.strings if "/functions/" in use.name]
    assert [use.rpartition("/")[2] for use in uses] == ["image_pushed"]
    assert {binding["type"] for binding in FUNCTIONS["image_pushed"].values()} >= {"eventGridTrigger"}


def test_the_roles_that_the_app_asks_for_are_given() -> None:
    given = {
        ROLES[name].name
        for path in INFRA.rglob("*.bicep")
        for name in Template.read(path).variables
        if name in ROLES
    }
    assert given == {role.name for role in ROLES.values()}
    hints = f"{eventgrid._ROLE} {queue._ROLE} {tables._ROLE}"
    assert {*re.findall(r'role "([^"]+)"', hints), arm.ROLE} <= given


def test_the_policys_settings_are_the_registries_of_both_layers() -> None:
    assert registries("main.parameters.json") == registries("events.parameters.json")
    assert policy().rules


def test_what_the_second_layer_takes_the_first_puts_out() -> None:
    for name in ("main", "events"):
        given, declared = parameters(f"{name}.parameters.json"), template(f"{name}.bicep").parameters
        assert given.keys() <= declared.keys()
        assert {each for each, parameter in declared.items() if parameter.required} <= given.keys()
    text = (INFRA / "events.parameters.json").read_text()
    taken = set(re.findall(r"\$\{(\w+)\}", text)) - {"AZURE_ENV_NAME", *registries("main.parameters.json")}
    assert taken
    assert taken <= template("main.bicep").outputs


def test_azd_finds_layers_service_and_hooks() -> None:
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text())
    layers = [each["name"] for each in azd["infra"]["layers"]]
    for layer in azd["infra"]["layers"]:
        assert (ROOT / layer["path"] / f"{layer['module']}.bicep").is_file()
    steps = [step["azd"] for step in azd["workflows"]["up"]["steps"]]
    assert [step for step in steps if "provision" in step] == [f"provision {name}" for name in layers]
    assert steps.index("deploy --all") == steps.index(f"provision {layers[1]}") - 1
    [service] = azd["services"]
    assert f"'azd-service-name': '{service}'" in (INFRA / "app/function.bicep").read_text()
    assert f"SERVICE_{service.upper()}_NAME" in template("main.bicep").outputs
    for hooks in azd["hooks"].values():
        for hook in hooks if isinstance(hooks, list) else [hooks]:
            assert (ROOT / hook["posix"]["run"]).stat().st_mode & 0o111


def test_the_app_registration_has_the_roles_of_the_app_and_of_the_policy() -> None:
    application = json.loads((INFRA / "entra/application.json").read_text())
    roles = [role["value"] for role in application["appRoles"]]
    named = {role for each in policy().environments for role in (*each.roles.operator, *each.roles.approver)}
    assert set(roles) == {*Role, *named}
    assert len({role["id"] for role in application["appRoles"]}) == len(roles)
    [scope] = application["api"]["oauth2PermissionScopes"]
    assert f"scope={scope['id']}" in (INFRA / "entra/register.sh").read_text()


def test_only_event_grids_webhook_and_a_page_that_holds_nothing_need_no_token() -> None:
    text = (INFRA / "app/function.bicep").read_text()
    excluded = ["['/api/dashboard', '/runtime/webhooks/eventgrid']"]
    assert re.findall(r"excludedPaths: (.*)", text) == excluded
    within = [route.path for route in ROUTES.values() if route.path.startswith("dashboard")]
    assert within == ["dashboard"], "how a path is compared with those excluded is not documented"
    assert "requireAuthentication: true" in text
