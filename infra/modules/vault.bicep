// The vault in which the private keys of the certificate authority lie. The admin app makes them; they never leave. The enroll
// app may sign with the issuing key, once that key is there: signing-right.bicep. The manage app has no right here.

param name string
param location string
param tags object

@description('Keeps a deleted vault for its whole retention, against everybody. It cannot be switched off again.')
param purgeProtection bool

@description('Principal id of the admin app.')
param adminPrincipalId string

@description('Resource id of the role of roles.bicep with which the authority is made.')
param authorityRole string

@description('The workspace that gets the list of who used which key.')
param workspaceId string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    // false is refused here; leaving it out is how to say no.
    enablePurgeProtection: purgeProtection ? true : null
  }
}

resource adminMakes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, adminPrincipalId, authorityRole)
  scope: vault
  properties: {
    roleDefinitionId: authorityRole
    principalId: adminPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource useOfKeys 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'use-of-keys'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

output url string = vault.properties.vaultUri
