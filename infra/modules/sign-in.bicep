// Sign-in of administrators with Entra, by the platform (App Service Authentication). The app registration, with the app roles
// Reader, Operator and Approver, is made beforehand: docs/deployment.md.

@description('The admin app.')
param app string

@description('Application (client) id of the registration.')
param clientId string

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: app
}

resource authentication 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      // A client of the API wants a status, not a page to sign in on.
      unauthenticatedClientAction: 'Return401'
    }
    identityProviders: {
      azureActiveDirectory: {
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
    }
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
