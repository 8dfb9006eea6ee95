// Lanyard in one resource group: three function apps, their data, their certificate authority, logs and alerts.
//   azd up                       or
//   az deployment sub create --location <region> --template-file infra/main.bicep --parameters @<file>     or
//   the link in the notes of a release, which opens this template in the portal and brings the code along (packagesUrl).
// What to do before and after: docs/deployment.md. Raw resources and not the Azure Verified Modules: those have no parameter
// for certificates of a Flex app, and a small organisation can read these.

targetScope = 'subscription'

import { tables } from 'modules/names.bicep'

@description('Short name of this deployment, such as contoso; becomes part of the resource group`s name. To update, give the same name and the same region again.')
@minLength(1)
@maxLength(40)
param environmentName string

@description('Azure region of all resources; by default the one that was chosen for the deployment. It must offer Flex Consumption: az functionapp list-flexconsumption-locations.')
param location string = deployment().location

@description('Mail address of who is told when something is wrong or costs more than planned.')
@minLength(3)
param alertMail string

@description('Where the code comes from: the https address, without a slash at its end, below which enroll.zip, manage.zip and admin.zip of a release lie. Leave it as the release gives it. Empty: the code is deployed by other means, as azd does it.')
param packagesUrl string = ''

@description('The root above the certificates of PCs. lanyard: with packagesUrl it is made within half an hour, by itself. own: a root of your organisation signs the authority, and you have that done on the command line.')
@allowed([
  'lanyard'
  'own'
])
param deviceRoot string = 'lanyard'

@description('flex: nothing to pay while idle, a cold start after it. basic: one B1 plan for the three apps, always on; not with packagesUrl.')
@allowed([
  'flex'
  'basic'
])
param hosting string = 'flex'

@description('Node.js version of the apps.')
@allowed([
  '22'
  '24'
])
param nodeVersion string = '24'

@description('Memory of an instance on Flex Consumption; the price follows it.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 512

@description('Most instances that one app may grow to on Flex Consumption; bounds what a flood of requests can cost.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Requests that one instance of the enroll and manage apps takes at a time on Flex Consumption.')
@minValue(1)
@maxValue(1000)
param requestsPerInstance int = 16

@description('How a device proves itself in a session. digest also switches the client certificates of the manage app off.')
@allowed([
  'certificate'
  'digest'
])
param deviceAuth string = 'certificate'

@description('How an administrator signs in. entra needs entraClientId.')
@allowed([
  'keys'
  'entra'
])
param adminAuth string = 'keys'

@description('Application (client) id of the app registration for administrators; only with entra.')
param entraClientId string = ''

@description('Name under which Windows keeps the enrollment: 1 to 32 letters and digits.')
@minLength(1)
@maxLength(32)
param providerId string = 'Lanyard'

@description('Address of the enroll app in deep links and in the answer of discovery, with a custom domain: https://mdm.contoso.com. Empty: the address that Azure gives.')
param enrollUrl string = ''

@description('Address of the manage app with a custom domain. It stays in a device for the life of its enrollment. Empty: the address that Azure gives.')
param manageUrl string = ''

@description('How device data is copied.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
])
param dataRedundancy string = 'Standard_LRS'

@description('Days after which a large result is deleted. Finished commands are deleted after 90, and must not point to nothing before.')
@minValue(91)
@maxValue(3650)
param resultDays int = 120

@description('Keeps a deleted vault, and with it the CA, for 90 days against everybody. It cannot be switched off again.')
param purgeProtection bool = true

@description('Part of the vault`s name. A deleted vault blocks its name; raise this to deploy again with a new, empty vault. Devices then have to enroll again.')
@minValue(1)
@maxValue(99)
param vaultGeneration int = 1

@description('Gigabytes of logs a day, as text. 5 GB a month are free.')
param logDailyCapGb string = '0.16'

@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Also keep the platform`s own access log, which shows calls that never reached an app, such as those without a client certificate.')
param platformAccessLog bool = hosting == 'basic'

@description('Amount a month, in the currency of the subscription, from which a mail is sent; once made, it is changed in the portal. 0: no budget.')
@minValue(0)
param budgetAmount int = 10

@description('First day of the budget, when it is made; the default is the current month.')
param budgetStart string = utcNow('yyyy-MM-01')

var token = uniqueString(subscription().id, environmentName, location)
var tags = {
  'azd-env-name': environmentName
  product: 'lanyard'
}

// The order of the three apps in every list below.
var apps = [
  'enroll'
  'manage'
  'admin'
]
var enroll = 0
var manage = 1
var admin = 2

// Every app has to be told the addresses of the others before any of them exists, so names are chosen and not read.
var appNames = map(apps, app => 'lanyard-${app}-${token}')
var appDomain = 'azurewebsites.net'
var enrollAddress = empty(enrollUrl) ? 'https://${appNames[enroll]}.${appDomain}' : enrollUrl
var manageAddress = empty(manageUrl) ? 'https://${appNames[manage]}.${appDomain}' : manageUrl
var dataAccount = 'st${token}data'
var vaultName = 'kv-${token}-${vaultGeneration}'

// Who deploys without a command line gets the code with the resources. Flex Consumption alone takes it in this way.
var withCode = !empty(packagesUrl)
var notHttps = withCode && (!startsWith(packagesUrl, 'https://') || endsWith(packagesUrl, '/'))
var packages = notHttps
  ? fail('packagesUrl must be an https address without a slash at its end.')
  : withCode && hosting == 'basic'
      ? fail('With hosting basic the code is deployed with azd or the Azure CLI: leave packagesUrl empty.')
      : packagesUrl

// Without a registration nobody could get a token, and keys would open nothing any more.
var administratorsSignIn = adminAuth == 'entra' && empty(entraClientId)
  ? fail('adminAuth entra needs entraClientId: node lanyard entra administrators makes the app registration.')
  : adminAuth

// azd and people with a command line make it themselves: POST /api/certificate-authority.
var firstAuthority = withCode && deviceRoot == 'lanyard' ? 'timer' : 'call'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-lanyard-${environmentName}'
  location: location
  tags: tags
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    token: token
  }
}

module identities 'modules/identity.bicep' = [
  for app in apps: {
    name: 'identity-${app}'
    scope: group
    params: {
      name: 'id-lanyard-${app}-${token}'
      location: location
      tags: tags
    }
  }
]

module hostStorage 'modules/host-storage.bicep' = [
  for (app, index) in apps: {
    name: 'host-storage-${app}'
    scope: group
    params: {
      name: 'st${token}${app}'
      location: location
      tags: tags
      principalId: identities[index].outputs.principalId
    }
  }
]

module data 'modules/data-storage.bicep' = {
  name: 'data-storage'
  scope: group
  params: {
    name: dataAccount
    location: location
    tags: tags
    redundancy: dataRedundancy
    resultDays: resultDays
  }
}

// Only the admin app deletes at will. The enroll app deletes where an enrollment gives way to a newer one of the same PC: commands
// that end move to another row in devices, and devicelist forgets by what the PC was found.
module enrollRights 'modules/data-rights.bicep' = {
  name: 'data-rights-enroll'
  scope: group
  dependsOn: [
    data
  ]
  params: {
    account: dataAccount
    principalId: identities[enroll].outputs.principalId
    tables: [
      {
        table: 'devices'
        role: roles.outputs.rows
      }
      {
        table: 'devicelist'
        role: roles.outputs.rows
      }
      {
        table: 'invitations'
        role: roles.outputs.rowsKept
      }
      {
        table: 'journal'
        role: roles.outputs.rowsKept
      }
      {
        table: 'reports'
        role: roles.outputs.rowsKept
      }
      {
        table: 'catalogue'
        role: tableReader
      }
    ]
    containers: []
  }
}

module manageRights 'modules/data-rights.bicep' = {
  name: 'data-rights-manage'
  scope: group
  dependsOn: [
    data
  ]
  params: {
    account: dataAccount
    principalId: identities[manage].outputs.principalId
    tables: [
      {
        table: 'devices'
        role: roles.outputs.rows
      }
      {
        table: 'devicelist'
        role: roles.outputs.rowsKept
      }
      {
        table: 'catalogue'
        role: tableReader
      }
    ]
    containers: [
      {
        container: 'results'
        role: roles.outputs.blobsKept
      }
      {
        container: 'keys'
        role: blobReader
      }
      {
        container: 'traces'
        role: roles.outputs.blobsKept
      }
    ]
  }
}

module adminRights 'modules/data-rights.bicep' = {
  name: 'data-rights-admin'
  scope: group
  dependsOn: [
    data
  ]
  params: {
    account: dataAccount
    principalId: identities[admin].outputs.principalId
    tables: map(tables, table => {
      table: table
      role: roles.outputs.rows
    })
    containers: [
      {
        container: 'results'
        role: roles.outputs.blobsAll
      }
      {
        container: 'keys'
        role: roles.outputs.blobsKept
      }
      {
        container: 'traces'
        role: roles.outputs.blobsAll
      }
    ]
  }
}

module uploadRights 'modules/upload-rights.bicep' = {
  name: 'upload-rights'
  scope: group
  dependsOn: [
    data
  ]
  params: {
    account: dataAccount
    principalId: identities[admin].outputs.principalId
    containersRole: roles.outputs.containersMade
    blobsRole: roles.outputs.blobsKept
  }
}

// Built-in, and no more than reading: Storage Table Data Reader and Storage Blob Data Reader.
var tableReader = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '76199698-9eea-4c19-bc75-cec21354c6b6'
)
var blobReader = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
)

module logs 'modules/logs.bicep' = {
  name: 'logs'
  scope: group
  params: {
    workspaceName: 'log-lanyard-${token}'
    insightsName: 'appi-lanyard-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: logDailyCapGb
    writers: [for (app, index) in apps: identities[index].outputs.principalId]
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: vaultName
    location: location
    tags: tags
    purgeProtection: purgeProtection
    adminPrincipalId: identities[admin].outputs.principalId
    authorityRole: roles.outputs.authority
    workspaceId: logs.outputs.workspaceId
  }
}

module plans 'modules/plan.bicep' = [
  for plan in (hosting == 'flex' ? apps : ['all']): {
    name: 'plan-${plan}'
    scope: group
    params: {
      name: 'plan-lanyard-${plan}-${token}'
      location: location
      tags: tags
      hosting: hosting
    }
  }
]

var commonSettings = {
  LANYARD_ENROLL_URL: enrollAddress
  LANYARD_MANAGE_URL: manageAddress
  LANYARD_TABLES: data.outputs.tableUrl
  LANYARD_BLOBS: data.outputs.blobUrl
  LANYARD_DEVICE_AUTH: deviceAuth
  LANYARD_ADMIN_AUTH: administratorsSignIn
  LANYARD_PROVIDER_ID: providerId
}

// One value for both: the header that carries a client certificate is believed only where the platform requires one.
var manageAsksForCertificates = deviceAuth == 'certificate'

module enrollApp 'modules/function-app.bicep' = {
  name: 'app-enroll'
  scope: group
  dependsOn: [
    enrollRights
  ]
  params: {
    name: appNames[enroll]
    location: location
    tags: union(tags, { 'azd-service-name': 'enroll' })
    planId: plans[hosting == 'flex' ? enroll : 0].outputs.id
    hosting: hosting
    identityId: identities[enroll].outputs.id
    clientId: identities[enroll].outputs.clientId
    clientCertificates: false
    hostAccount: hostStorage[enroll].outputs.name
    hostBlobUrl: hostStorage[enroll].outputs.blobUrl
    packageUrl: hostStorage[enroll].outputs.packageUrl
    telemetryAddress: logs.outputs.telemetryAddress
    workspaceId: logs.outputs.workspaceId
    platformAccessLog: platformAccessLog
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    requestsPerInstance: requestsPerInstance
    settings: union(commonSettings, {
      LANYARD_APP: 'enroll'
      LANYARD_CLIENT_CERT: 'none'
      LANYARD_CA: vault.outputs.url
    })
  }
}

module manageApp 'modules/function-app.bicep' = {
  name: 'app-manage'
  scope: group
  dependsOn: [
    manageRights
  ]
  params: {
    name: appNames[manage]
    location: location
    tags: union(tags, { 'azd-service-name': 'manage' })
    planId: plans[hosting == 'flex' ? manage : 0].outputs.id
    hosting: hosting
    identityId: identities[manage].outputs.id
    clientId: identities[manage].outputs.clientId
    clientCertificates: manageAsksForCertificates
    hostAccount: hostStorage[manage].outputs.name
    hostBlobUrl: hostStorage[manage].outputs.blobUrl
    packageUrl: hostStorage[manage].outputs.packageUrl
    telemetryAddress: logs.outputs.telemetryAddress
    workspaceId: logs.outputs.workspaceId
    platformAccessLog: platformAccessLog
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    requestsPerInstance: requestsPerInstance
    settings: union(commonSettings, {
      LANYARD_APP: 'manage'
      LANYARD_CLIENT_CERT: manageAsksForCertificates ? 'platform' : 'none'
    })
  }
}

module adminApp 'modules/function-app.bicep' = {
  name: 'app-admin'
  scope: group
  dependsOn: [
    adminRights
  ]
  params: {
    name: appNames[admin]
    location: location
    tags: union(tags, { 'azd-service-name': 'admin' })
    planId: plans[hosting == 'flex' ? admin : 0].outputs.id
    hosting: hosting
    identityId: identities[admin].outputs.id
    clientId: identities[admin].outputs.clientId
    clientCertificates: false
    hostAccount: hostStorage[admin].outputs.name
    hostBlobUrl: hostStorage[admin].outputs.blobUrl
    packageUrl: hostStorage[admin].outputs.packageUrl
    telemetryAddress: logs.outputs.telemetryAddress
    workspaceId: logs.outputs.workspaceId
    platformAccessLog: platformAccessLog
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    requestsPerInstance: requestsPerInstance
    settings: union(commonSettings, {
      LANYARD_APP: 'admin'
      LANYARD_CLIENT_CERT: 'none'
      LANYARD_CA: vault.outputs.url
      LANYARD_FIRST_CA: firstAuthority
    })
  }
}

module signIn 'modules/sign-in.bicep' = {
  name: 'sign-in'
  scope: group
  dependsOn: [
    adminApp
  ]
  params: {
    app: appNames[admin]
    on: adminAuth == 'entra'
    clientId: entraClientId
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: tags
    token: token
    mail: alertMail
    workspaceId: logs.outputs.workspaceId
    enrollApp: appNames[enroll]
    manageApp: appNames[manage]
    adminApp: appNames[admin]
    firstAuthorityByTimer: firstAuthority == 'timer'
  }
}

// Last of all, so that the rights, which take minutes to be known everywhere, have as long as can be: Azure puts the package into
// the app's host account with the app's own identity.
module code 'modules/package.bicep' = [
  for (app, index) in apps: if (withCode) {
    name: 'package-${app}'
    scope: group
    dependsOn: [
      hostStorage
      enrollRights
      manageRights
      adminRights
      uploadRights
      logs
      vault
      enrollApp
      manageApp
      adminApp
      signIn
      alerts
    ]
    params: {
      app: appNames[index]
      packageUrl: '${packages}/${app}.zip'
    }
  }
]

// With azd the key is there before the right is given. Here the admin app makes it minutes later, and nobody may come back: if
// Azure refuses the right on a key that is not there yet, this last step alone fails, and a second deployment completes it.
module signingRight 'signing-right.bicep' = if (withCode) {
  name: 'signing-right'
  scope: group
  dependsOn: [
    code
  ]
  params: {
    vault: vaultName
    issuingKey: 'lanyard-issuing-ca'
    principalId: identities[enroll].outputs.principalId
    signerRole: roles.outputs.signer
  }
}

module budget 'modules/budget.bicep' = if (budgetAmount > 0) {
  name: 'budget'
  scope: group
  params: {
    name: 'lanyard-${environmentName}'
    amount: budgetAmount
    mail: alertMail
    startDate: budgetStart
  }
}

@description('What azd and the commands of docs/deployment.md ask for.')
output AZURE_RESOURCE_GROUP string = group.name
output LANYARD_ENVIRONMENT string = environmentName
output LANYARD_ENROLL_APP string = appNames[enroll]
output LANYARD_MANAGE_APP string = appNames[manage]
output LANYARD_ADMIN_APP string = appNames[admin]
output LANYARD_VAULT string = vaultName
output LANYARD_DATA_ACCOUNT string = dataAccount
output LANYARD_SIGNER_ROLE string = roles.outputs.signer
output LANYARD_ENROLL_PRINCIPAL string = identities[enroll].outputs.principalId
output LANYARD_ADMIN_PRINCIPAL string = identities[admin].outputs.principalId

// Not by the names of the variables in main.parameters.json: azd down takes the outputs out of its environment, and with them
// what was chosen.
@description('How the deployment was made, for what is done after it.')
output LANYARD_DEPLOYED_ROOT string = deviceRoot
output LANYARD_DEPLOYED_ADMIN_AUTH string = administratorsSignIn
output LANYARD_DEPLOYED_ENTRA_CLIENT_ID string = entraClientId

@description('Where people and devices enroll, and what they are told the address is.')
output LANYARD_ENROLL_URL string = enrollAddress
output LANYARD_DISCOVERY_URL string = '${enrollAddress}/EnrollmentServer/Discovery.svc'
output LANYARD_MANAGE_URL string = manageAddress

@description('What is entered in Microsoft Entra, where devices enroll with it: the MDM discovery and terms of use addresses, and the redirect address of the app registration.')
output LANYARD_ENTRA_DISCOVERY_URL string = '${enrollAddress}/entra/EnrollmentServer/Discovery.svc'
output LANYARD_ENTRA_TERMS_URL string = '${enrollAddress}/entra/TermsOfUse'
output LANYARD_ENTRA_REDIRECT_URL string = '${enrollAddress}/EnrollmentServer/SignIn/Callback'

@description('The admin API.')
output LANYARD_URL string = adminApp.outputs.url

@description('The addresses that Azure gave; the same as those above unless a custom domain is used, and what a CNAME points to.')
output LANYARD_ENROLL_APP_URL string = enrollApp.outputs.url
output LANYARD_MANAGE_APP_URL string = manageApp.outputs.url

@description('The value of the TXT record asuid.… with which a domain proves to be yours.')
output LANYARD_DOMAIN_VERIFICATION string = enrollApp.outputs.domainVerification
