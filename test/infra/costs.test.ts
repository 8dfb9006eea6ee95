import { describe, expect, test } from 'vitest';
import { FLOOD, floodADay, MODEL, monthlyCost, PRICES } from '../../local/costs.ts';
import { defaultOf, readText, template } from './bicep.ts';

const page = readText('docs/costs.md');
const main = template('infra/main.bicep');

function rows(heading: string): string[][] {
  const text = page.slice(page.indexOf(`## ${heading}`)).split('\n## ')[0] ?? '';
  return [...text.matchAll(/^\| (.+) \|$/gm)].map(([, row = '']) => row.split(' | ').map((cell) => cell.trim()));
}

describe('the costs page', () => {
  test.each([10, 100, 1_000, 10_000])('says what %i PCs cost a month', (devices) => {
    const row = rows('A month').find(([first]) => first === devices.toLocaleString('en'));
    const { low, high, basic } = monthlyCost(devices);
    expect(row?.slice(1)).toEqual([low, high, basic].map((usd) => usd.toFixed(2)));
  });

  test('says where it goes', () => {
    const { computeHigh, keptLogGb } = monthlyCost(1_000);
    const withoutGrants = computeHigh + 100_000 * PRICES.flexGbSecond.usd + 0.25 * PRICES.flexExecutions.usd;
    const [computing, gb, logs] = [withoutGrants, keptLogGb, keptLogGb * PRICES.logs.usd].map((each) =>
      each.toFixed(2),
    );
    const alerts = (MODEL.logAlertRules * PRICES.logAlerts.usd).toFixed(2);
    expect(page).toContain(`computing ${computing}, logs ${gb} GB or ${logs}, alerts ${alerts}, the rest under 1.`);
  });

  test('shows every price, and where it is from', () => {
    const shown = rows('How it is computed')
      .slice(2)
      .map(([per, usd, source]) => ({ per, usd: Number(usd), source }));
    expect(shown).toEqual(Object.values(PRICES));
  });

  test('says what a day of a flood can cost', () => {
    const { compute, executions, tables, egress, logs, total } = floodADay();
    const shown = rows('A flood of requests')
      .slice(2)
      .map(([, usd = '']) => usd.replaceAll('*', ''));
    const whole = [compute, executions, tables, egress].map((usd) => usd.toFixed(0));
    expect(shown).toEqual([...whole, logs.toFixed(2), total.toFixed(0)]);
    expect(page).toContain(
      `That is ${(FLOOD.instances * FLOOD.requestsPerInstance).toLocaleString('en')} requests a second`,
    );
  });
});

test('the model is what the template delivers', () => {
  expect(defaultOf(main, 'maximumInstanceCount')).toBe(String(FLOOD.instances));
  expect(Number(defaultOf(main, 'instanceMemoryMB')) / 1024).toBe(MODEL.instanceGb);
  expect(defaultOf(main, 'logDailyCapGb')).toBe(`'${MODEL.logDailyCapGb}'`);
  const { text } = template('infra/modules/alerts.bicep');
  expect(text.match(/^ {4}query: /gm)).toHaveLength(MODEL.logAlertRules);
});

test('more PCs never cost less, and a thousand fit into what is free', () => {
  const costs = [1, 10, 100, 1_000, 5_000, 10_000].map((devices) => monthlyCost(devices).high);
  expect(costs).toEqual(costs.toSorted((a, b) => a - b));
  expect(monthlyCost(1_000).computeLow).toBeLessThan(0.02);
  // The figures of the published comparison this model follows.
  expect(monthlyCost(10_000).computeLow).toBeCloseTo(10.26, 2);
  expect(monthlyCost(10_000).computeHigh).toBeCloseTo(33.98, 2);
});
