// One service of the storage account inside the network, and its name in the network's DNS.
param location string
param tags object
param accountId string
param accountName string

@allowed(['blob', 'queue', 'table'])
param service string
param subnetId string
param networkId string

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = {
  name: 'pep-${accountName}-${service}'
  location: location
  tags: tags
  properties: {
    subnet: { id: subnetId }
    privateLinkServiceConnections: [
      {
        name: service
        properties: {
          privateLinkServiceId: accountId
          groupIds: [service]
        }
      }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2020-06-01' = {
  name: 'privatelink.${service}.${environment().suffixes.storage}'
  location: 'global'
  tags: tags
}

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = {
  parent: zone
  name: 'promoter'
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: networkId }
  }
}

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = {
  parent: endpoint
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: service
        properties: { privateDnsZoneId: zone.id }
      }
    ]
  }
}
