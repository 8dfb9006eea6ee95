import { expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import type { NetworkFaults } from '../../local/device/windows-device.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

const GETS = ['SwV', 'FwV', 'HwV', 'OEM', 'DevTyp'].map((name) => `./DevDetail/${name}`);
const REBOOT = './Device/Vendor/MSFT/Reboot/RebootNow';

async function deviceWithWork(network: NetworkFaults = {}) {
  const { device, id } = await lanyard().enrolledDevice({ network });
  await device.sync();
  const work = [...GETS.map((target) => ({ verb: 'Get', target })), { verb: 'Exec', target: REBOOT }];
  await lanyard().post(`/api/devices/${id}/commands`, work);
  return { device, id };
}

async function expectAllDoneOnce(id: string, execs: Record<string, number>) {
  const { items } = await lanyard().get(`/api/devices/${id}/commands`);
  expect(items.map(({ state }: { state: string }) => state)).toEqual(Array(6).fill('done'));
  expect(items.map(({ results }: { results: unknown[] }) => results.length)).toEqual(Array(6).fill(1));
  expect(Object.values(execs)).toEqual([1]);
}

test.each([1, 2])(
  'when reply %i of a session is lost and the device sends again, every result is there once and the Exec ran once',
  async (nth) => {
    const network: NetworkFaults = {};
    const { device, id } = await deviceWithWork(network);
    network.requests = 0;
    network.loseReplyOf = [nth];
    await device.sync();
    expect(network.requests).toBe(3);
    await expectAllDoneOnce(id, device.execCounts);
  },
);

test.each([1, 2])('when message %i arrives twice, the second reply is the first, byte for byte', async (nth) => {
  const network: NetworkFaults = {};
  const { device, id } = await deviceWithWork(network);
  network.requests = 0;
  network.sendTwice = [nth];
  const report = await device.sync();
  expect(report.exchanged.some(({ sameReplyTwice }) => sameReplyTwice === true)).toBe(true);
  await expectAllDoneOnce(id, device.execCounts);
});

test('when the network goes for good after the commands ran, the Exec is unknown and never runs again', async () => {
  const network: NetworkFaults = {};
  const { device, id } = await deviceWithWork(network);
  network.requests = 0;
  network.cutOffBefore = [2];
  await expect(device.sync()).rejects.toThrow();
  network.cutOffBefore = [];
  await device.sync();
  const { items } = await lanyard().get(`/api/devices/${id}/commands`);
  const states = items.map(({ verb, state }: { verb: string; state: string }) => `${verb} ${state}`).sort();
  expect(states).toEqual(['Exec unknown', ...Array(5).fill('Get done')]);
  expect(Object.values(device.execCounts)).toEqual([1]);
});

test('when an enrollment reply is lost, the device gets the same certificate and the invitation is used once', async () => {
  const { user, secret } = await lanyard().invite();
  // Requests: probe, discovery, policies, token. The fourth reply is lost and the same bytes come again.
  const device = await lanyard().newDevice({ network: { loseReplyOf: [4] } });
  const { enrollmentId } = await device.enroll({ server: lanyard().local.enrollUrl, user, secret });
  const { items } = await lanyard().get('/api/devices?limit=1000');
  expect(items.filter(({ id }: { id: string }) => id === enrollmentId)).toHaveLength(1);
  await device.sync();
  const other = await lanyard().newDevice();
  await expect(other.enroll({ server: lanyard().local.enrollUrl, user, secret })).rejects.toMatchObject({
    hresult: '0x80180013',
  });
});

test('a retry in Settings with a new key takes the place of an enrollment that never called, and costs no second use', async () => {
  const { user, secret } = await lanyard().invite();
  const request = { server: lanyard().local.enrollUrl, user, secret };
  const network: NetworkFaults = { powerCutAfter: [4] };
  const device = await lanyard().newDevice({ network });
  await expect(device.enroll(request)).rejects.toThrow('power');
  const { enrollmentId } = await device.enroll(request);
  await device.sync();
  const { items } = await lanyard().get('/api/devices?limit=1000');
  const own = items.filter(({ name }: { name: string }) => name === device.machine.name);
  expect(own.map(({ state }: { state: string }) => state).sort()).toEqual(['enrolled', 'superseded']);
  expect(own.find(({ state }: { state: string }) => state === 'enrolled').id).toBe(enrollmentId);
});

test('a command that is cancelled while its message is being answered is either sent or cancelled, never both', async () => {
  const seen = new Set<string>();
  // The cancel comes before the n-th storage call of the message, for each n.
  for (let nth = 1; nth <= 3; nth += 1) {
    const { device, id } = await lanyard().enrolledDevice();
    await device.sync();
    const command = await lanyard().queue(id, 'Exec', REBOOT);
    let calls = 0;
    let cancelled: Promise<number> | undefined;
    observeStorage(async ({ service }) => {
      if (service !== 'table' || cancelled) return;
      calls += 1;
      if (calls !== nth) return;
      cancelled = lanyard()
        .admin.send('DELETE', `/api/devices/${id}/commands/${command}`)
        .then(({ status }) => status);
      await cancelled;
    });
    await device.sync();
    observeStorage(undefined);
    const { state } = await lanyard().get(`/api/devices/${id}/commands/${command}`);
    const ran = Object.values(device.execCounts).length;
    const status = (await cancelled) ?? 0;
    expect([status, state, ran]).toEqual(status === 200 ? [200, 'cancelled', 0] : [409, 'done', 1]);
    seen.add(state);
  }
  expect([...seen].sort()).toEqual(['cancelled', 'done']);
});

test('an unenroll that is asked for while a message is being answered goes out in that message or the next session', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  await lanyard().queue(id, 'Exec', REBOOT);
  let asked: Promise<unknown> | undefined;
  let calls = 0;
  observeStorage(async () => {
    calls += 1;
    if (calls !== 2 || asked) return;
    asked = lanyard().post(`/api/devices/${id}/unenroll`);
    await asked;
  });
  const report = await device.sync();
  observeStorage(undefined);
  expect(report.unenrolled).toBe(true);
  expect(Object.keys(device.execCounts).filter((node) => node.includes('Reboot'))).toEqual([]);
  expect((await lanyard().get(`/api/devices/${id}`)).state).toBe('unenrolled');
});
