// Mails what an administrator must know and would not see: a timer that does not run, a failure that nobody handled, logs that
// are cut off, a certificate that is about to end.

param location string
param tags object
param token string
param mail string
param workspaceId string

@description('Names of the three apps, as they stand in the logs.')
param enrollApp string
param manageApp string
param adminApp string

@description('Whether the admin app makes the first certificate authority by a timer, which is then watched like the others.')
param firstAuthorityByTimer bool

@description('The timers of the admin app and the hours after which one is overdue. The same as in functions/timers.')
var timers = [
  {
    name: 'certificate-authority-due'
    hours: 26
  }
  {
    name: 'device-counts'
    hours: 3
  }
  {
    name: 'expired-commands'
    hours: 3
  }
  {
    name: 'expiring-certificates'
    hours: 26
  }
  {
    name: 'first-certificate-authority'
    hours: 3
  }
  {
    name: 'retention'
    hours: 26
  }
  {
    name: 'silent-devices'
    hours: 3
  }
]

var watched = filter(timers, timer => firstAuthorityByTimer || timer.name != 'first-certificate-authority')
var timerRows = join(map(watched, timer => '"${timer.name}", ${timer.hours}'), ', ')

// A new deployment has not run its nightly timer yet: nothing is overdue before the app has been up that long.
var overdueTimers = '''
let since = toscalar(AppRequests | where AppRoleName =~ "{0}" | summarize min(TimeGenerated));
datatable(timer: string, hours: int) [{1}]
| join kind=leftouter (AppRequests | where AppRoleName =~ "{0}" and Success | summarize last = max(TimeGenerated) by timer = Name) on timer
| where isnull(since) or since < now() - hours * 1h
| where isnull(last) or last < now() - hours * 1h
| project timer, last
'''

// An enrollment that is refused is a SOAP fault with HTTP 500, as MS-MDE2 asks for. It is no failure: in the enroll app only
// what was thrown, logged as an error, or refused for a cause of our own counts. 503 asks a device to come again when storage
// did not answer. A timer has no status: the runtime writes 0 or nothing.
var failures = '''
union
  (AppRequests | where AppRoleName in~ ("{1}", "{2}") and ResultCode startswith "5" | where not(AppRoleName =~ "{1}" and ResultCode == "503") | project TimeGenerated, AppRoleName, Name),
  (AppExceptions | where AppRoleName =~ "{0}" | project TimeGenerated, AppRoleName, Name = OperationName),
  (AppTraces | where AppRoleName =~ "{0}" | where SeverityLevel >= 3 or Message matches regex '"cause":"(failed|storageUnreachable|authorityUnreachable|entraUnreachable|settingsUnreadable)"' | project TimeGenerated, AppRoleName, Name = OperationName),
  (AppRequests | where AppRoleName =~ "{2}" and (isempty(ResultCode) or ResultCode == "0") and Success == false | project TimeGenerated, AppRoleName, Name)
| summarize count() by AppRoleName, Name
'''

// Two timers of the admin app look at certificates every day and write these lines. Those of devices count on Mondays alone: one PC
// that was lost would otherwise send a mail every day.
var certificates = '''
AppTraces
| where AppRoleName =~ "{0}"
| where Message contains '"event":"certificate-authority-due"' or (Message startswith "Certificates end soon" and dayofweek(now()) == 1d)
| project TimeGenerated, Message
'''

var rules = [
  {
    name: 'certificates-end-soon'
    description: 'The certificate authority ends soon or waits for something: sent every day until that is done. Or certificates of devices that did not renew them: sent on Mondays. The log says which.'
    query: format(certificates, adminApp)
    severity: 2
    every: 'P1D'
    window: 'P1D'
    lookBack: 'P1D'
    once: false
  }
  {
    name: 'timer-has-not-run'
    description: 'A timer of the admin app is overdue. Look at its last runs and at the state of the app.'
    query: format(overdueTimers, adminApp, timerRows)
    severity: 2
    every: 'PT1H'
    window: 'PT1H'
    lookBack: 'P2D'
    once: true
  }
  {
    name: 'unhandled-failure'
    description: 'A call failed for a reason that is not the caller`s. The log of that minute says why.'
    query: format(failures, enrollApp, manageApp, adminApp)
    severity: 2
    every: 'PT15M'
    window: 'PT15M'
    lookBack: 'PT15M'
    once: true
  }
  {
    name: 'logs-are-cut-off'
    description: 'The daily cap of the logs was reached. Until the next day the other alerts see nothing.'
    query: '_LogOperation | where Category =~ "Ingestion" and Detail contains "OverQuota"'
    severity: 2
    every: 'PT1H'
    window: 'PT1H'
    lookBack: 'PT1H'
    once: true
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'lanyard-${token}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'Lanyard'
    emailReceivers: [
      {
        name: 'administrator'
        emailAddress: mail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for each in rules: {
    name: 'lanyard-${each.name}-${token}'
    location: location
    tags: tags
    properties: {
      displayName: 'Lanyard: ${replace(each.name, '-', ' ')}'
      description: each.description
      enabled: true
      severity: each.severity
      scopes: [
        workspaceId
      ]
      evaluationFrequency: each.every
      windowSize: each.window
      overrideQueryTimeRange: each.lookBack == each.window ? null : each.lookBack
      // The tables come into being with the first line that is written.
      skipQueryValidation: true
      // With it, nothing more is sent until the rule has been quiet for a while; rules that look once a day never are.
      autoMitigate: each.once
      criteria: {
        allOf: [
          {
            query: each.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [
          people.id
        ]
      }
    }
  }
]
