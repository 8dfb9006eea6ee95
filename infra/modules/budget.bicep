// Mails when the resource group costs more than was planned. A budget warns; it stops nothing.

param name string

@description('Amount a month, in the currency of the subscription.')
param amount int
param mail string

@description('First day of a month, no earlier than the current one: 2026-11-01.')
param startDate string

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
