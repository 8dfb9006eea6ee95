// Device data: tables and blobs. The account's own keys are off, so that rights can be given table by table. The network is open,
// since apps without a virtual network call from changing addresses; without a token of an identity that was given a right,
// nobody gets an answer.

import { containers, tables } from 'names.bicep'

param name string
param location string
param tags object

@description('How the data is copied: in one building (LRS), in three of one region (ZRS), or also in another region (GRS).')
param redundancy string

@description('Days after which a large result is deleted, whatever became of its command. Finished commands go after 90.')
param resultDays int

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: redundancy
  }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource table 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = [
  for each in tables: {
    parent: tableService
    name: each
  }
]

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [
  for each in containers: {
    parent: blobService
    name: each
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2023-05-01' = {
  parent: account
  name: 'default'
  dependsOn: [
    blobService
  ]
  properties: {
    policy: {
      rules: [
        {
          name: 'old-results'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                'results/'
              ]
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: resultDays
                }
              }
            }
          }
        }
        {
          // The nightly timer deletes them after 7 days; this is for the nights on which it does not run.
          name: 'old-traces'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: [
                'blockBlob'
              ]
              prefixMatch: [
                'traces/'
              ]
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: 8
                }
              }
            }
          }
        }
        {
          // Logs that devices uploaded; a container for each time, so the rule goes by how their names begin.
          name: 'old-logs'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              // What a device may write it may also write as an append blob.
              blobTypes: [
                'blockBlob'
                'appendBlob'
              ]
              prefixMatch: [
                'logs-'
              ]
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: 30
                }
              }
            }
          }
        }
      ]
    }
  }
}

output id string = account.id
output tableUrl string = account.properties.primaryEndpoints.table
output blobUrl string = account.properties.primaryEndpoints.blob
