// Promoter in a resource group of its own, and its roles on the registries. azd's layer `app`.
// What needs the deployed functions, the events of the registries, is in events.bicep: the layer `events`.
targetScope = 'subscription'

@minLength(1)
@maxLength(20)
@description('The name of the azd environment; the names of all resources come from it.')
param environmentName string

@description('Where everything runs. Flex Consumption has to be there: az functionapp list-flexconsumption-locations.')
@metadata({ azd: { type: 'location' } })
param location string

// setting: the app setting that the policy names the registry by, as in DEV_REGISTRY_ID.
// id: its resource id; any resource group and subscription of the tenant will do.
// abac: true where the registry has repository permissions (ABAC); there, reading needs one role more.
// systemTopic: the system topic that the registry has already; events.bicep makes one otherwise.
@minLength(1)
@description('Every registry that the policy names: { setting, id, abac?, systemTopic? }.')
param registries array

@allowed(['entra', 'keys'])
@description('How callers of the HTTP API are known. With keys, callers have no names, so approvals and overrides are refused.')
param auth string = 'entra'

@description('The application (client) id of the app registration that callers get tokens for, which the preprovision hook makes; empty with keys.')
param authClientId string

@description('The tenant that callers sign in to.')
param authTenantId string = tenant().tenantId

@description('The policy file, from the folder of the app.')
param policy string = 'policy.yaml'

@secure()
@description('More app settings, such as the credentials that the policy names for a source outside the tenant.')
param settings object = {}

@description('How often to look for what no message drives (NCRONTAB).')
param reconcileSchedule string = '0 */5 * * * *'

@allowed([512, 2048, 4096])
@description('The memory of an instance, in MB.')
param instanceMemoryMB int = 2048

@minValue(1)
@maxValue(1000)
@description('How many instances there may be.')
param maximumInstanceCount int = 40

@description('Whether the app is in a virtual network, and the storage account only there.')
param vnetEnabled bool = false

@description('The address space of that network.')
param vnetAddressPrefix string = '10.37.0.0/24'

@description('The part of it for the app; every instance takes an address.')
param appSubnetPrefix string = '10.37.0.0/25'

@description('The part of it for private endpoints.')
param endpointSubnetPrefix string = '10.37.0.128/26'

@description('How the storage account is replicated; records survive the loss of a region only with Standard_GRS and the like.')
@allowed(['Standard_GRS', 'Standard_RAGRS', 'Standard_GZRS', 'Standard_RAGZRS', 'Standard_ZRS', 'Standard_LRS'])
param storageSku string = 'Standard_GRS'

@minValue(30)
@maxValue(730)
@description('How many days logs are kept.')
param logRetentionDays int = 90

@description('Who is told of alerts; without an address, alerts only show in the portal.')
param alertEmail string = ''

@minValue(1)
@maxValue(48)
@description('An image that waits longer than so many hours, where nothing has been promoted meanwhile, raises an alert.')
param waitingTooLongHours int = 24

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-promoter-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'id-promoter-${token}'
  }
}

module network 'app/network.bicep' = if (vnetEnabled) {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'vnet-promoter-${token}'
    addressPrefix: vnetAddressPrefix
    appSubnetPrefix: appSubnetPrefix
    endpointSubnetPrefix: endpointSubnetPrefix
  }
}

module storage 'app/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'stpromoter${token}'
    skuName: storageSku
    promoterPrincipalId: identity.outputs.principalId
    isPublic: !vnetEnabled
    endpointSubnetId: vnetEnabled ? network.outputs.endpointSubnetId : ''
    networkId: vnetEnabled ? network.outputs.id : ''
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    retentionDays: logRetentionDays
    promoterPrincipalId: identity.outputs.principalId
  }
}

module topic 'app/topic.bicep' = {
  name: 'topic'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'evgt-promoter-${token}'
    promoterPrincipalId: identity.outputs.principalId
  }
}

module registryRoles 'app/registry-roles.bicep' = [for registry in registries: {
  name: 'promoter-roles-${uniqueString(registry.id, environmentName)}'
  scope: resourceGroup(split(registry.id, '/')[2], split(registry.id, '/')[4])
  params: {
    registryName: split(registry.id, '/')[8]
    abac: registry.?abac ?? false
    promoterPrincipalId: identity.outputs.principalId
  }
}]

module functionApp 'app/function.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    location: location
    tags: tags
    name: 'func-promoter-${token}'
    planName: 'plan-promoter-${token}'
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainer: storage.outputs.deploymentContainer
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    topicEndpoint: topic.outputs.endpoint
    subnetId: vnetEnabled ? network.outputs.appSubnetId : ''
    registries: registries
    auth: auth
    authClientId: authClientId
    authTenantId: authTenantId
    policy: policy
    settings: settings
    reconcileSchedule: reconcileSchedule
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
  }
}

module alerts 'app/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    email: alertEmail
    waitingTooLongHours: waitingTooLongHours
  }
}

module workbook 'app/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    applicationInsightsName: monitoring.outputs.applicationInsightsName
  }
}

output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output PROMOTER_URL string = functionApp.outputs.url
output PROMOTER_AUDIENCE string = auth == 'entra' ? 'api://${authClientId}' : ''
output PROMOTER_EVENTS_TOPIC_ID string = topic.outputs.id
output SERVICE_PROMOTER_NAME string = functionApp.outputs.name
output SERVICE_PROMOTER_RESOURCE_ID string = functionApp.outputs.id
output STORAGE_ACCOUNT_ID string = storage.outputs.id
output DEAD_LETTER_CONTAINER string = storage.outputs.deadLetterContainer
output ACTION_GROUP_ID string = alerts.outputs.actionGroupId
