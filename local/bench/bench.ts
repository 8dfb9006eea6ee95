import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { observeStorage } from '../../functions/services.ts';
import { openCatalogue } from '../../shared/catalogue/catalogue.ts';
import { checkClientCertificate } from '../../shared/certificates/client-certificate.ts';
import { readPartition } from '../../shared/management/device-partition.ts';
import { takeTurn } from '../../shared/management/turn.ts';
import type { TurnInput } from '../../shared/management/turn-state.ts';
import { sha256 } from '../../shared/platform/ids.ts';
import { openStorage } from '../../shared/storage/storage.ts';
import type { Table } from '../../shared/storage/tables.ts';
import { readSyncML } from '../../shared/wire/syncml.ts';
import { type LocalDeployment, startLocal } from '../deployment.ts';
import { newMachine } from '../device/machine.ts';
import { contextItems, readTokenResponse, requestSecurityToken } from '../device/security-token.ts';
import { SHA256, signingRequest } from '../device/signing-request.ts';
import { checkIn } from './check-in.ts';
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
  id: string;
  machine: ReturnType<typeof newMachine>;
  agent: Agent;
  /** PEM */
  certificate: string;
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
    const id = new X509Certificate(cert).subject.replace('CN=', '');
    devices.push({ id, machine, certificate: cert, agent: keptAlive({ ca: local.tlsRoot, key, cert }) });
  }
  return devices;
}

/** SessionIDs of all runs, so that no message is the repetition of another. */
let sessions = 100;
const MANAGEMENT = '/ManagementServer/MDM.svc';
const EMPTY = '/bench/empty';
const SYNCML = { 'content-type': 'application/vnd.syncml.dm+xml' };

async function measureCheckIns(
  local: LocalDeployment,
  devices: BenchDevice[],
  path: string,
  each = CHECK_INS_EACH,
): Promise<Figures> {
  const url = local.manageUrl + path;
  const callers = devices.map(({ machine, agent }): Caller => {
    let sent = 0;
    return {
      agent,
      next() {
        sent += 1;
        sessions += 1;
        return sent > each ? undefined : { url, body: checkIn(machine, sessions, url), headers: SYNCML };
      },
    };
  });
  return load(callers);
}

/**
 * One quiet check-in of a single caller, in milliseconds: as a whole, and its parts each alone and many times over. What
 * the empty function takes is the host, TLS and HTTP; what is left over after all parts is the rest.
 */
async function measureParts(
  local: LocalDeployment,
  device: BenchDevice,
): Promise<{ whole: number; parts: [string, number][] }> {
  const table = openStorage({ tables: local.storage, blobs: local.storage }).table('devices');
  const body = checkIn(device.machine, 7, `${local.manageUrl}${MANAGEMENT}`);
  const snapshot = await readPartition(table, device.id);
  if (!snapshot) throw new Error('the bench has no device');
  const message = readSyncML(body);
  const input = { message, bodyHash: sha256(body).toString('hex'), credential: 'c', opens: true, now: new Date() };
  const { issuers } = await openCatalogue(openStorage({ tables: local.storage, blobs: local.storage })).read();
  const header = new X509Certificate(device.certificate).raw.toString('base64');
  const whole = (await measureCheckIns(local, [device], MANAGEMENT, 200)).p50;
  const host = (await measureCheckIns(local, [device], EMPTY, 200)).p50;
  const parts: [string, number][] = [
    ['host, TLS, HTTP', host],
    ['certificate', await medianMs(400, () => checkClientCertificate(header, issuers, new Date()))],
    ['parse', await medianMs(400, () => readSyncML(body))],
    ['turn', await medianMs(400, () => takeTurn(snapshot, input))],
    ['storage: query', await medianMs(200, () => readPartition(table, device.id))],
    ['storage: write', await medianWriteMs(table, device.id, input)],
  ];
  const known = parts.reduce((sum, [, ms]) => sum + ms, 0);
  return { whole, parts: [...parts, ['the rest', whole - known]] };
}

/** Each write needs the ETag of a fresh read, which is not part of its time. */
async function medianWriteMs(table: Table, id: string, input: TurnInput): Promise<number> {
  const times: number[] = [];
  for (let index = 0; index < 200; index += 1) {
    const fresh = await readPartition(table, id);
    if (!fresh) break;
    const { changes } = takeTurn(fresh, { ...input, bodyHash: String(index) });
    const begin = performance.now();
    await table.write(id, changes);
    times.push(performance.now() - begin);
  }
  return median(times);
}

async function medianMs(times: number, act: () => unknown): Promise<number> {
  const taken: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const begin = performance.now();
    await act();
    taken.push(performance.now() - begin);
  }
  return median(taken);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
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
    await measureCheckIns(local, devices, MANAGEMENT);
    const ceiling = await measureCheckIns(local, devices, EMPTY);
    observeStorage(() => {
      calls += 1;
    });
    const checkIns = await measureCheckIns(local, devices, MANAGEMENT);
    const perMessage = calls / checkIns.count;
    observeStorage(undefined);
    const enrollments = await measureEnrollments(local);
    const { whole, parts } = await measureParts(local, devices[0] as BenchDevice);

    console.log(`\n${''.padEnd(28)}   per s    p50 ms    p99 ms   count of ceiling`);
    console.log(line('empty function (ceiling)', ceiling, ceiling));
    console.log(line(`check-ins, ${DEVICES} at once`, checkIns, ceiling));
    console.log(line(`enrollments, ${ENROLLING_AT_ONCE} at once`, enrollments, ceiling));
    console.log(`\nstorage calls a check-in: ${perMessage.toFixed(2)}`);
    console.log(`\none check-in of a single caller, ${whole.toFixed(2)} ms (medians):`);
    for (const [name, ms] of parts) {
      console.log(
        `  ${name.padEnd(16)} ${ms.toFixed(3).padStart(8)} ms ${`${Math.round((100 * ms) / whole)} %`.padStart(6)}`,
      );
    }
  } finally {
    await local.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const job =
  process.argv[2] === 'cold' ? import('./cold.ts').then(({ measureColdStarts }) => measureColdStarts()) : main();
job.then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
