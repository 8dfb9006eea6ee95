// One function app, on either plan, without a key or a connection string in its settings.

param name string
param location string
param tags object
param planId string

@allowed([
  'flex'
  'basic'
])
param hosting string

@description('The app`s own identity.')
param identityId string
param clientId string

@description('Whether the platform asks every caller for a TLS client certificate and answers 403 without one.')
param clientCertificates bool

@description('Host storage account: its name, its blob service and its package container.')
param hostAccount string
param hostBlobUrl string
param packageUrl string

param telemetryAddress string
param workspaceId string

@description('Also keep the platform`s own access log (AppServiceHTTPLogs), which shows what never reached the app.')
param platformAccessLog bool

@description('What Lanyard itself reads: name and value.')
param settings { *: string }

param nodeVersion string
param instanceMemoryMB int
param maximumInstanceCount int
param requestsPerInstance int

var platformSettings = {
  // Both: with the address alone some versions of the host found no storage at their start (azure-functions-host issue 11787).
  AzureWebJobsStorage__accountName: hostAccount
  AzureWebJobsStorage__blobServiceUri: hostBlobUrl
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: clientId
  AZURE_CLIENT_ID: clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: telemetryAddress
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${clientId}'
  AzureWebJobsDisableHomepage: 'true'
}

// Flex Consumption refuses these: it takes runtime and package from functionAppConfig.
var basicSettings = {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'node'
  WEBSITE_RUN_FROM_PACKAGE: '1'
}

var allSettings = union(platformSettings, hosting == 'basic' ? basicSettings : {}, settings)

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: planId
    reserved: hosting == 'basic' ? true : null
    httpsOnly: true
    // Only while an app is made; without it a Flex app can never have a certificate of its own. Newer than the published types.
    #disable-next-line BCP037
    siteScopedCertificatesEnabled: hosting == 'flex' ? true : null
    // Closes /admin of the host, which the master key opens, for callers from outside. Newer than the published types.
    #disable-next-line BCP037
    functionsRuntimeAdminIsolationEnabled: true
    // Required for all addresses. An exclusion path would make the platform ask for the certificate in the middle of a
    // request, which breaks TLS 1.3 and bodies over 100 KB.
    clientCertEnabled: clientCertificates
    clientCertMode: 'Required'
    keyVaultReferenceIdentity: identityId
    functionAppConfig: hosting == 'flex'
      ? {
          runtime: {
            name: 'node'
            version: nodeVersion
          }
          scaleAndConcurrency: {
            instanceMemoryMB: instanceMemoryMB
            maximumInstanceCount: maximumInstanceCount
            triggers: {
              http: {
                perInstanceConcurrency: requestsPerInstance
              }
            }
          }
          deployment: {
            storage: {
              type: 'blobContainer'
              value: packageUrl
              authentication: {
                type: 'UserAssignedIdentity'
                userAssignedIdentityResourceId: identityId
              }
            }
          }
        }
      : null
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      // Client certificates are asked for in the handshake of HTTP/1.1; devices speak nothing newer.
      http20Enabled: false
      alwaysOn: hosting == 'basic' ? true : null
      linuxFxVersion: hosting == 'basic' ? 'NODE|${nodeVersion}' : null
      appSettings: map(items(allSettings), setting => {
        name: setting.key
        value: setting.value
      })
    }
  }
}

// Passwords for publishing: both off, so that publishing needs an Entra sign-in.
resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noScmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource accessLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (platformAccessLog) {
  name: 'access-log'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AppServiceHTTPLogs'
        enabled: true
      }
    ]
  }
}

output url string = 'https://${app.properties.defaultHostName}'
output domainVerification string = app.properties.customDomainVerificationId
