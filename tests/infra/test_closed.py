"""What must be so for the app to start, to be reached by whom it should and by nobody else.

A mistake in one of these shows only in Azure, if at all: none of them is a mistake to the Bicep compiler.
"""

import json
import re

import pytest
import yaml

from infra.check.syntax import plain, properties, text_of
from promoter.entrypoints.events import _CHANGES, _PREFIX
from tests.infra.test_agreement import ROOT, app_settings, template


def value(file: str, symbol: str, path: str) -> str:
    """The text of a property of a resource or module, by its path; parts of a list by their number."""
    bodies = {each.symbol: each.body for each in template(file).resources if not each.existing}
    bodies |= {each.symbol: each.body for each in template(file).modules}
    node = bodies[symbol]
    for part in path.split("."):
        node = node.named_children[int(part)] if part.isdigit() else dict(properties(node))[part]
    return text_of(node)


FUNCTION, STORAGE = "app/function.bicep", "app/storage.bicep"
ENTRA = "auth == 'entra'"
PLACES = [
    # Who may call. The rest of it is in docs/security.md.
    (FUNCTION, "app", "properties.httpsOnly", "true"),
    (FUNCTION, "app", "properties.siteConfig.minTlsVersion", "'1.2'"),
    (FUNCTION, "app", "properties.siteConfig.ftpsState", "'Disabled'"),
    (FUNCTION, "ftp", "properties.allow", "false"),
    (FUNCTION, "scm", "properties.allow", "false"),
    (FUNCTION, "authentication", "name", "'authsettingsV2'"),
    (FUNCTION, "authentication", "properties.platform.enabled", ENTRA),
    (FUNCTION, "authentication", "properties.globalValidation.requireAuthentication", "true"),
    # No redirect: a program that calls itself Mozilla would take the sign-in's page for success (ADR 17).
    (FUNCTION, "authentication", "properties.globalValidation.unauthenticatedClientAction", "'Return401'"),
    (FUNCTION, "authentication", "properties.httpSettings.requireHttps", "true"),
    (FUNCTION, "authentication", "properties.identityProviders.azureActiveDirectory.enabled", ENTRA),
    (
        FUNCTION,
        "authentication",
        "properties.identityProviders.azureActiveDirectory.registration.openIdIssuer",
        "'${environment().authentication.loginEndpoint}${authTenantId}/v2.0'",
    ),
    (
        FUNCTION,
        "authentication",
        "properties.identityProviders.azureActiveDirectory.validation.allowedAudiences",
        "['api://${authClientId}', authClientId]",
    ),
    # Flex Consumption, whose code lies in the account and is fetched by the identity.
    (FUNCTION, "plan", "sku", "{ name: 'FC1', tier: 'FlexConsumption' }"),
    (FUNCTION, "app", "identity.type", "'UserAssigned'"),
    (FUNCTION, "app", "properties.functionAppConfig.deployment.storage.type", "'blobContainer'"),
    (
        FUNCTION,
        "app",
        "properties.functionAppConfig.deployment.storage.authentication.type",
        "'UserAssignedIdentity'",
    ),
    # Nobody reaches the account by a key, and with a network nobody from outside.
    (STORAGE, "account", "properties.allowSharedKeyAccess", "false"),
    (STORAGE, "account", "properties.allowBlobPublicAccess", "false"),
    (STORAGE, "account", "properties.minimumTlsVersion", "'TLS1_2'"),
    (STORAGE, "account", "properties.publicNetworkAccess", "isPublic ? 'Enabled' : 'Disabled'"),
    (STORAGE, "account", "properties.networkAcls.defaultAction", "isPublic ? 'Allow' : 'Deny'"),
    ("main.bicep", "storage", "params.isPublic", "!vnetEnabled"),
    (
        "main.bicep",
        "storage",
        "params.endpointSubnetId",
        "vnetEnabled ? network.outputs.endpointSubnetId : ''",
    ),
    ("main.bicep", "functionApp", "params.subnetId", "vnetEnabled ? network.outputs.appSubnetId : ''"),
    ("app/topic.bicep", "topic", "properties.disableLocalAuth", "true"),
    ("app/topic.bicep", "topic", "properties.inputSchema", "'CloudEventSchemaV1_0'"),
    ("app/monitoring.bicep", "applicationInsights", "properties.DisableLocalAuth", "true"),
    # The network that the app can be in, and the names by which it finds the account there.
    (
        "app/network.bicep",
        "network",
        "properties.subnets.0.properties.delegations.0.properties.serviceName",
        "'Microsoft.App/environments'",
    ),
    (
        "app/private-endpoint.bicep",
        "endpoint",
        "properties.privateLinkServiceConnections.0.properties.groupIds",
        "[service]",
    ),
    (
        "app/private-endpoint.bicep",
        "zone",
        "name",
        "'privatelink.${service}.${environment().suffixes.storage}'",
    ),
    ("app/private-endpoint.bicep", "link", "parent", "zone"),
    ("app/private-endpoint.bicep", "records", "parent", "endpoint"),
    (
        "app/private-endpoint.bicep",
        "records",
        "properties.privateDnsZoneConfigs.0.properties.privateDnsZoneId",
        "zone.id",
    ),
    # Whatever is made for a registry is made where the registry is, in its own subscription.
    *(
        (file, symbol, "scope", "resourceGroup(split(registry.id, '/')[2], split(registry.id, '/')[4])")
        for file, symbol in (
            ("main.bicep", "registryRoles"),
            ("events.bicep", "topics"),
            ("events.bicep", "subscriptions"),
        )
    ),
    ("main.bicep", "registryRoles", "params.registryName", "split(registry.id, '/')[8]"),
    ("events.bicep", "topics", "params.registryName", "split(registry.id, '/')[8]"),
    ("events.bicep", "deadLetterRoles", "params.accountName", "split(storageAccountId, '/')[8]"),
    # One row of a query is an alert, and somebody is told.
    ("app/alerts.bicep", "alert", "properties.enabled", "true"),
    ("app/alerts.bicep", "alert", "properties.criteria.allOf.0.query", "rule.query"),
    ("app/alerts.bicep", "alert", "properties.criteria.allOf.0.timeAggregation", "'Count'"),
    ("app/alerts.bicep", "alert", "properties.criteria.allOf.0.operator", "'GreaterThan'"),
    ("app/alerts.bicep", "alert", "properties.criteria.allOf.0.threshold", "0"),
    ("app/alerts.bicep", "alert", "properties.actions", "{ actionGroups: [people.id] }"),
    ("app/registry-subscription.bicep", "alert", "properties.enabled", "true"),
    ("app/registry-subscription.bicep", "alert", "properties.criteria.allOf.0.threshold", "0"),
    ("app/registry-subscription.bicep", "alert", "properties.actions", "[{ actionGroupId: actionGroupId }]"),
    ("events.bicep", "subscriptions", "dependsOn", "[deadLetterRoles[i]]"),
    ("events.bicep", "deadLetterRoles", "params.principalId", "topics[i].outputs.principalId"),
    # Events as the code reads them, tried for a day, then kept; by the topic's own identity.
    (
        "app/registry-subscription.bicep",
        "subscription",
        "properties.destination.endpointType",
        "'AzureFunction'",
    ),
    (
        "app/registry-subscription.bicep",
        "subscription",
        "properties.deadLetterWithResourceIdentity.identity.type",
        "'SystemAssigned'",
    ),
    (
        "app/registry-subscription.bicep",
        "subscription",
        "properties.destination.properties.maxEventsPerBatch",
        "1",
    ),
    (
        "app/registry-subscription.bicep",
        "subscription",
        "properties.retryPolicy.eventTimeToLiveInMinutes",
        "1440",
    ),
    ("app/registry-subscription.bicep", "subscription", "properties.retryPolicy.maxDeliveryAttempts", "30"),
    ("app/system-topic.bicep", "topic", "identity.type", "'SystemAssigned'"),
    ("app/system-topic.bicep", "topic", "properties.topicType", "'Microsoft.ContainerRegistry.Registries'"),
]


@pytest.mark.parametrize(("file", "symbol", "path", "expected"), PLACES)
def test_what_only_azure_would_complain_of(file: str, symbol: str, path: str, expected: str) -> None:
    assert value(file, symbol, path) == expected


def test_what_the_app_cannot_do_without_is_set() -> None:
    assert {"PROMOTER_AUTH", "PROMOTER_EVENTS_TOPIC", "PROMOTER_POLICY"} <= set(app_settings())
    joined = value(FUNCTION, "app", "properties.siteConfig.appSettings")
    assert joined == "concat(appSettings, registrySettings, moreSettings)"


def test_each_address_is_of_its_own_service_and_has_an_endpoint_in_the_network() -> None:
    listed = template(FUNCTION).variables["appSettings"]
    addresses = {
        plain(pairs["name"]): text_of(pairs["value"])
        for pairs in (dict(properties(each)) for each in listed.named_children)
        if plain(pairs["name"]).endswith("ServiceUri")
    }
    services = {name.rpartition("__")[2].removesuffix("ServiceUri") for name in addresses}
    assert services == {"blob", "queue", "table"}
    for name, address in addresses.items():
        service = name.rpartition("__")[2].removesuffix("ServiceUri")
        assert address == f"storage.properties.primaryEndpoints.{service}", name
    text = (ROOT / "infra" / STORAGE).read_text()
    made = re.search(r"module endpoint '.*' = \[for service in \[(.*)\]: if \(!isPublic\)", text)
    assert made
    assert set(re.findall(r"'(\w+)'", made[1])) == services


def test_python_is_the_one_that_everything_is_tested_with() -> None:
    runtime = value(FUNCTION, "app", "properties.functionAppConfig.runtime")
    version = ".".join((ROOT / ".python-version").read_text().strip().split(".")[:2])
    assert runtime == f"{{ name: 'python', version: '{version}' }}"


def test_nobody_else_may_call_from_a_page() -> None:
    assert "cors" not in (ROOT / "infra" / FUNCTION).read_text()


def test_the_second_role_comes_on_top_of_the_first() -> None:
    chosen = text_of(template("app/registry-roles.bicep").variables["roles"])
    assert chosen == "abac ? [dataImporterAndDataReader, repositoryReader] : [dataImporterAndDataReader]"


@pytest.mark.parametrize(("symbol", "subnet"), [("app", "app"), ("endpoint", "endpoints")])
def test_subnets_are_told_apart(symbol: str, subnet: str) -> None:
    text = (ROOT / "infra/app/network.bicep").read_text()
    assert re.findall(rf"output {symbol}SubnetId string = .*network.name, '(\w+)'\)", text) == [subnet]


def test_names_keep_to_what_azure_allows() -> None:
    """Each ends with the 13 characters of `uniqueString`.

    Source: learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules
    """
    limits = {
        "stpromoter": 24,
        "func-promoter-": 60,
        "evgt-promoter-": 50,
        "id-promoter-": 128,
        "plan-promoter-": 60,
    }
    found = re.findall(r"'([a-z-]+)\$\{token\}'", (ROOT / "infra/main.bicep").read_text())
    assert set(limits) <= set(found)
    assert all(len(prefix) + 13 <= limits.get(prefix, 60) for prefix in found)
    topic = value("app/registry-topic.bicep", "made", "params.name")
    [limit] = re.findall(r"length\(registryName\) > (\d+) \? 'evgst-\$\{uniqueString", topic)
    assert topic.endswith(" : 'evgst-${registryName}'")
    assert int(limit) + len("evgst-") == 50
    # An event subscription's: letters, digits and hyphens; an environment's of azd may hold others.
    assert value("events.bicep", "subscriptions", "params.name") == "subscriptionName"


def test_the_events_that_are_subscribed_to_are_those_that_the_code_takes() -> None:
    subscribed = value(
        "app/registry-subscription.bicep", "subscription", "properties.filter.includedEventTypes"
    )
    assert set(re.findall(r"'(.*)'", subscribed)) == {f"{_PREFIX}{change}" for change in _CHANGES}


def test_metrics_are_those_of_system_topics() -> None:
    """learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-eventgrid-systemtopics-metrics."""
    metrics = template("app/registry-subscription.bicep").texts("alerts")
    assert {each for each in metrics if each.endswith("Count")} == {"DeadLetteredCount", "DroppedEventCount"}


@pytest.mark.parametrize("file", ["main.bicep", FUNCTION])
def test_more_settings_may_hold_secrets(file: str) -> None:
    text = (ROOT / "infra" / file).read_text()
    assert re.search(r"@secure\(\)\n(?:@description.*\n)?param settings object", text)


def test_the_workbooks_period_is_one_of_its_parameters() -> None:
    workbook = template("app/workbook.bicep")
    names = re.findall(r"\bname: '(\w+)'", text_of(workbook.variables["period"]))
    used = re.findall(r"timeContextFromParameter: '(\w+)'", text_of(workbook.variables["charts"]))
    assert used
    assert set(used) <= set(names)


def test_the_host_has_an_extension_bundle_that_knows_identities() -> None:
    bundle = json.loads((ROOT / "host.json").read_text())["extensionBundle"]
    assert bundle == {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}


def test_azd_is_one_that_leaves_the_registries_groups_alone() -> None:
    """See docs/adr/0030."""
    wanted = yaml.safe_load((ROOT / "azure.yaml").read_text())["requiredVersions"]["azd"]
    assert tuple(map(int, wanted.removeprefix(">= ").split("."))) >= (1, 24, 1)


def test_tokens_are_of_the_version_whose_issuer_the_template_names() -> None:
    application = json.loads((ROOT / "infra/entra/application.json").read_text())
    assert application["api"]["requestedAccessTokenVersion"] == 2
    assert application["web"]["implicitGrantSettings"] == {
        "enableIdTokenIssuance": True
    }  # there is no secret
    assert application["signInAudience"] == "AzureADMyOrg"
