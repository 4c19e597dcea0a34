// The system topic of a registry: the one that it has, or a new one. A registry can have only one.
param tags object
param registryName string

@description('The name of the system topic that the registry has already; empty where it has none.')
param systemTopic string

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

resource given 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = if (!empty(systemTopic)) {
  name: systemTopic
}

// A module, since a resource's location must be known before the deployment starts, and a parameter is.
module made 'system-topic.bicep' = if (empty(systemTopic)) {
  name: 'promoter-topic-${uniqueString(registry.id)}'
  params: {
    location: registry.location
    tags: tags
    name: length(registryName) > 44 ? 'evgst-${uniqueString(registry.id)}' : 'evgst-${registryName}'
    registryId: registry.id
  }
}

output name string = empty(systemTopic) ? made.outputs.name : systemTopic
output principalId string = empty(systemTopic) ? made.outputs.principalId : given.identity.principalId
