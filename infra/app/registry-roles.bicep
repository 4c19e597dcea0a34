// Promoter's roles on a registry: to import, as source and as target, and to read what it serves.
param registryName string
param promoterPrincipalId string

@description('Whether the registry has repository permissions (ABAC): there the first role reads nothing.')
param abac bool

var dataImporterAndDataReader = '577a9874-89fd-4f24-9dbd-b5034d0ad23a'
var repositoryReader = 'b93aa761-3e63-49ed-ac28-beffa264f7ac'
var roles = abac ? [dataImporterAndDataReader, repositoryReader] : [dataImporterAndDataReader]

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

resource role 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for id in roles: {
  name: guid(registry.id, promoterPrincipalId, id)
  scope: registry
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', id)
    principalId: promoterPrincipalId
    principalType: 'ServicePrincipal'
  }
}]
