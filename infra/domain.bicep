// A second step, when the DNS records are there: a domain of the organisation on one app, with a free certificate that Azure
// renews. It may be repeated, and repeating it changes nothing. One run for each app and domain.
//   az deployment group create --resource-group <group> --template-file infra/domain.bicep --parameters app=<name> hostName=<domain>
// Records beforehand: CNAME <domain> -> <app>.azurewebsites.net, TXT asuid.<domain> -> the app's verification id.

@description('Name of the function app.')
param app string

@description('The domain: enterpriseenrollment.contoso.com.')
@maxLength(64)
param hostName string

@description('The hosting of the deployment.')
@allowed([
  'flex'
  'basic'
])
param hosting string = 'flex'

@description('Only for basic, and only in the first run: there the domain must be on the app before a certificate is made. Later it would take the certificate off for a moment.')
param firstRun bool = false

param location string = resourceGroup().location

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: app
}

module bare 'modules/domain-binding.bicep' = if (hosting == 'basic' && firstRun) {
  name: 'bare-${uniqueString(hostName)}'
  params: {
    app: app
    hostName: hostName
    thumbprint: ''
  }
}

// Flex: the certificate belongs to the app, which can hold three.
resource ownCertificate 'Microsoft.Web/sites/certificates@2024-11-01' = if (hosting == 'flex') {
  parent: site
  name: hostName
  location: location
  properties: {
    canonicalName: hostName
  }
}

// Basic: it belongs to the plan.
resource planCertificate 'Microsoft.Web/certificates@2024-11-01' = if (hosting == 'basic') {
  name: '${app}-${hostName}'
  location: location
  dependsOn: [
    bare
  ]
  properties: {
    serverFarmId: site.properties.serverFarmId
    canonicalName: hostName
  }
}

// In a module of its own, since in the first run of basic the same binding is written twice.
module binding 'modules/domain-binding.bicep' = {
  name: 'binding-${uniqueString(hostName)}'
  params: {
    app: app
    hostName: hostName
    thumbprint: hosting == 'flex' ? ownCertificate!.properties.thumbprint : planCertificate!.properties.thumbprint
  }
}

output url string = 'https://${hostName}'
