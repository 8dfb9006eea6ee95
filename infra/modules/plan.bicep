// A hosting plan. Flex Consumption takes one app a plan and costs nothing idle; B1 takes all three for a flat price.

param name string
param location string
param tags object

@allowed([
  'flex'
  'basic'
])
param hosting string

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: hosting == 'flex' ? 'functionapp' : 'linux'
  sku: hosting == 'flex'
    ? {
        tier: 'FlexConsumption'
        name: 'FC1'
      }
    : {
        tier: 'Basic'
        name: 'B1'
      }
  properties: {
    reserved: true
  }
}

output id string = plan.id
