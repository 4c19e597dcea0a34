"""What the Bicep files may name. A new entry is to be looked up at its source, not remembered."""

from typing import NamedTuple


class Role(NamedTuple):
    """A built-in role: learn.microsoft.com/azure/role-based-access-control/built-in-roles."""

    name: str
    id: str


ROLES = {
    "blobDataContributor": Role("Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"),
    "blobDataOwner": Role("Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"),
    "dataImporterAndDataReader": Role(
        "Container Registry Data Importer and Data Reader", "577a9874-89fd-4f24-9dbd-b5034d0ad23a"
    ),
    "eventGridDataSender": Role("EventGrid Data Sender", "d5a91429-5739-47e2-a06b-3470a27159e7"),
    "monitoringMetricsPublisher": Role(
        "Monitoring Metrics Publisher", "3913510d-42f4-4e42-8a64-420c390055eb"
    ),
    "queueDataContributor": Role("Storage Queue Data Contributor", "974c5e8b-45b9-4653-ba55-5f855dd0fb88"),
    "repositoryReader": Role("Container Registry Repository Reader", "b93aa761-3e63-49ed-ac28-beffa264f7ac"),
    "tableDataContributor": Role("Storage Table Data Contributor", "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"),
}
"""The roles that are given, by the Bicep variables that hold their ids."""

TYPES = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.ContainerRegistry/registries": "2025-04-01",
    "Microsoft.EventGrid/systemTopics": "2025-02-15",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": "2025-02-15",
    "Microsoft.EventGrid/topics": "2025-02-15",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.Insights/workbooks": "2023-06-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2023-01-31",
    "Microsoft.Network/networkSecurityGroups": "2024-05-01",
    "Microsoft.Network/privateDnsZones": "2020-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2020-06-01",
    "Microsoft.Network/privateEndpoints": "2024-05-01",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "2024-05-01",
    "Microsoft.Network/virtualNetworks": "2024-05-01",
    "Microsoft.OperationalInsights/workspaces": "2025-02-01",
    "Microsoft.Resources/resourceGroups": "2024-03-01",
    "Microsoft.Storage/storageAccounts": "2024-01-01",
    "Microsoft.Storage/storageAccounts/blobServices": "2024-01-01",
    "Microsoft.Storage/storageAccounts/blobServices/containers": "2024-01-01",
    "Microsoft.Storage/storageAccounts/queueServices": "2024-01-01",
    "Microsoft.Storage/storageAccounts/queueServices/queues": "2024-01-01",
    "Microsoft.Storage/storageAccounts/tableServices": "2024-01-01",
    "Microsoft.Storage/storageAccounts/tableServices/tables": "2024-01-01",
    "Microsoft.Web/serverfarms": "2024-04-01",
    "Microsoft.Web/sites": "2024-04-01",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": "2024-04-01",
    "Microsoft.Web/sites/config": "2024-04-01",
}
"""Resource types, and the one version of each that is used; all are in github.com/Azure/bicep-types-az."""

FUNCTIONS = {
    *("concat", "empty", "environment", "guid", "items", "length", "loadTextContent", "replace"),
    *("resourceGroup", "resourceId", "split", "string", "subscription", "subscriptionResourceId"),
    *("tenant", "toLower", "union", "uniqueString"),
    *("allowed", "description", "maxLength", "maxValue", "metadata", "minLength", "minValue", "secure"),
}
"""Functions and decorators: learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions."""
