// The code of one app on Flex Consumption, from an address that anybody may read. Deploying it again with the address of a newer
// release updates the app.
// https://learn.microsoft.com/azure/azure-functions/functions-infrastructure-as-code#deployment-package

@description('Name of the function app. Its identity must have its rights in the host storage account by now.')
param app string

@description('https address of the zip.')
param packageUrl string

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: app
}

resource package 'Microsoft.Web/sites/extensions@2024-11-01' = {
  parent: site
  name: 'onedeploy'
  // The published types do not know what the extension takes.
  #disable-next-line BCP187
  properties: {
    packageUri: packageUrl
    remoteBuild: false
  }
}
