import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AdminClient } from '../../local/admin-client.ts';
import type { NodeDefinition } from '../../local/device/csp-tree.ts';
import { DeviceError, type NetworkFaults, PowerCut, WindowsDevice } from '../../local/device/windows-device.ts';
import { KillableLanyard } from './killable-lanyard.ts';
import { scaled, TIMEOUT_MS, tell } from './scale.ts';

/** A fleet on a bad network, and a server that dies again and again: no command lost, none doubled, none stuck. */

const DEVICES = scaled(200);
const SESSIONS = 20;
const KILLS = scaled(20);
/** So many call at once. */
const AT_ONCE = 8;

const COUNTER = './Device/Vendor/MSFT/Soak/Counter';
const RUN = './Device/Vendor/MSFT/Soak/Run';
const NODES: NodeDefinition[] = [
  { path: './Vendor/MSFT/Soak/Counter', access: ['Get', 'Replace'], format: 'int', value: '0' },
  ...Array.from(
    { length: SESSIONS },
    (_, n): NodeDefinition => ({ path: `./Vendor/MSFT/Soak/Run/${n}`, access: ['Exec'] }),
  ),
];

interface CommandShown {
  id: string;
  verb: string;
  state: string;
  target: string;
}

/** A once-only command whose answer got lost is unknown, and nothing else may be. */
const GOOD_ENDS = ['Exec done', 'Exec unknown', 'Replace done'];

let lanyard: KillableLanyard;
let admin: AdminClient;
beforeAll(async () => {
  lanyard = await KillableLanyard.start();
  admin = await lanyard.admin();
});
afterAll(() => lanyard?.stop());

/** As an administrator's script does it: again under the same key until there is an answer. */
async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {};
  for (;;) {
    await lanyard.up();
    const kills = lanyard.kills;
    try {
      return await admin.call<T>(method, path, body, headers);
    } catch (error) {
      // What fails while nobody killed anything is a failure.
      if (lanyard.kills === kills) throw error;
    }
  }
}

const tally = { requests: 0, failedSessions: 0, lostReplies: 0, duplicates: 0 };

/** Kills the apps each time the fleet has sent its share of what it will send. */
function countRequest(): void {
  tally.requests += 1;
  const share = Math.ceil((DEVICES * SESSIONS * 2) / (KILLS + 1));
  if (lanyard.kills < KILLS && tally.requests % share === 0) lanyard.kill();
}

/** A repeatable dice of its own for each device. */
function dice(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

function badNetwork(seed: number): NetworkFaults {
  const roll = dice(seed);
  const requests = Array.from({ length: 400 }, (_, n) => ({ n: n + 1, dice: roll() }));
  const loseReplyOf = requests.filter((each) => each.dice < 0.1).map(({ n }) => n);
  const sendTwice = requests.filter((each) => each.dice >= 0.1 && each.dice < 0.15).map(({ n }) => n);
  return { requests: 0, loseReplyOf, sendTwice };
}

/** How many of the planned faults came about: a device that has sent fewer requests was spared the rest. */
function happened({ requests = 0 }: NetworkFaults, planned: number[] = []): number {
  return planned.filter((n) => n <= requests).length;
}

async function enroll(n: number, network: NetworkFaults): Promise<{ device: WindowsDevice; id: string }> {
  const { user, secret } = await call<{ user: string; secret: string }>('POST', '/api/invitations', {
    user: `user${n}@example.org`,
  });
  const folder = join(lanyard.folder, 'devices', String(n));
  const trust = await lanyard.trust();
  const device = await WindowsDevice.create({
    folder,
    name: `PC-${n}`,
    trust,
    network,
    nodes: NODES,
    onStep: countRequest,
  });
  for (let tries = 1; ; tries += 1) {
    await lanyard.up();
    try {
      const { enrollmentId: id } = await device.enroll({ server: lanyard.url, user, secret });
      return { device, id };
    } catch (error) {
      if (!(error instanceof DeviceError) || tries > 2 * KILLS + 3) throw error;
      tally.failedSessions += 1;
    }
  }
}

async function session(device: WindowsDevice): Promise<void> {
  await lanyard.up();
  try {
    await device.sync();
  } catch (error) {
    if (!(error instanceof DeviceError) && !(error instanceof PowerCut)) throw error;
    tally.failedSessions += 1;
  }
}

/** The whole life of one device in this test, and what must be true at its end. */
async function live(n: number): Promise<Record<string, number>> {
  const network: NetworkFaults = {};
  const { device, id } = await enroll(n, network);
  Object.assign(network, badNetwork(n + 1));
  for (let round = 0; round < SESSIONS; round += 1) {
    const work: object[] = [{ verb: 'Replace', target: COUNTER, data: String(round + 1), format: 'int' }];
    if (round % 4 === n % 4) work.push({ verb: 'Exec', target: `${RUN}/${round}` });
    await call('POST', `/api/devices/${id}/commands`, work);
    await session(device);
  }
  tally.lostReplies += happened(network, network.loseReplyOf);
  tally.duplicates += happened(network, network.sendTwice);
  Object.assign(network, { loseReplyOf: [], sendTwice: [] });
  return settle(device, id);
}

/** Calls on a good network until nothing waits any more, and looks at what came of every command. */
async function settle(device: WindowsDevice, id: string): Promise<Record<string, number>> {
  const queued = SESSIONS + SESSIONS / 4;
  let commands: CommandShown[] = [];
  for (let tries = 0; tries < 6; tries += 1) {
    await session(device);
    const shown = await call<{ items: CommandShown[] }>('GET', `/api/devices/${id}/commands?limit=1000`);
    commands = shown.items;
    if (commands.every(({ state }) => ['done', 'unknown'].includes(state))) break;
  }
  const states = commands.map(({ verb, state }) => `${verb} ${state}`);
  expect(new Set(commands.map((command) => command.id)).size, 'none lost, none doubled').toBe(queued);
  expect(
    states.filter((state) => !GOOD_ENDS.includes(state)),
    'none stuck',
  ).toEqual([]);
  expect(device.valueOf(COUNTER), 'in order').toBe(String(SESSIONS));
  for (const { verb, state, target } of commands) {
    if (verb !== 'Exec') continue;
    const ran = device.execCounts[target.replace('./Device/', './')] ?? 0;
    expect(ran, `${target} is ${state}`).toBeLessThanOrEqual(1);
    if (state === 'done') expect(ran, target).toBe(1);
  }
  return Object.fromEntries([...new Set(states)].map((state) => [state, states.filter((s) => s === state).length]));
}

test('a fleet on a bad network gets every command done once, however often the server dies', {
  timeout: TIMEOUT_MS,
}, async () => {
  const waiting = Array.from({ length: DEVICES }, (_, n) => n);
  const ends: Record<string, number> = {};
  const worker = async () => {
    for (let n = waiting.shift(); n !== undefined; n = waiting.shift()) {
      for (const [state, count] of Object.entries(await live(n))) ends[state] = (ends[state] ?? 0) + count;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  expect(lanyard.kills).toBe(KILLS);
  tell('A fleet on a bad network', {
    devices: DEVICES,
    sessions: DEVICES * SESSIONS,
    ...tally,
    kills: lanyard.kills,
    ...ends,
  });
});
