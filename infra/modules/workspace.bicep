// The log workspace, with a cap on what a day may bring.

param name string
param location string
param tags object
param retentionDays int

@description('Gigabytes a day after which nothing more is taken until the next day, as text: 0.2.')
param dailyCapGb string

@description('Resource id of the rule that goes over each line before it is stored.')
param transformationRuleId string

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    workspaceCapping: {
      dailyQuotaGb: json(dailyCapGb)
    }
    features: {
      disableLocalAuth: true
    }
    defaultDataCollectionRuleResourceId: transformationRuleId
  }
}

output id string = workspace.id
