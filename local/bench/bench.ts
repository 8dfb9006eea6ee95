import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { observeStorage } from '../../functions/services.ts';
import { readPartition } from '../../shared/management/device-partition.ts';
import { takeTurn } from '../../shared/management/turn.ts';
import { sha256 } from '../../shared/platform/ids.ts';
import { openStorage } from '../../shared/storage/storage.ts';
import { readSyncML } from '../../shared/wire/syncml.ts';
import { type LocalDeployment, startLocal } from '../deployment.ts';
import { newMachine } from '../device/machine.ts';
import { contextItems, readTokenResponse, requestSecurityToken } from '../device/security-token.ts';
import { SHA256, signingRequest } from '../device/signing-request.ts';
import { writeMessage } from '../device/syncml-writer.ts';
import { type Caller, type Figures, load, post } from './load.ts';

/**
 * `npm run bench`: how many check-ins and enrollments a second one process serves, beside an empty function in the same
 * host in the same run, and where the time of a message goes. Client, server and table service share the machine, so the
 * ratios say something and the numbers alone do not.
 */

const DEVICES = 16;
const CHECK_INS_EACH = 60;
const ENROLLMENTS = 160;
const ENROLLING_AT_ONCE = 8;

interface BenchDevice {
  machine: ReturnType<typeof newMachine>;
  agent: Agent;
}

/** One key for all: the bench is about the server, and making keys would take most of its time. */
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

function enrollmentCall(local: LocalDeployment, invitation: { user: string; secret: string }) {
  const machine = newMachine('BENCH-PC');
  const csr = signingRequest({
    key: privateKey,
    deviceId: machine.deviceId,
    guid: machine.entraDeviceId,
    hashOid: SHA256,
  });
  const url = `${local.enrollUrl}/EnrollmentServer/Enrollment.svc`;
  const body = requestSecurityToken({
    credential: { kind: 'password', user: invitation.user, secret: invitation.secret },
    to: url,
    signingRequest: csr,
    context: contextItems(machine, '4.0'),
  });
  return { machine, call: { url, body, headers: { 'content-type': 'application/soap+xml; charset=utf-8' } } };
}

async function invite(local: LocalDeployment, count: number) {
  const invitations: { user: string; secret: string }[] = [];
  for (let index = 0; index < count; index += 1) {
    invitations.push(await local.admin.call('POST', '/api/invitations', { user: `bench${index}@example.org` }));
  }
  return invitations;
}

async function measureEnrollments(local: LocalDeployment): Promise<Figures> {
  const calls = (await invite(local, ENROLLMENTS)).map((invitation) => enrollmentCall(local, invitation).call);
  const callers = Array.from({ length: ENROLLING_AT_ONCE }, (): Caller => {
    return { agent: keptAlive({ ca: local.tlsRoot }), next: () => calls.pop() };
  });
  return load(callers);
}

function keptAlive(options: { ca: string; key?: string; cert?: string }): Agent {
  return new Agent({ keepAlive: true, maxSockets: 1, ...options });
}

async function enrollDevices(local: LocalDeployment): Promise<BenchDevice[]> {
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const anybody = keptAlive({ ca: local.tlsRoot });
  const devices: BenchDevice[] = [];
  for (const invitation of await invite(local, DEVICES)) {
    const { machine, call } = enrollmentCall(local, invitation);
    const document = readTokenResponse(await post(anybody, call)) ?? '';
    const leaf = /type="My">.*?EncodedCertificate" value="([^"]+)"/s.exec(document)?.[1] ?? '';
    const cert = `-----BEGIN CERTIFICATE-----\n${leaf.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
    devices.push({ machine, agent: keptAlive({ ca: local.tlsRoot, key, cert }) });
  }
  return devices;
}

/** A quiet check-in: package 1 of a session in which the server has nothing to ask. */
function checkIn(machine: BenchDevice['machine'], sessionId: number, url: string): Buffer {
  const devInfo = {
    DevId: machine.deviceId,
    Man: machine.manufacturer,
    Mod: machine.model,
    DmV: '1.3',
    Lang: machine.locale,
  };
  const items = Object.entries(devInfo).map(([name, data]) => ({ source: `./DevInfo/${name}`, data }));
  return writeMessage({
    sessionId: String(sessionId),
    msgId: 1,
    target: url,
    source: machine.deviceId,
    commands: [
      [2, { kind: 'Alert', code: 1201 }],
      [3, { kind: 'Alert', code: 1224, type: 'com.microsoft/MDM/LoginStatus', data: 'user' }],
      [4, { kind: 'Replace', items }],
    ],
  });
}

const SYNCML = { 'content-type': 'application/vnd.syncml.dm+xml' };

async function measureCheckIns(local: LocalDeployment, devices: BenchDevice[], path: string): Promise<Figures> {
  const url = local.manageUrl + path;
  const callers = devices.map(({ machine, agent }): Caller => {
    let sent = 0;
    return {
      agent,
      next() {
        sent += 1;
        return sent > CHECK_INS_EACH ? undefined : { url, body: checkIn(machine, 100 + sent, url), headers: SYNCML };
      },
    };
  });
  return load(callers);
}

/** The parts of one quiet check-in, each alone and many times over, in milliseconds. */
async function measureParts(local: LocalDeployment, device: BenchDevice): Promise<Record<string, number>> {
  const storage = openStorage({ tables: local.storage, blobs: local.storage });
  const table = storage.table('devices');
  const body = checkIn(device.machine, 7, `${local.manageUrl}/ManagementServer/MDM.svc`);
  const { items } = await local.admin.call<{ items: { id: string; name: string }[] }>('GET', '/api/devices?limit=1');
  const id = items[0]?.id ?? '';
  const snapshot = await readPartition(table, id);
  if (!snapshot) throw new Error('the bench has no device');
  const message = readSyncML(body);
  const input = { message, bodyHash: sha256(body).toString('hex'), credential: 'c', opens: true, now: new Date() };
  return {
    parse: await eachMs(400, () => readSyncML(body)),
    turn: await eachMs(400, () => takeTurn(snapshot, input)),
    'storage: query': await eachMs(200, () => readPartition(table, id)),
    'storage: write': await eachMs(200, async () => {
      const fresh = await readPartition(table, id);
      if (fresh) await table.write(id, takeTurn(fresh, input).changes);
    }),
  };
}

async function eachMs(times: number, act: () => unknown): Promise<number> {
  for (let index = 0; index < 20; index += 1) await act();
  const begin = performance.now();
  for (let index = 0; index < times; index += 1) await act();
  return (performance.now() - begin) / times;
}

function line(name: string, { perSecond, p50, p99, count }: Figures, ceiling: Figures): string {
  const share = `${Math.round((100 * perSecond) / ceiling.perSecond)} %`;
  return `${name.padEnd(28)} ${perSecond.toFixed(0).padStart(7)} ${p50.toFixed(1).padStart(9)} ${p99.toFixed(1).padStart(9)} ${String(count).padStart(7)} ${share.padStart(10)}`;
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lanyard-bench-'));
  const local = await startLocal({
    folder,
    inMemory: true,
    ports: { enroll: 0, manage: 0, bare: 0 },
    moreManageDoors: () => import('./empty-function.ts'),
  });
  let calls = 0;
  try {
    const devices = await enrollDevices(local);
    // Facts are asked in the first session of a day; what is measured is the ordinary one after it.
    await measureCheckIns(local, devices, '/ManagementServer/MDM.svc');
    const ceiling = await measureCheckIns(local, devices, '/bench/empty');
    observeStorage(() => {
      calls += 1;
    });
    const checkIns = await measureCheckIns(local, devices, '/ManagementServer/MDM.svc');
    const perMessage = calls / checkIns.count;
    observeStorage(undefined);
    const enrollments = await measureEnrollments(local);
    const parts = await measureParts(local, devices[0] as BenchDevice);

    console.log(`\n${''.padEnd(28)}   per s    p50 ms    p99 ms   count of ceiling`);
    console.log(line('empty function (ceiling)', ceiling, ceiling));
    console.log(line(`check-ins, ${DEVICES} at once`, checkIns, ceiling));
    console.log(line(`enrollments, ${ENROLLING_AT_ONCE} at once`, enrollments, ceiling));
    console.log(`\nstorage calls a check-in: ${perMessage.toFixed(2)}\n\none check-in, part by part, alone:`);
    const write = (parts['storage: write'] ?? 0) - (parts['storage: query'] ?? 0) - (parts['turn'] ?? 0);
    const shown = { ...parts, 'storage: write': write };
    const sum = Object.values(shown).reduce((total, part) => total + part, 0);
    for (const [name, ms] of Object.entries(shown)) {
      console.log(
        `  ${name.padEnd(16)} ${ms.toFixed(3).padStart(8)} ms ${`${Math.round((100 * ms) / sum)} %`.padStart(6)}`,
      );
    }
  } finally {
    await local.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
