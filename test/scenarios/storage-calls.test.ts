import { expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

/** Counts what leaves for storage while `act` runs. */
async function callsOf(act: () => Promise<unknown>): Promise<string[]> {
  const calls: string[] = [];
  observeStorage(({ service, operation, name }) => {
    calls.push(`${service} ${operation} ${name}`);
  });
  try {
    await act();
  } finally {
    observeStorage(undefined);
  }
  return calls;
}

test('a message is one query and one transaction; the first of a day two calls more', async () => {
  const { device } = await lanyard().enrolledDevice();
  const first = await callsOf(() => device.sync());
  // Facts are asked in the first message and answered in the second; both write, and a new name goes to the list.
  expect(first.filter((call) => call.startsWith('table query'))).toHaveLength(2);
  const quiet = await callsOf(() => device.sync());
  expect(quiet).toEqual(['table query devices', 'table replace devices']);

  lanyard().pass({ days: 1 });
  await callsOf(() => lanyard().get('/api/settings'));
  const nextDay = await callsOf(() => device.sync());
  expect(nextDay.filter((call) => !call.endsWith('catalogue'))).toEqual([
    'table query devices',
    'table replace devices',
    'table get devicelist',
    'table replace devicelist',
  ]);
});

test('a message with work takes the same two calls, however many commands it carries', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  for (let index = 0; index < 20; index += 1) await lanyard().queue(id, 'Get', `./DevDetail/SwV`);
  const calls = await callsOf(() => device.sync());
  expect(calls).toEqual([
    'table query devices',
    'table transaction devices',
    'table query devices',
    'table transaction devices',
  ]);
});

test('a repeated message is one query and nothing is written', async () => {
  const network = { sendTwice: [1], requests: 0 };
  const { device } = await lanyard().enrolledDevice();
  await device.sync();
  const again = await lanyard().enrolledDevice({ network: {} });
  await again.device.sync();
  const twice = await callsOf(async () => {
    const report = await again.device.sync();
    expect(report.messages).toBe(1);
  });
  expect(twice).toHaveLength(2);
  expect(network.requests).toBe(0);
});

test.each([0, 40])('an enrollment takes the same eight calls with %i devices more', async (fleet) => {
  for (let index = 0; index < fleet; index += 1) await lanyard().enrolledDevice();
  const { user, secret } = await lanyard().invite();
  const device = await lanyard().newDevice();
  const calls = await callsOf(() => device.enroll({ server: lanyard().local.enrollUrl, user, secret }));
  expect(calls.filter((call) => !call.endsWith('catalogue'))).toEqual([
    'table query invitations',
    'table transaction invitations',
    'table insert devices',
    'table upsert devicelist',
    'table transaction journal',
  ]);
});
