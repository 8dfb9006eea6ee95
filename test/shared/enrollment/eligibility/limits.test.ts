import { beforeAll, describe, expect, test } from 'vitest';
import { readSigningRequest, type SigningRequest } from '../../../../shared/certificates/signing-request.ts';
import { DEVICE_ROW, type Device, type DeviceState, SESSION_ROW } from '../../../../shared/devices/device.ts';
import { LIST_PARTITION, listEntry } from '../../../../shared/devices/device-list.ts';
import { countDevices } from '../../../../shared/enrollment/eligibility/count-devices.ts';
import type { Limits } from '../../../../shared/enrollment/eligibility/limits.ts';
import { readEnrollmentContext } from '../../../../shared/enrollment/enrollment-context.ts';
import {
  GrantMoved,
  type GrantRow,
  PLACES_ROW,
  type Places,
  partitionOfUser,
  readStandingGrant,
} from '../../../../shared/enrollment/grants.ts';
import { createInvitation, findInvitation } from '../../../../shared/enrollment/invitations/invitations.ts';
import { issueEnrollment } from '../../../../shared/enrollment/issue.ts';
import { MemoryStorage } from '../../../support/memory-storage.ts';
import { signingRequest } from '../../../support/wire.ts';
import { type MemoryAuthority, memoryAuthority } from '../../certificates/memory-authority.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);
const NO_LIMIT: Limits = { devicesPerUser: null, devicesInAll: null };

let ca: MemoryAuthority;
let keys: SigningRequest[];
beforeAll(async () => {
  ca = await memoryAuthority(NOW);
  // Making keys takes its time, and all that matters here is that each PC has a hash of its own.
  const one = readSigningRequest(Buffer.from(signingRequest(), 'base64'));
  keys = Array.from({ length: 12 }, (_, pc) => ({ ...one, publicKeyHash: `${pc}${one.publicKeyHash}` }));
});

interface Asked {
  user?: string;
  limits?: Partial<Limits>;
  bulk?: boolean;
  now?: Date;
  grant?: GrantRow;
  entraDeviceId?: string;
}

/** An organisation whose users have signed in, each with as many PCs as they like. */
class Organisation {
  readonly storage = new MemoryStorage();

  async enroll(
    pc: number,
    { user = 'kim@example.org', limits = {}, bulk, now = NOW, grant, entraDeviceId }: Asked = {},
  ) {
    const values = { DeviceID: `D${pc}000`, EnrollmentType: 'Full', HWDevID: `H${pc}000`, SerialNumber: `PF${pc}00` };
    const { device } = await issueEnrollment(this.storage, ca, {
      grant: grant ?? (await readStandingGrant(this.storage, user)),
      admission: { way: 'signIn', kind: 'deviceOnly', bulk, entraDeviceId },
      signingRequest: keys[pc]!,
      context: readEnrollmentContext(Object.entries(values).map(([name, value]) => ({ name, value }))),
      providerId: 'Lanyard',
      limits: { ...NO_LIMIT, ...limits },
      now,
    });
    return device.id;
  }

  async move(id: string, state: DeviceState): Promise<void> {
    const devices = this.storage.table('devices');
    const row = (await devices.get<Device>(id, DEVICE_ROW))!;
    const value = { ...row.value, state };
    await devices.write(id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
    const entry = { kind: 'upsert' as const, rowKey: id, value: listEntry(value, undefined) };
    await this.storage.table('devicelist').write(LIST_PARTITION, [entry]);
  }

  async placesOf(user = 'kim@example.org'): Promise<string[]> {
    const row = await this.storage.table('invitations').get<Places>(partitionOfUser(user), PLACES_ROW);
    return row?.value.devices.map(({ enrollmentId }) => enrollmentId) ?? [];
  }

  /** The storage calls of an act. */
  async callsOf(act: () => Promise<unknown>): Promise<number> {
    this.storage.calls.length = 0;
    await act().catch(() => {});
    return this.storage.calls.length;
  }
}

const TWO = { limits: { devicesPerUser: 2 } };

describe('a limit for each user', () => {
  test('lets so many in and no more; others are not concerned', async () => {
    const all = new Organisation();
    await all.enroll(0, TWO);
    await all.enroll(1, TWO);
    await expect(all.enroll(2, TWO)).rejects.toMatchObject({ refusal: 'userDeviceLimit' });
    await expect(all.enroll(2, { ...TWO, user: 'KIM@example.org' })).rejects.toThrow();
    await all.enroll(2, { ...TWO, user: 'sam@example.org' });
    expect(await all.placesOf()).toHaveLength(2);
  });

  test('is not passed by a second PC that calls itself the first: Entra knows them apart, so the first goes on', async () => {
    const all = new Organisation();
    const one = { limits: { devicesPerUser: 1 } };
    const first = await all.enroll(0, { ...one, entraDeviceId: 'E1000' });
    const session = { sessionId: '1', lastAt: NOW.toISOString() };
    await all.storage.table('devices').write(first, [{ kind: 'insert', rowKey: SESSION_ROW, value: session }]);
    const second = all.enroll(0, { ...one, entraDeviceId: 'E2000', now: later(31) });
    await expect(second).rejects.toMatchObject({ refusal: 'userDeviceLimit' });
    const again = await all.enroll(0, { ...one, entraDeviceId: 'E1000', now: later(31) });
    expect(await all.placesOf()).toEqual([again]);
  });

  test('counts the devices from before it was set', async () => {
    const all = new Organisation();
    for (const pc of [0, 1, 2]) await all.enroll(pc);
    await expect(all.enroll(3, TWO)).rejects.toMatchObject({ refusal: 'userDeviceLimit' });
  });

  test.each(['unenrolled', 'superseded', 'retired', 'wiped', 'blocked'] as const)(
    'gives the place of a device that is %s free at once',
    async (state) => {
      const all = new Organisation();
      const [first, second] = [await all.enroll(0, TWO), await all.enroll(1, TWO)];
      await all.move(first, state);
      const third = await all.enroll(2, TWO);
      expect(await all.placesOf()).toEqual([second, third]);
    },
  );

  test('lets a device come again in its own place, also when the limit was lowered', async () => {
    const all = new Organisation();
    const [first, second] = [await all.enroll(0, TWO), await all.enroll(1, TWO)];
    await all.storage
      .table('devices')
      .write(first, [{ kind: 'insert', rowKey: '1session', value: { lastAt: NOW.toISOString() } }]);
    const again = await all.enroll(0, { limits: { devicesPerUser: 1 }, now: later(60) });
    expect(again).not.toBe(first);
    expect(await all.placesOf()).toEqual([second, again]);
  });

  test('gives the same request that comes again its enrollment, and no second place', async () => {
    const all = new Organisation();
    const first = await all.enroll(0, { limits: { devicesPerUser: 1 } });
    expect(await all.enroll(0, { limits: { devicesPerUser: 1 }, now: later(1) })).toBe(first);
    expect(await all.placesOf()).toEqual([first]);
  });

  test('does not count what a package for many enrolls', async () => {
    const all = new Organisation();
    for (const pc of [0, 1, 2]) await all.enroll(pc, { ...TWO, bulk: true });
    expect(await all.placesOf()).toEqual([]);
  });

  test('is one for all grants of the user', async () => {
    const all = new Organisation();
    const terms = { user: 'kim@example.org', expiresAt: later(600).toISOString(), maxDevices: 5, createdBy: 'sam' };
    const { secret } = await createInvitation(all.storage, terms, NOW);
    const invitation = async () => (await findInvitation(all.storage, terms.user, secret, NOW))!;
    await all.enroll(0, { ...TWO, grant: await invitation() });
    await all.enroll(1, TWO);
    await expect(all.enroll(2, { ...TWO, grant: await invitation() })).rejects.toMatchObject({
      refusal: 'userDeviceLimit',
    });
  });

  test('is kept when two requests come at one moment', async () => {
    const all = new Organisation();
    const limits = { devicesPerUser: 1 };
    const grant = await readStandingGrant(all.storage, 'kim@example.org');
    await all.enroll(0, { limits, grant });
    await expect(all.enroll(1, { limits, grant })).rejects.toBeInstanceOf(GrantMoved);
    await expect(all.enroll(1, { limits })).rejects.toMatchObject({ refusal: 'userDeviceLimit' });
  });

  test('frees the place of an enrollment that broke off, once its reply would not be repeated', async () => {
    const all = new Organisation();
    const limits = { devicesPerUser: 1 };
    all.storage.onCall = ({ table, operation }) => {
      if (table === 'devices' && operation === 'write') throw new Error('cut');
    };
    await expect(all.enroll(0, { limits })).rejects.toThrow('cut');
    all.storage.onCall = undefined;
    await expect(all.enroll(1, { limits, now: later(29) })).rejects.toMatchObject({ refusal: 'userDeviceLimit' });
    await all.enroll(1, { limits, now: later(31) });
  });

  test('looks at no more than four devices, however many the user has', async () => {
    const all = new Organisation();
    for (let pc = 0; pc < 10; pc += 1) await all.enroll(pc);
    const refused = await all.callsOf(() => all.enroll(10, { limits: { devicesPerUser: 10 } }));
    // The grant, and four devices.
    expect(refused).toBe(5);
  });
});

describe('a limit of all', () => {
  const ofAll = (devicesInAll: number) => ({ devicesPerUser: null, devicesInAll });

  test('is kept by what enrollments count', async () => {
    const all = new Organisation();
    await countDevices(all.storage, ofAll(2), NOW);
    await all.enroll(0, { limits: ofAll(2), user: 'a@example.org' });
    await all.enroll(1, { limits: ofAll(2), user: 'b@example.org', bulk: true });
    await expect(all.enroll(2, { limits: ofAll(2), user: 'c@example.org' })).rejects.toMatchObject({
      refusal: 'organisationDeviceLimit',
      message: expect.stringContaining('2 devices of 2'),
    });
  });

  test('is true again after each count: devices that left, and those from before', async () => {
    const all = new Organisation();
    const ids = [await all.enroll(0), await all.enroll(1), await all.enroll(2)];
    expect(await countDevices(all.storage, ofAll(3), NOW)).toEqual({ devices: 3, freed: 0 });
    await expect(all.enroll(3, { limits: ofAll(3) })).rejects.toMatchObject({ refusal: 'organisationDeviceLimit' });
    await all.move(ids[0]!, 'unenrolled');
    await all.move(ids[1]!, 'blocked');
    expect(await countDevices(all.storage, ofAll(3), NOW)).toEqual({ devices: 1, freed: 2 });
    await all.enroll(3, { limits: ofAll(3) });
  });

  test('counts a device that left and comes back after that was counted, and refuses it when there are enough by then', async () => {
    const all = new Organisation();
    await countDevices(all.storage, ofAll(2), NOW);
    const first = await all.enroll(0, { limits: ofAll(2) });
    await all.move(first, 'unenrolled');
    await countDevices(all.storage, ofAll(2), NOW);
    await all.enroll(1, { limits: ofAll(2), user: 'sam@example.org' });
    await all.enroll(0, { limits: ofAll(2), now: later(60) });
    await expect(all.enroll(2, { limits: ofAll(2), user: 'lee@example.org' })).rejects.toMatchObject({
      message: expect.stringContaining('2 devices of 2'),
    });
  });

  test('counted while others enroll loses none of them', async () => {
    const all = new Organisation();
    await countDevices(all.storage, ofAll(9), NOW);
    let raced = false;
    all.storage.onCall = async ({ table, operation }) => {
      if (raced || table !== 'devicelist' || operation !== 'page') return;
      raced = true;
      await all.enroll(0, { limits: ofAll(9) });
    };
    expect(await countDevices(all.storage, ofAll(9), NOW)).toMatchObject({ devices: 1 });
  });

  test('lets an enrollment pass that others overtook, and makes it known', async () => {
    const all = new Organisation();
    await countDevices(all.storage, ofAll(9), NOW);
    all.storage.onCall = async ({ table, operation }) => {
      if (table !== 'devicelist' || operation !== 'get') return;
      all.storage.onCall = undefined;
      await all.enroll(1, { limits: ofAll(9), user: 'sam@example.org' });
    };
    const id = await all.enroll(0, { limits: ofAll(9) });
    expect(await all.storage.table('devicelist').get(LIST_PARTITION, id)).toBeDefined();
    expect(await countDevices(all.storage, ofAll(9), NOW)).toMatchObject({ devices: 2 });
  });
});

describe('the hourly count', () => {
  test('frees the places of those that have left', async () => {
    const all = new Organisation();
    const ids = [await all.enroll(0), await all.enroll(1), await all.enroll(2, { user: 'sam@example.org' })];
    await all.move(ids[0]!, 'wiped');
    expect(await countDevices(all.storage, { devicesPerUser: 5, devicesInAll: null }, NOW)).toEqual({ freed: 1 });
    expect(await all.placesOf()).toEqual([ids[1]]);
  });

  test('believes the record and not the list', async () => {
    const all = new Organisation();
    const id = await all.enroll(0);
    await all.move(id, 'blocked');
    const row = (await all.storage.table('devices').get<Device>(id, DEVICE_ROW))!;
    const value = { ...row.value, state: 'enrolled' };
    await all.storage.table('devices').write(id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
    expect(await countDevices(all.storage, { devicesPerUser: 5, devicesInAll: null }, NOW)).toEqual({ freed: 0 });
    expect(await all.placesOf()).toEqual([id]);
  });

  test('asks nothing where there is no limit', async () => {
    const all = new Organisation();
    await all.enroll(0);
    expect(await all.callsOf(() => countDevices(all.storage, NO_LIMIT, NOW))).toBe(0);
  });
});
