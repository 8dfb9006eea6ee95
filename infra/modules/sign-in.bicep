// Sign-in of administrators with Entra, by the platform (App Service Authentication). Written also where it is off: a deployment
// takes nothing away that its template does not name, and who goes back to keys would stay locked out. The app registration, with the app roles
// Reader, Operator and Approver, is made beforehand: docs/deployment.md.

@description('The admin app.')
param app string

param on bool

@description('Application (client) id of the registration; empty while it is off.')
param clientId string

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: app
}

var registration = {
  enabled: true
  registration: {
    clientId: clientId
    openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  }
  validation: {
    allowedAudiences: [
      clientId
      'api://${clientId}'
    ]
  }
}

resource authentication 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: on
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: on
      // A client of the API wants a status, not a page to sign in on.
      unauthenticatedClientAction: on ? 'Return401' : 'AllowAnonymous'
    }
    identityProviders: on ? { azureActiveDirectory: registration } : {}
    login: {
      tokenStore: {
        enabled: false
      }
    }
    httpSettings: {
      requireHttps: true
    }
  }
}
