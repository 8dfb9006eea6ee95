import { describe, expect, test } from 'vitest';
import { block, template, valuesBelow, valuesOf, variable } from './bicep.ts';

/** An alert that nobody gets, or that comes for everything, is none. */

const ALERTS = 'infra/modules/alerts.bicep';
const rules = valuesOf(variable(ALERTS, 'rules'));
const settings = valuesOf(block(ALERTS, 'resource', 'rule'));

/** A query as Azure gets it: between three quotes Bicep puts nothing in, `format` does. */
function query(name: string, ...values: string[]): string {
  const text = new RegExp(`^var ${name} = '''\\n([\\s\\S]*?)'''`, 'm').exec(template(ALERTS).text)?.[1] ?? '';
  return text.replace(/\{(\d)\}/g, (_, place) => values[Number(place)] ?? '?');
}

describe('every alert', () => {
  test('is sent to whom the deployment names', () => {
    expect(valuesBelow(block(ALERTS, 'resource', 'rule'), 'properties.actions')).toEqual({
      actionGroups: '[',
      'actionGroups.0': 'people.id',
    });
    expect(valuesBelow(block(ALERTS, 'resource', 'people'), 'properties')).toEqual({
      enabled: 'true',
      groupShortName: "'Lanyard'",
      emailReceivers: '[',
      'emailReceivers.0': '{',
      'emailReceivers.0.name': "'administrator'",
      'emailReceivers.0.emailAddress': 'mail',
      'emailReceivers.0.useCommonAlertSchema': 'true',
    });
    expect(valuesOf(block('infra/main.bicep', 'module', 'alerts'))['params.mail']).toBe('alertMail');
  });

  test('is sent for the first line that its query finds in the logs of the apps', () => {
    expect(settings).toMatchObject({
      for: 'for each in rules: {',
      'properties.enabled': 'true',
      'properties.scopes.0': 'workspaceId',
      'properties.evaluationFrequency': 'each.every',
      'properties.windowSize': 'each.window',
      'properties.overrideQueryTimeRange': 'each.lookBack == each.window ? null : each.lookBack',
    });
    expect(valuesBelow(block(ALERTS, 'resource', 'rule'), 'properties.criteria')).toEqual({
      allOf: '[',
      'allOf.0': '{',
      'allOf.0.query': 'each.query',
      'allOf.0.timeAggregation': "'Count'",
      'allOf.0.operator': "'GreaterThan'",
      'allOf.0.threshold': '0',
      'allOf.0.failingPeriods': '{',
      'allOf.0.failingPeriods.numberOfEvaluationPeriods': '1',
      'allOf.0.failingPeriods.minFailingPeriodsToAlert': '1',
    });
  });

  test('looks at the apps that it is about, as often as it says', () => {
    expect(valuesOf(block('infra/main.bicep', 'module', 'alerts'))).toMatchObject({
      'params.workspaceId': 'logs.outputs.workspaceId',
      'params.enrollApp': 'appNames[enroll]',
      'params.manageApp': 'appNames[manage]',
      'params.adminApp': 'appNames[admin]',
    });
    const facts = ['name', 'query', 'every', 'window', 'lookBack'];
    const found = [0, 1, 2, 3].map((place) => facts.map((fact) => rules[`${place}.${fact}`]));
    expect(found).toEqual([
      ["'certificates-end-soon'", 'format(certificates, adminApp)', "'P1D'", "'P1D'", "'P1D'"],
      ["'timer-has-not-run'", 'format(overdueTimers, adminApp, timerRows)', "'PT1H'", "'PT1H'", "'P2D'"],
      ["'unhandled-failure'", 'format(failures, enrollApp, manageApp, adminApp)', "'PT15M'", "'PT15M'", "'PT15M'"],
      ["'logs-are-cut-off'", expect.stringContaining('_LogOperation'), "'PT1H'", "'PT1H'", "'PT1H'"],
    ]);
    expect(rules['4']).toBeUndefined();
  });
});

describe('the alert of failures', () => {
  const parts = query('failures', 'E', 'M', 'A')
    .split('\n')
    .filter((line) => line.startsWith('  ('))
    .map((line) => line.replace(/^ +\(| \| project .*$/g, ''));

  test('counts answers of 5xx of the apps whose answers are HTTP: in the enroll app a refusal is one, as MS-MDE2 asks for', () => {
    expect(parts.filter((part) => part.includes('startswith "5"'))).toEqual([
      'AppRequests | where AppRoleName in~ ("M", "A") and ResultCode startswith "5" | where not(AppRoleName =~ "M" and ResultCode == "503")',
    ]);
  });

  test('counts of the enroll app what was thrown, logged as an error, or refused for a cause of our own', () => {
    const ofEnroll = parts.filter((part) => part.includes('"E"'));
    expect(ofEnroll).toEqual([
      'AppExceptions | where AppRoleName =~ "E"',
      expect.stringMatching(
        /^AppTraces \| where AppRoleName =~ "E" \| where SeverityLevel >= 3 or Message matches regex '"cause":"\([\w|]+\)"'$/,
      ),
    ]);
  });

  test('has nothing else than these and the timers', () => {
    expect(parts).toHaveLength(4);
    expect(parts[3]).toBe(
      'AppRequests | where AppRoleName =~ "A" and (isempty(ResultCode) or ResultCode == "0") and Success == false',
    );
  });
});
