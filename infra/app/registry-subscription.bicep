// Pushes and deletions in a registry, to the function. What cannot be delivered in a day goes to the dead letters.
param tags object
param name string
param topicName string
param functionResourceId string
param storageAccountId string
param deadLetterContainer string
param actionGroupId string

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource subscription 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: name
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: [
        'Microsoft.ContainerRegistry.ImagePushed'
        'Microsoft.ContainerRegistry.ImageDeleted'
      ]
    }
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: functionResourceId
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: { type: 'SystemAssigned' }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storageAccountId
          blobContainerName: deadLetterContainer
        }
      }
    }
  }
}

var alerts = [
  {
    name: 'undelivered'
    metric: 'DeadLetteredCount'
    description: 'Events of this registry did not reach Promoter in a day, and were put aside: docs/troubleshooting.md.'
  }
  {
    name: 'dropped'
    metric: 'DroppedEventCount'
    description: 'Events of this registry could not even be put aside: docs/troubleshooting.md.'
  }
]

resource alert 'Microsoft.Insights/metricAlerts@2018-03-01' = [for each in alerts: {
  name: '${each.name}-${topicName}-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: each.description
    severity: 1
    enabled: true
    scopes: [topic.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.MultipleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: each.name
          metricName: each.metric
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: [{ actionGroupId: actionGroupId }]
  }
}]
