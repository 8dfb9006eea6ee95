import { createHash, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { readSigningRequest, type SigningRequest } from '../../../shared/certificates/signing-request.ts';
import { blockDevice } from '../../../shared/devices/block.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from '../../../shared/devices/device.ts';
import type { DeviceListEntry } from '../../../shared/devices/device-list.ts';
import { requestUnenroll } from '../../../shared/devices/unenroll.ts';
import { readEnrollmentContext } from '../../../shared/enrollment/enrollment-context.ts';
import { GrantMoved } from '../../../shared/enrollment/grants.ts';
import { createInvitation, findInvitation } from '../../../shared/enrollment/invitations/invitations.ts';
import { issueEnrollment, MAX_RETRIES } from '../../../shared/enrollment/issue.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { signingRequest } from '../../support/wire.ts';
import { type MemoryAuthority, memoryAuthority } from '../certificates/memory-authority.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const minutesLater = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);

let ca: MemoryAuthority;
let keys: SigningRequest[];

beforeAll(async () => {
  ca = await memoryAuthority(NOW);
  keys = [1, 2, 3].map(() => readSigningRequest(Buffer.from(signingRequest(), 'base64')));
});

/** One user with one invitation, and devices that come with it. */
class Desk {
  readonly storage = new MemoryStorage();
  readonly secret: string;

  constructor(secret: string) {
    this.secret = secret;
  }

  static async open(maxDevices = 1): Promise<Desk> {
    const storage = new MemoryStorage();
    const expiresAt = new Date(NOW.getTime() + 72 * 3_600_000).toISOString();
    const request = { user: 'kim@example.org', expiresAt, maxDevices, createdBy: 'sam' };
    const { secret } = await createInvitation(storage, request, NOW);
    return Object.assign(new Desk(secret), { storage });
  }

  async invitation() {
    return (await findInvitation(this.storage, 'kim@example.org', this.secret, NOW))!;
  }

  async enroll(
    key: number,
    options: { hwDevId?: string; deviceId?: string; serial?: string; now?: Date; digestSecret?: string } = {},
  ) {
    const { hwDevId = 'H1', deviceId = 'WINDOWS-1', serial = 'PF3ABC', now = NOW, digestSecret } = options;
    const context = readEnrollmentContext([
      { name: 'DeviceID', value: deviceId },
      { name: 'SerialNumber', value: serial },
      { name: 'EnrollmentType', value: 'Full' },
      { name: 'HWDevID', value: hwDevId },
      { name: 'DeviceName', value: 'PC-1' },
    ]);
    return issueEnrollment(this.storage, ca, {
      grant: await this.invitation(),
      admission: { way: 'invitation', kind: 'deviceOnly' },
      signingRequest: keys[key]!,
      context,
      providerId: 'Lanyard',
      credentialFor: digestSecret === undefined ? undefined : (id) => `${id}:${digestSecret}`,
      now,
    });
  }

  async record(id: string): Promise<Device | undefined> {
    return (await this.storage.table('devices').get<Device>(id, DEVICE_ROW))?.value;
  }

  async listed(id: string): Promise<DeviceListEntry | undefined> {
    return (await this.storage.table('devicelist').get<DeviceListEntry>('devices', id))?.value;
  }

  async calls(id: string): Promise<void> {
    const session = { sessionId: '1', lastAt: NOW.toISOString() };
    await this.storage.table('devices').write(id, [{ kind: 'insert', rowKey: SESSION_ROW, value: session }]);
  }

  async uses(): Promise<number> {
    return (await this.invitation()).value.uses.length;
  }

  /** The n-th call from now on does not come through. */
  failAt(nth: number): void {
    let calls = 0;
    this.storage.onCall = () => {
      calls += 1;
      if (calls === nth) throw new Error('cut');
    };
  }
}

describe('an enrollment', () => {
  test('is a record, a line in the list, a use of the invitation and a certificate that names it', async () => {
    const desk = await Desk.open();
    const { device, certificate } = await desk.enroll(0);
    expect(await desk.record(device.id)).toMatchObject({
      user: 'kim@example.org',
      name: 'PC-1',
      state: 'enrolled',
      providerId: 'Lanyard',
      context: { HWDevID: 'H1' },
      nextSequence: 1,
    });
    expect(await desk.listed(device.id)).toMatchObject({ state: 'enrolled', name: 'PC-1' });
    expect(await desk.uses()).toBe(1);
    const leaf = new X509Certificate(certificate);
    expect(leaf.subject).toBe(`CN=${device.id}`);
    expect(device.certificates[0]?.thumbprint).toBe(createHash('sha256').update(certificate).digest('hex'));
  });

  test('of a second device is refused when the invitation is for one', async () => {
    const desk = await Desk.open();
    await desk.enroll(0);
    await expect(desk.enroll(1, { hwDevId: 'H2' })).rejects.toMatchObject({ refusal: 'invitationUsedUp' });
    expect(await desk.uses()).toBe(1);
  });

  test('of two devices at once with an invitation for one gives one of them a certificate', async () => {
    const desk = await Desk.open();
    const settled = await Promise.allSettled([desk.enroll(0), desk.enroll(1, { hwDevId: 'H2' })]);
    expect(settled.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(settled.find(({ status }) => status === 'rejected')).toMatchObject({ reason: expect.any(GrantMoved) });
    expect(await desk.uses()).toBe(1);
  });
});

describe('the same key again', () => {
  test('within 30 minutes gets the same certificate and costs no second use', async () => {
    const desk = await Desk.open();
    const first = await desk.enroll(0);
    const second = await desk.enroll(0, { now: minutesLater(29) });
    expect(second.certificate.equals(first.certificate)).toBe(true);
    expect(second.device.id).toBe(first.device.id);
    expect(await desk.uses()).toBe(1);
  });

  test('in digest mode gets the credential of the last reply', async () => {
    const desk = await Desk.open();
    const { device } = await desk.enroll(0, { digestSecret: 's1' });
    await desk.enroll(0, { digestSecret: 's2' });
    expect((await desk.record(device.id))?.digestCredential).toBe(`${device.id}:s2`);
  });

  test('after 30 minutes is a new request, and refused when the device has called', async () => {
    const desk = await Desk.open();
    const { device } = await desk.enroll(0);
    await desk.calls(device.id);
    await expect(desk.enroll(0, { now: minutesLater(31) })).rejects.toMatchObject({ refusal: 'invitationUsedUp' });
  });

  test('while the first is still on its way ends in one enrollment with a credential that works', async () => {
    const desk = await Desk.open();
    const first = await desk.enroll(0, { digestSecret: 's1' });
    // The second try looked for the record before the first had written it.
    let hidden = false;
    const get = desk.storage.table('devices').get.bind(desk.storage.table('devices'));
    desk.storage.table('devices').get = async <T>(partitionKey: string, rowKey: string) => {
      if (hidden) return get<T>(partitionKey, rowKey);
      hidden = true;
      return undefined;
    };
    const second = await desk.enroll(0, { digestSecret: 's2' });
    expect(second.device.id).toBe(first.device.id);
    const record = await desk.record(first.device.id);
    expect(record?.digestCredential).toBe(`${first.device.id}:s2`);
    expect(record?.certificates).toHaveLength(2);
  });
});

describe('a retry with a new key', () => {
  test('takes the place of an enrollment of the same hardware that never called', async () => {
    const desk = await Desk.open();
    const first = await desk.enroll(0);
    const second = await desk.enroll(1);
    expect(await desk.uses()).toBe(1);
    expect(await desk.record(first.device.id)).toMatchObject({ state: 'superseded', supersededBy: second.device.id });
    expect((await desk.listed(first.device.id))?.state).toBe('superseded');
    expect((await desk.record(second.device.id))?.state).toBe('enrolled');
  });

  test.each([
    ['has called', true, 'H1'],
    ['is another', false, 'H2'],
    ['does not say what it is', false, ''],
  ])('is another device when the hardware %s', async (_, called, hwDevId) => {
    const desk = await Desk.open();
    const { device } = await desk.enroll(0, { hwDevId: hwDevId || 'H1' });
    if (called) await desk.calls(device.id);
    const retry = desk.enroll(1, { hwDevId: hwDevId === 'H2' ? 'H3' : hwDevId });
    await expect(retry).rejects.toMatchObject({ refusal: 'invitationUsedUp' });
    expect((await desk.record(device.id))?.state).toBe('enrolled');
  });

  test.each([
    ['no serial number', ''],
    ['one that its maker left out', 'To be filled by O.E.M.'],
  ])('of a PC with %s takes its place too, and both records say what that rests on', async (_, serial) => {
    const desk = await Desk.open();
    const first = await desk.enroll(0, { serial });
    const second = await desk.enroll(1, { serial });
    expect(await desk.uses()).toBe(1);
    const flag = (other: string) => [
      { kind: 'withoutSerial', other, reason: expect.stringContaining('serial number') },
    ];
    expect(await desk.record(first.device.id)).toMatchObject({
      state: 'superseded',
      flags: flag(second.device.id),
    });
    expect((await desk.record(second.device.id))?.flags).toMatchObject(flag(first.device.id));
  });

  test('of a PC that says its serial number both times needs no look', async () => {
    const desk = await Desk.open();
    const first = await desk.enroll(0);
    const second = await desk.enroll(1);
    expect((await desk.record(first.device.id))?.flags).toBeUndefined();
    expect((await desk.record(second.device.id))?.flags).toBeUndefined();
  });

  test('of a PC that was asked to leave meanwhile says so', async () => {
    const desk = await Desk.open();
    const first = await desk.enroll(0);
    const table = desk.storage.table('devices');
    const row = (await table.get<Device>(first.device.id, DEVICE_ROW))!;
    const value = requestUnenroll(row.value, { by: 'sam' }, NOW);
    await table.write(value.id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
    const second = await desk.enroll(1, { now: minutesLater(1) });
    const flags = [{ kind: 'unenrollOvertaken', other: first.device.id }];
    expect(await desk.record(second.device.id)).toMatchObject({ state: 'enrolled', flags });
  });

  test('is none when another Windows says that it has the same hardware: copies of a disk throw no one out', async () => {
    const desk = await Desk.open(3);
    const copies: string[] = [];
    for (const [key, serial] of ['', '', 'To be filled by O.E.M.'].entries()) {
      const { device } = await desk.enroll(key, { hwDevId: 'HARDWARE-1', deviceId: `WINDOWS-${key}`, serial });
      copies.push(device.id);
    }
    expect(await desk.uses()).toBe(3);
    const records = await Promise.all(copies.map((id) => desk.record(id)));
    expect(records.map((record) => record?.state)).toEqual(['enrolled', 'enrolled', 'enrolled']);
    for (const record of records) expect(record?.flags?.map(({ kind }) => kind)).toContain('sharedHardwareId');
  });

  test('is refused after the twentieth: a secret must not make records without end', async () => {
    const desk = await Desk.open();
    for (let attempt = 0; attempt <= MAX_RETRIES; attempt += 1) {
      await desk.enroll(attempt % 3, { now: minutesLater(attempt * 31) });
    }
    const refusal = { refusal: 'invitationUsedUp', message: expect.stringContaining('never called') };
    await expect(desk.enroll(0, { now: minutesLater(21 * 31) })).rejects.toMatchObject(refusal);
  });

  test('takes the place of one that calls at this very moment too: a use is one device, however they race', async () => {
    const desk = await Desk.open();
    const { device } = await desk.enroll(0);
    let done = false;
    desk.storage.onCall = async ({ operation, partitionKey, changes }) => {
      if (done || operation !== 'write' || partitionKey !== device.id || !changes?.some((c) => c.kind === 'replace'))
        return;
      done = true;
      const row = await desk.storage.table('devices').get<Device>(device.id, DEVICE_ROW);
      const value = { ...row!.value, name: 'it called' };
      await desk.storage
        .table('devices')
        .write(device.id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row!.etag }]);
    };
    await desk.enroll(1);
    expect(done).toBe(true);
    expect(await desk.uses()).toBe(1);
    expect(await desk.record(device.id)).toMatchObject({ state: 'superseded', name: 'it called' });
  });
});

describe('an enrollment that is blocked', () => {
  async function blocked() {
    const desk = await Desk.open(2);
    const { device } = await desk.enroll(0);
    const block = () =>
      blockDevice({ storage: desk.storage, log: new MemoryLog(), now: NOW }, device.id, {
        by: 'sam',
        reason: 'stolen',
      });
    return { desk, device, block };
  }

  test('is not given up for a retry, though it never called, and keeps its use of the invitation', async () => {
    const { desk, device, block } = await blocked();
    await block();
    await desk.enroll(1, { now: minutesLater(1) });
    expect(await desk.uses()).toBe(2);
    expect(await desk.record(device.id)).toMatchObject({ state: 'blocked', blocked: { before: 'enrolled' } });
    await expect(desk.enroll(2, { hwDevId: 'H2' })).rejects.toMatchObject({ refusal: 'invitationUsedUp' });
  });

  test('stays so when it is blocked while another takes its place', async () => {
    const { desk, device, block } = await blocked();
    let done = false;
    desk.storage.onCall = async ({ operation, partitionKey }) => {
      if (done || operation !== 'write' || partitionKey === device.id) return;
      done = true;
      await block();
    };
    await desk.enroll(1, { now: minutesLater(1) });
    expect((await desk.record(device.id))?.state).toBe('blocked');
  });

  test('gets no certificate again for the same request', async () => {
    const { desk, device, block } = await blocked();
    await block();
    const again = desk.enroll(0, { digestSecret: 'new' });
    await expect(again).rejects.toMatchObject({ refusal: 'deviceBlocked' });
    expect((await desk.record(device.id))?.digestCredential).toBeUndefined();
  });
});

describe('broken off anywhere', () => {
  test.each([1, 2, 3, 4, 5, 6, 7])('at call %i, the next try completes it at no further use', async (nth) => {
    const desk = await Desk.open();
    desk.failAt(nth);
    const broken = await desk.enroll(0).catch(() => undefined);
    desk.storage.onCall = undefined;
    const { device } = await desk.enroll(0, { now: minutesLater(1) });
    if (broken) expect(device.id).toBe(broken.device.id);
    expect(await desk.uses()).toBe(1);
    expect((await desk.record(device.id))?.certificates).toHaveLength(1);
  });

  test.each(Array.from({ length: 12 }, (_, n) => n + 1))(
    'at call %i while it takes the place of another, no other is left behind',
    async (nth) => {
      const desk = await Desk.open();
      const first = await desk.enroll(0);
      desk.failAt(nth);
      await desk.enroll(1).catch(() => undefined);
      desk.storage.onCall = undefined;
      const second = await desk.enroll(1, { now: minutesLater(1) });
      expect(await desk.record(first.device.id)).toMatchObject({ state: 'superseded', supersededBy: second.device.id });
      expect(await desk.uses()).toBe(1);
    },
  );
});

test('an enrollment costs the same calls whatever there is already', async () => {
  const desk = await Desk.open(50);
  const counts: number[] = [];
  for (const key of [0, 1, 2]) {
    desk.storage.calls.length = 0;
    await desk.enroll(key, { hwDevId: `H${key}`, deviceId: `WINDOWS-${key}`, serial: `PF${key}00` });
    counts.push(desk.storage.calls.length);
  }
  expect(new Set(counts).size).toBe(1);
  expect(counts[0]).toBeLessThanOrEqual(8);
});
