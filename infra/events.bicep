// The registries' events to Promoter. azd's layer `events`: it comes after the code, since Event Grid asks for the
// function when a subscription is made. What it makes stands in the registries' resource groups.
targetScope = 'subscription'

@description('The name of the azd environment.')
param environmentName string

// A registry can have only one system topic. One that it has already needs a system-assigned identity, by which dead
// letters are written; where none is named, one is made.
@description('Every registry that the policy names, as in main.bicep: { setting, id, abac?, systemTopic? }.')
param registries array

@description('The resource id of the function app.')
param functionAppId string

@description('The resource id of the storage account that takes what cannot be delivered.')
param storageAccountId string

@description('The container for that.')
param deadLetterContainer string

@description('Who is told of events that could not be delivered.')
param actionGroupId string

var tags = { 'azd-env-name': environmentName }
var functionResourceId = '${functionAppId}/functions/image_pushed'
// An environment's name may hold what an event subscription's may not: `_`, `.` and brackets.
var subscriptionName = split(functionAppId, '/')[8]

module topics 'app/registry-topic.bicep' = [for registry in registries: {
  name: 'promoter-topic-${uniqueString(registry.id, environmentName)}'
  scope: resourceGroup(split(registry.id, '/')[2], split(registry.id, '/')[4])
  params: {
    tags: tags
    registryName: split(registry.id, '/')[8]
    systemTopic: registry.?systemTopic ?? ''
  }
}]

module deadLetterRoles 'app/dead-letter-role.bicep' = [for (registry, i) in registries: {
  name: 'promoter-dead-letters-${uniqueString(registry.id, environmentName)}'
  scope: resourceGroup(split(storageAccountId, '/')[2], split(storageAccountId, '/')[4])
  params: {
    accountName: split(storageAccountId, '/')[8]
    containerName: deadLetterContainer
    principalId: topics[i].outputs.principalId
  }
}]

module subscriptions 'app/registry-subscription.bicep' = [for (registry, i) in registries: {
  name: 'promoter-events-${uniqueString(registry.id, environmentName)}'
  scope: resourceGroup(split(registry.id, '/')[2], split(registry.id, '/')[4])
  params: {
    tags: tags
    name: subscriptionName
    topicName: topics[i].outputs.name
    functionResourceId: functionResourceId
    storageAccountId: storageAccountId
    deadLetterContainer: deadLetterContainer
    actionGroupId: actionGroupId
  }
  dependsOn: [deadLetterRoles[i]]
}]
