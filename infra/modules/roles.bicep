// Custom roles, where the built-in ones give more than an app needs. Each holds data actions only: nobody who takes over an
// app can change or delete a resource with them. The one exception makes and lists containers, which Azure counts as management.

@description('Distinguishes the roles of this deployment: a role name exists once in a tenant.')
param token string

var tableRows = 'Microsoft.Storage/storageAccounts/tableServices/tables/entities'
var blobs = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs'
var containers = 'Microsoft.Storage/storageAccounts/blobServices/containers'
var vault = 'Microsoft.KeyVault/vaults'

// Storage Table Data Contributor could also delete the table itself.
resource rows 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'rows')
  properties: {
    roleName: 'Lanyard table rows ${token}'
    description: 'Reads, writes and deletes the rows of a table, and not the table.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        dataActions: [
          '${tableRows}/read'
          '${tableRows}/add/action'
          '${tableRows}/update/action'
          '${tableRows}/write'
          '${tableRows}/delete'
        ]
      }
    ]
  }
}

// There is no built-in role that writes rows and cannot delete them. An app that devices reach must not wipe the journal.
resource rowsKept 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'rowsKept')
  properties: {
    roleName: 'Lanyard table rows without delete ${token}'
    description: 'Reads and writes the rows of a table.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        dataActions: [
          '${tableRows}/read'
          '${tableRows}/add/action'
          '${tableRows}/update/action'
          '${tableRows}/write'
        ]
      }
    ]
  }
}

// Storage Blob Data Contributor could also delete the container and mint signatures for others.
resource blobsKept 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'blobsKept')
  properties: {
    roleName: 'Lanyard blobs without delete ${token}'
    description: 'Reads and writes the blobs of a container.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        dataActions: [
          '${blobs}/read'
          '${blobs}/write'
          '${blobs}/add/action'
        ]
      }
    ]
  }
}

resource blobsAll 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'blobsAll')
  properties: {
    roleName: 'Lanyard blobs ${token}'
    description: 'Reads, writes and deletes the blobs of a container, and not the container.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        dataActions: [
          '${blobs}/read'
          '${blobs}/write'
          '${blobs}/add/action'
          '${blobs}/delete'
        ]
      }
    ]
  }
}

// Storage Blob Data Contributor could also delete containers. Their settings can be written with this; public access and account
// keys stay off for the whole account.
resource containersMade 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'containersMade')
  properties: {
    roleName: 'Lanyard containers ${token}'
    description: 'Makes and lists blob containers.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        actions: [
          '${containers}/read'
          '${containers}/write'
        ]
      }
    ]
  }
}

// Key Vault Crypto User could also encrypt, decrypt, wrap and unwrap. Given on the issuing key alone; its public half lies in the
// tables, so the vault need not be read.
resource signer 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'signer')
  properties: {
    roleName: 'Lanyard signer ${token}'
    description: 'Signs with a key.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        dataActions: [
          '${vault}/keys/sign/action'
        ]
      }
    ]
  }
}

// Key Vault Certificates Officer could also delete, purge, import and back up certificates, and could not sign.
resource authority 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'authority')
  properties: {
    roleName: 'Lanyard certificate authority ${token}'
    description: 'Makes certificates whose keys stay in the vault, and signs with these keys.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        dataActions: [
          '${vault}/certificates/read'
          '${vault}/certificates/create/action'
          '${vault}/certificates/update/action'
          '${vault}/keys/read'
          '${vault}/keys/sign/action'
        ]
      }
    ]
  }
}

output rows string = rows.id
output rowsKept string = rowsKept.id
output blobsKept string = blobsKept.id
output blobsAll string = blobsAll.id
output containersMade string = containersMade.id
output signer string = signer.id
output authority string = authority.id
