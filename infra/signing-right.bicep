// After the certificate authority was made: lets the enroll app sign with the issuing key, and with no other key of the vault.
// It comes after, since nobody says whether a right can be given on a key that is not there yet. It may be repeated.
//   az deployment group create --resource-group <group> --template-file infra/signing-right.bicep --parameters vault=<name> ...

@description('Name of the vault.')
param vault string

@description('Name of the issuing key, which is the name of its certificate.')
param issuingKey string

@description('Principal id of the enroll app: output LANYARD_ENROLL_PRINCIPAL.')
param principalId string

@description('Resource id of the role that signs: output LANYARD_SIGNER_ROLE.')
param signerRole string

resource keys 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vault

  resource issuing 'keys' existing = {
    name: issuingKey
  }
}

resource right 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(keys::issuing.id, principalId, signerRole)
  scope: keys::issuing
  properties: {
    roleDefinitionId: signerRole
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
