// Who Promoter is to Azure.
param location string
param tags object
param name string

resource promoter 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = promoter.id
output clientId string = promoter.properties.clientId
output principalId string = promoter.properties.principalId
