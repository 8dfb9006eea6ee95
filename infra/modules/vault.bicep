// The vault in which the private keys of the certificate authority lie. The admin app makes them; they never leave.

param name string
param location string
param tags object

@description('Keeps a deleted vault for its whole retention, against everybody. It cannot be switched off again.')
param purgeProtection bool

@description('Principal id of the admin app: makes the authority and signs with it.')
param adminPrincipalId string

@description('Principal id of the enroll app: reads the certificates. The right to sign with the issuing key comes after that key is made: signing-right.bicep.')
param enrollPrincipalId string

@description('Resource ids of the role definitions of roles.bicep.')
param authorityRole string
param signerRole string
param certificateReaderRole string

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

resource adminSigns 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, adminPrincipalId, signerRole)
  scope: vault
  properties: {
    roleDefinitionId: signerRole
    principalId: adminPrincipalId
    principalType: 'ServicePrincipal'
  }
}

resource enrollReads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, enrollPrincipalId, certificateReaderRole)
  scope: vault
  properties: {
    roleDefinitionId: certificateReaderRole
    principalId: enrollPrincipalId
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

output id string = vault.id
output url string = vault.properties.vaultUri
