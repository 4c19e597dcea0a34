// The Functions app on Flex Consumption, its settings, and who may call it.
param location string
param tags object
param name string
param planName string
param identityId string
param identityClientId string
param storageName string
param deploymentContainer string
param applicationInsightsName string
param topicEndpoint string

@description('The subnet that the app is in; empty where it is in no network.')
param subnetId string
param registries array
param auth string
param authClientId string
param authTenantId string
param policy string

@secure()
param settings object
param reconcileSchedule string
param instanceMemoryMB int
param maximumInstanceCount int

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  // checkov:skip=CKV_AZURE_225: Flex Consumption is spread over zones only with instances that are always ready and paid for
  // checkov:skip=CKV_AZURE_212: it scales from zero, and what is not handled yet is in queues
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

var appSettings = [
  { name: 'AzureWebJobsStorage__credential', value: 'managedidentity' }
  { name: 'AzureWebJobsStorage__clientId', value: identityClientId }
  { name: 'AzureWebJobsStorage__blobServiceUri', value: storage.properties.primaryEndpoints.blob }
  { name: 'AzureWebJobsStorage__queueServiceUri', value: storage.properties.primaryEndpoints.queue }
  { name: 'AzureWebJobsStorage__tableServiceUri', value: storage.properties.primaryEndpoints.table }
  { name: 'PromoterStorage__credential', value: 'managedidentity' }
  { name: 'PromoterStorage__clientId', value: identityClientId }
  { name: 'PromoterStorage__queueServiceUri', value: storage.properties.primaryEndpoints.queue }
  { name: 'PromoterStorage__tableServiceUri', value: storage.properties.primaryEndpoints.table }
  { name: 'APPLICATIONINSIGHTS_CONNECTION_STRING', value: applicationInsights.properties.ConnectionString }
  { name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING', value: 'ClientId=${identityClientId};Authorization=AAD' }
  { name: 'PROMOTER_AUTH', value: auth }
  { name: 'PROMOTER_POLICY', value: policy }
  { name: 'PROMOTER_RECONCILE_SCHEDULE', value: reconcileSchedule }
  { name: 'PROMOTER_EVENTS_TOPIC', value: topicEndpoint }
]

var registrySettings = [for registry in registries: { name: registry.setting, value: registry.id }]

var moreSettings = [for setting in items(settings): { name: setting.key, value: setting.value }]

resource app 'Microsoft.Web/sites@2024-04-01' = {
  // checkov:skip=CKV_AZURE_222: Event Grid delivers from outside of any network of ours
  // checkov:skip=CKV_AZURE_17: callers bring a token of Entra, and Event Grid a key; neither has a certificate
  // checkov:skip=CKV_AZURE_212: it scales from zero, and what is not handled yet is in queues
  // checkov:skip=CKV_AZURE_213: Flex Consumption has no health checks; alerts watch the logs
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'promoter' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      http20Enabled: true
      ftpsState: 'Disabled'
      appSettings: concat(appSettings, registrySettings, moreSettings)
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storage.properties.primaryEndpoints.blob}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: { name: 'python', version: '3.13' }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
  }

  // No passwords for deployments: azd and the pipelines deploy with tokens.
  resource ftp 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: { allow: false }
  }

  resource scm 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: { allow: false }
  }

  // Everybody needs a token; only Event Grid does not, which brings the webhook's key, nor the dashboard's page, which holds
  // nothing and leads browsers to the sign-in. How a path is compared with those excluded is not documented, so there
  // is none of which another route could be a part: not /api/health, for /api/health/details is for readers.
  resource authentication 'config' = {
    // checkov:skip=CKV_AZURE_13: this is what sets it; the check knows the first version of these settings only
    // checkov:skip=CKV_AZURE_63: a setting of the config `web`, not of this one
    // checkov:skip=CKV_AZURE_65: a setting of the config `web`, not of this one
    // checkov:skip=CKV_AZURE_66: a setting of the config `web`, not of this one
    // checkov:skip=CKV_AZURE_80: a setting of the config `web`, not of this one; and there is no .NET
    // checkov:skip=CKV_AZURE_88: a setting of the config `web`, not of this one; and the app keeps no files
    // checkov:skip=CKV_AZURE_222: a setting of the site, not of this config; see there
    name: 'authsettingsV2'
    properties: {
      platform: { enabled: auth == 'entra' }
      globalValidation: {
        requireAuthentication: true
        unauthenticatedClientAction: 'Return401'
        excludedPaths: ['/api/dashboard', '/runtime/webhooks/eventgrid']
      }
      httpSettings: { requireHttps: true }
      login: { tokenStore: { enabled: false } }
      identityProviders: {
        azureActiveDirectory: {
          enabled: auth == 'entra'
          registration: {
            clientId: authClientId
            openIdIssuer: '${environment().authentication.loginEndpoint}${authTenantId}/v2.0'
          }
          validation: { allowedAudiences: ['api://${authClientId}', authClientId] }
        }
      }
    }
  }
}

output id string = app.id
output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
