// The workbook: the queries of infra/queries on one page, in Application Insights under Workbooks.
param location string
param tags object
param applicationInsightsName string

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

var parts = [
  { title: 'Promotions', query: loadTextContent('../queries/promotions.kql'), shown: 'barchart' }
  { title: 'How long they took, in seconds', query: loadTextContent('../queries/durations.kql'), shown: 'table' }
  { title: 'What waits', query: loadTextContent('../queries/waiting.kql'), shown: 'table' }
  { title: 'Failures, by reason', query: loadTextContent('../queries/failures.kql'), shown: 'table' }
  { title: 'Decisions, and what stood in the way', query: loadTextContent('../queries/decisions.kql'), shown: 'table' }
  { title: 'Functions that failed', query: loadTextContent('../queries/faults.kql'), shown: 'table' }
  { title: 'What could not be acted upon', query: loadTextContent('../queries/rejections.kql'), shown: 'table' }
  { title: 'Drift', query: loadTextContent('../queries/drift.kql'), shown: 'table' }
]

var period = {
  type: 9
  content: {
    version: 'KqlParameterItem/1.0'
    parameters: [
      {
        id: guid('period')
        version: 'KqlParameterItem/1.0'
        name: 'Period'
        label: 'Period'
        type: 4
        isRequired: true
        value: { durationMs: 604800000 }
        typeSettings: {
          selectableValues: [{ durationMs: 86400000 }, { durationMs: 604800000 }, { durationMs: 2592000000 }]
        }
      }
    ]
    style: 'pills'
  }
  name: 'period'
}

var charts = [for part in parts: {
  type: 3
  content: {
    version: 'KqlItem/1.0'
    title: part.title
    query: part.query
    size: 0
    timeContextFromParameter: 'Period'
    queryType: 0
    resourceType: 'microsoft.insights/components'
    visualization: part.shown
    noDataMessage: 'Nothing in this period.'
  }
  name: part.title
}]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'promoter')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Promoter'
    category: 'workbook'
    sourceId: applicationInsights.id
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([period], charts)
      isLocked: false
      fallbackResourceIds: [applicationInsights.id]
    })
  }
}
