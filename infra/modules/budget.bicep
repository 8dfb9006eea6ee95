// Mails when the resource group costs more than was planned. A budget warns; it stops nothing.
// Made once: Azure refuses to change its start ("Start date of budgets cannot be updated"), which must be in the month in which
// it is made, so a deployment in a later month would fail. Amount and mail are changed in the portal.

param name string

@description('Amount a month, in the currency of the subscription.')
param amount int
param mail string

@description('First day of the month in which the budget is made: 2026-11-01.')
param startDate string

@onlyIfNotExists()
resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      half: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 50
        thresholdType: 'Actual'
        contactEmails: [
          mail
        ]
      }
      full: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Actual'
        contactEmails: [
          mail
        ]
      }
      forecast: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 200
        thresholdType: 'Forecasted'
        contactEmails: [
          mail
        ]
      }
    }
  }
}
