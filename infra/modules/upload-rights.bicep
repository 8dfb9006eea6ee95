// What the admin app needs so that devices may upload logs: a container for each time a device is asked (logs-…), an address that
// is signed with a user delegation key, and reading what came. The containers are made while the product runs, so none of this
// can be given for one container. It does not delete: a lifecycle rule of the account does.

@description('The data account.')
param account string

@description('Principal id of the admin app.')
param principalId string

@description('Resource id of the role that makes and lists containers.')
param containersRole string

@description('Resource id of the role that reads and writes blobs. A signature gives no more than who had it made may do.')
param blobsRole string

var blobDelegator = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
)

resource storage 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: account
}

resource right 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in [
    blobDelegator
    containersRole
    blobsRole
  ]: {
    name: guid(storage.id, principalId, role)
    scope: storage
    properties: {
      roleDefinitionId: role
      principalId: principalId
      principalType: 'ServicePrincipal'
    }
  }
]
