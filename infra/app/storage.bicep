// The storage account: records and evidence in tables, work in queues, and blobs for the host, the code and dead letters.
// Nobody has a key to it.
param location string
param tags object
param name string
param skuName string = 'Standard_GRS'
param promoterPrincipalId string

@description('Whether the account is reached from everywhere, by those who have a role; otherwise only through the network.')
param isPublic bool
param endpointSubnetId string
param networkId string

var tableNames = ['Evidence', 'Promotions']
var queueNames = ['promoter-work', 'promoter-work-poison', 'quality-gates', 'quality-gates-poison']
var deploymentContainerName = 'deployment'
var deadLetterContainerName = 'dead-letters'

// Built-in roles: learn.microsoft.com/azure/role-based-access-control/built-in-roles
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var promoterRoles = [blobDataOwner, queueDataContributor, tableDataContributor]

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  // checkov:skip=CKV_AZURE_35: closed with vnetEnabled; without a network only roles let anybody in, as there are no keys
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: skuName }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPublic ? 'Enabled' : 'Disabled'
    networkAcls: {
      defaultAction: isPublic ? 'Allow' : 'Deny'
      bypass: 'AzureServices'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: 30 }
    containerDeleteRetentionPolicy: { enabled: true, days: 30 }
  }
}

resource deploymentContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: deploymentContainerName
}

resource deadLetterContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: blobs
  name: deadLetterContainerName
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = [for queueName in queueNames: {
  parent: queues
  name: queueName
}]

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2024-01-01' = [for tableName in tableNames: {
  parent: tables
  name: tableName
}]

resource promoterRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in promoterRoles: {
  name: guid(account.id, promoterPrincipalId, role)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    principalId: promoterPrincipalId
    principalType: 'ServicePrincipal'
  }
}]

module endpoint 'private-endpoint.bicep' = [for service in ['blob', 'queue', 'table']: if (!isPublic) {
  name: 'endpoint-${service}'
  params: {
    location: location
    tags: tags
    accountId: account.id
    accountName: account.name
    service: service
    subnetId: endpointSubnetId
    networkId: networkId
  }
}]

output id string = account.id
output name string = account.name
output deploymentContainer string = deploymentContainer.name
output deadLetterContainer string = deadLetterContainer.name
