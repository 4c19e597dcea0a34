// Alerts on the logs. The queries stand in infra/queries, to be run by hand as well.
param location string
param tags object
param token string
param applicationInsightsName string

@description('Who is told; empty for nobody.')
param email string

@description('How many hours an image may wait where nothing is promoted.')
param waitingTooLongHours int

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-promoter-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'promoter'
    enabled: true
    emailReceivers: empty(email) ? [] : [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

// Windows overlap, so that a line which is late in reaching the logs is seen by a later look.
var rules = [
  {
    name: 'poison-messages'
    severity: 1
    description: 'Events or messages could not be acted upon, and were put aside: docs/troubleshooting.md.'
    query: loadTextContent('../queries/rejections.kql')
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'failed-promotions'
    severity: 2
    description: 'Promotions have failed: docs/troubleshooting.md says what to do about each reason.'
    query: loadTextContent('../queries/failures.kql')
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'failed-functions'
    severity: 1
    description: 'Functions have failed: docs/troubleshooting.md.'
    query: loadTextContent('../queries/faults.kql')
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    name: 'waiting-too-long'
    severity: 2
    description: 'An image has waited for longer than ${waitingTooLongHours} hours where nothing has been promoted meanwhile.'
    query: replace(loadTextContent('../queries/stuck.kql'), 'let hours = 24;', 'let hours = ${waitingTooLongHours};')
    every: 'PT1H'
    window: 'P2D'
  }
  {
    name: 'not-running'
    severity: 1
    description: 'The timer of Promoter has not run for an hour: the app does not start, or is stopped: docs/troubleshooting.md.'
    query: loadTextContent('../queries/silence.kql')
    every: 'PT15M'
    window: 'PT1H'
  }
]

resource alert 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'promoter-${rule.name}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Promoter: ${replace(rule.name, '-', ' ')}'
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [applicationInsights.id]
    evaluationFrequency: rule.every
    windowSize: rule.window
    autoMitigate: true
    // The tables exist only once something was logged.
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: [people.id] }
  }
}]

output actionGroupId string = people.id
