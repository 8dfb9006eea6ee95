// Where the apps write what happened. Query strings are cut off every address before it is stored: they carry function keys
// (?code=), the mail address of a person who signs in (?login_hint=) and device ids.

param workspaceName string
param insightsName string
param location string
param tags object
param retentionDays int
param dailyCapGb string

@description('Principal ids of the apps that write here.')
param writers string[]

// Writes telemetry and reads nothing.
var monitoringMetricsPublisher = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '3913510d-42f4-4e42-8a64-420c390055eb'
)

// The workspace must know the rule, and the rule the workspace. So the first deployment makes a bare one before the rule; a later
// one leaves it alone, or it would take the rule off for as long as it runs.
@onlyIfNotExists()
resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
  }
}

resource withoutQueries 'Microsoft.Insights/dataCollectionRules@2023-03-11' = {
  name: '${workspaceName}-without-queries'
  location: location
  tags: tags
  kind: 'WorkspaceTransforms'
  properties: {
    destinations: {
      logAnalytics: [
        {
          name: 'workspace'
          workspaceResourceId: workspace.id
        }
      ]
    }
    dataFlows: [
      {
        streams: [
          'Microsoft-Table-AppRequests'
        ]
        destinations: [
          'workspace'
        ]
        transformKql: 'source | extend Url = tostring(split(Url, "?")[0])'
      }
      {
        streams: [
          'Microsoft-Table-AppServiceHTTPLogs'
        ]
        destinations: [
          'workspace'
        ]
        transformKql: 'source | extend CsUriQuery = "", Referer = "", Cookie = ""'
      }
    ]
  }
}

module workspaceWithRule 'workspace.bicep' = {
  name: 'workspace-with-rule'
  params: {
    name: workspaceName
    location: location
    tags: tags
    retentionDays: retentionDays
    dailyCapGb: dailyCapGb
    transformationRuleId: withoutQueries.id
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceWithRule.outputs.id
    IngestionMode: 'LogAnalytics'
    // The key inside the connection string then opens nothing: the apps write with their identities.
    DisableLocalAuth: true
  }
}

resource writer 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for principalId in writers: {
    name: guid(insights.id, principalId, monitoringMetricsPublisher)
    scope: insights
    properties: {
      roleDefinitionId: monitoringMetricsPublisher
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

output workspaceId string = workspaceWithRule.outputs.id
output insightsId string = insights.id
output telemetryAddress string = insights.properties.ConnectionString
