// What one app may do in the data account: one role assignment for each table and container that it needs.

@description('The data account.')
param account string

@description('Principal id of the app.')
param principalId string

@description('Tables and the role that the app has in each.')
param tables {
  table: string
  @description('Resource id of the role definition.')
  role: string
}[]

@description('Blob containers and the role that the app has in each.')
param containers {
  container: string
  @description('Resource id of the role definition.')
  role: string
}[]

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: account

  resource tableService 'tableServices' existing = {
    name: 'default'

    resource table 'tables' existing = [
      for right in tables: {
        name: right.table
      }
    ]
  }

  resource blobService 'blobServices' existing = {
    name: 'default'

    resource container 'containers' existing = [
      for right in containers: {
        name: right.container
      }
    ]
  }
}

resource tableRight 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (right, index) in tables: {
    name: guid(storage::tableService::table[index].id, principalId, right.role)
    scope: storage::tableService::table[index]
    properties: {
      roleDefinitionId: right.role
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource containerRight 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (right, index) in containers: {
    name: guid(storage::blobService::container[index].id, principalId, right.role)
    scope: storage::blobService::container[index]
    properties: {
      roleDefinitionId: right.role
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]
