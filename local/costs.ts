/**
 * What Lanyard costs in Azure, computed from list prices. docs/costs.md shows the tables; a test holds it to this file.
 * All amounts are USD, for East US, as of 21 November 2026.
 */

/** `quoted`: found in what others published. `remembered`: known for years, and not looked up again. Neither is a price page. */
type Source = 'quoted' | 'remembered';

interface Price {
  usd: number;
  per: string;
  source: Source;
}

const price = (usd: number, per: string, source: Source): Price => ({ usd, per, source });

export const PRICES = {
  flexGbSecond: price(0.000026, 'GB-second, on demand', 'quoted'),
  flexExecutions: price(0.4, 'million executions', 'quoted'),
  tableOperations: price(0.00036, '10,000 table operations', 'remembered'),
  hostBlobs: price(0.31, 'month, leases and locks of the Functions hosts', 'remembered'),
  keyVault: price(0.03, 'month, at this number of signatures', 'remembered'),
  logs: price(2.3, 'GB of logs', 'remembered'),
  logAlerts: price(0.5, 'log alert rule a month, evaluated every 15 minutes or less often', 'remembered'),
  basicPlan: price(13, 'B1 Linux plan a month', 'remembered'),
  egress: price(0.087, 'GB that leaves Azure', 'remembered'),
} as const;

/** Free each month in a subscription (logs: in a billing account), if nothing else uses it up. */
export const FREE = { gbSeconds: 100_000, executions: 250_000, logGb: 5, egressGb: 100 };

/** What one deployment does in a month, as it is delivered: a call every 8 hours. */
export const MODEL = {
  days: 30.4166,
  sessionsADay: 3,
  messagesASession: 3,
  tableOperationsAMessage: 6,
  logKbAMessage: 12,
  instanceGb: 0.5,
  /** A burst of work is charged as one second at least. */
  leastSeconds: 1,
  logDailyCapGb: 0.16,
  logAlertRules: 4,
};

export interface MonthlyCost {
  messages: number;
  /** The messages of a session share one charged second, or none do. */
  computeLow: number;
  computeHigh: number;
  tables: number;
  fixed: number;
  /** GB that would be logged without the daily cap, and what the cap lets through. */
  logGb: number;
  keptLogGb: number;
  /** Free grants left and shared seconds, to no free grants and no shared seconds. */
  low: number;
  high: number;
  /** The same on one B1 plan. */
  basic: number;
}

/** @returns what a month costs with so many devices, in USD */
export function monthlyCost(devices: number): MonthlyCost {
  const messages = devices * MODEL.sessionsADay * MODEL.messagesASession * MODEL.days;
  const charged = (seconds: number, free: boolean) =>
    Math.max(0, seconds * MODEL.instanceGb - (free ? FREE.gbSeconds : 0)) * PRICES.flexGbSecond.usd +
    (Math.max(0, messages - (free ? FREE.executions : 0)) / 1e6) * PRICES.flexExecutions.usd;
  const seconds = messages * MODEL.leastSeconds;
  const tables = ((messages * MODEL.tableOperationsAMessage) / 10_000) * PRICES.tableOperations.usd;
  const fixed = PRICES.hostBlobs.usd + PRICES.keyVault.usd + MODEL.logAlertRules * PRICES.logAlerts.usd;
  const logGb = (messages * MODEL.logKbAMessage) / (1024 * 1024);
  const keptLogGb = Math.min(logGb, MODEL.logDailyCapGb * MODEL.days);
  const logs = (free: boolean) => Math.max(0, keptLogGb - (free ? FREE.logGb : 0)) * PRICES.logs.usd;
  const computeLow = charged(seconds / MODEL.messagesASession, true);
  return {
    messages,
    computeLow,
    computeHigh: charged(seconds, true),
    tables,
    fixed,
    logGb,
    keptLogGb,
    low: computeLow + tables + fixed + logs(true),
    high: charged(seconds, false) + tables + fixed + logs(false),
    basic: PRICES.basicPlan.usd + tables + fixed + logs(true),
  };
}

/** Somebody without any right who calls one app as fast as it answers. */
export const FLOOD = {
  /** most instances: `maximumInstanceCount` of the template */
  instances: 40,
  /** requests a second that an instance of 512 MB answers; our guess, on the high side */
  requestsPerInstance: 100,
  /** the most expensive call that is open to strangers: an enrollment that is refused */
  tableOperations: 8,
  replyKb: 2,
};

/** @returns what a day of it costs at worst on Flex Consumption, in USD, with no free grants left */
export function floodADay(): Record<'compute' | 'executions' | 'tables' | 'egress' | 'logs' | 'total', number> {
  const seconds = 86_400;
  const requests = FLOOD.instances * FLOOD.requestsPerInstance * seconds;
  const compute = FLOOD.instances * MODEL.instanceGb * seconds * PRICES.flexGbSecond.usd;
  const executions = (requests / 1e6) * PRICES.flexExecutions.usd;
  const tables = ((requests * FLOOD.tableOperations) / 10_000) * PRICES.tableOperations.usd;
  const egress = ((requests * FLOOD.replyKb) / (1024 * 1024)) * PRICES.egress.usd;
  const logs = MODEL.logDailyCapGb * PRICES.logs.usd;
  return { compute, executions, tables, egress, logs, total: compute + executions + tables + egress + logs };
}
