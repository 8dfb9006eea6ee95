import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { readSigningRequest, type SigningRequest } from '../../../shared/certificates/signing-request.ts';
import { COMMAND_PREFIX, type Command, FINISHED_PREFIX } from '../../../shared/commands/command.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from '../../../shared/devices/device.ts';
import { type DeviceListEntry, eachListed } from '../../../shared/devices/device-list.ts';
import { readEnrollmentContext } from '../../../shared/enrollment/enrollment-context.ts';
import { GrantMoved, partitionOfUser } from '../../../shared/enrollment/grants.ts';
import { issueEnrollment } from '../../../shared/enrollment/issue.ts';
import { sweepReturned } from '../../../shared/enrollment/return.ts';
import type { Table } from '../../../shared/storage/tables.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { signingRequest } from '../../support/wire.ts';
import { type MemoryAuthority, memoryAuthority } from '../certificates/memory-authority.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);

let ca: MemoryAuthority;
let keys: SigningRequest[];
beforeAll(async () => {
  ca = await memoryAuthority(NOW);
  keys = Array.from({ length: 4 }, () => readSigningRequest(Buffer.from(signingRequest(), 'base64')));
});

interface Pc {
  user?: string;
  serial?: string;
  hwDevId?: string;
  deviceId?: string;
}

/** As the token request does it when another request of the user was first. */
async function againWhenMoved<T>(issue: () => Promise<T>): Promise<T> {
  try {
    return await issue();
  } catch (error) {
    if (!(error instanceof GrantMoved)) throw error;
    return issue();
  }
}

/** A server and PCs that enroll there, each time with an invitation of their own. */
class Fleet {
  readonly storage = new MemoryStorage();

  async enroll(key: number, pc: Pc = {}, at = NOW): Promise<Device> {
    const { user = 'kim@example.org', serial = 'PF3ABC', hwDevId = 'HARDWARE-1', deviceId = 'DEVICE-1' } = pc;
    const id = randomUUID();
    const partitionKey = partitionOfUser(user);
    const grant = { partitionKey, rowKey: id, etag: '', value: { id, user, maxDevices: 1, uses: [] } };
    const values = { DeviceID: deviceId, EnrollmentType: 'Full', HWDevID: hwDevId, SerialNumber: serial };
    const { device } = await againWhenMoved(() =>
      issueEnrollment(this.storage, ca, {
        grant,
        admission: { way: 'invitation', kind: 'deviceOnly' },
        signingRequest: keys[key]!,
        context: readEnrollmentContext(Object.entries(values).map(([name, value]) => ({ name, value }))),
        providerId: 'Lanyard',
        now: at,
      }),
    );
    return device;
  }

  async record(id: string): Promise<Device> {
    return (await this.storage.table('devices').get<Device>(id, DEVICE_ROW))!.value;
  }

  async listed(id: string): Promise<DeviceListEntry> {
    return (await this.storage.table('devicelist').get<DeviceListEntry>('devices', id))!.value;
  }

  /** The device has called, and has these commands. */
  async calls(id: string, ...states: Command['state'][]): Promise<void> {
    const commands = states.map((state, index) => ({ ...COMMAND, id: String(index).padStart(12, '0'), state }));
    await this.storage
      .table('devices')
      .write(id, [
        { kind: 'insert', rowKey: SESSION_ROW, value: { sessionId: '1', lastAt: NOW.toISOString() } },
        ...commands.map((value) => ({ kind: 'insert' as const, rowKey: COMMAND_PREFIX + value.id, value })),
      ]);
  }

  async states(): Promise<string[]> {
    const states: string[] = [];
    for await (const { state } of eachListed(this.storage)) states.push(state);
    return states.sort();
  }
}

const COMMAND: Command = {
  id: '',
  verb: 'Get',
  items: [{ target: './DevDetail/SwV' }],
  state: 'waiting',
  once: false,
  queuedAt: NOW.toISOString(),
  queuedBy: 'sam',
  deliveries: 0,
  results: [],
} as Command;

describe('a PC that enrolls anew', () => {
  test('ends its old enrollment and its commands, by its ids and for its user', async () => {
    const fleet = new Fleet();
    const old = await fleet.enroll(0);
    await fleet.calls(old.id, 'waiting', 'sent');
    const fresh = await fleet.enroll(1, { user: 'Kim@Example.org' }, later(60));

    const ended = await fleet.record(old.id);
    expect(ended).toMatchObject({ state: 'superseded', supersededBy: fresh.id, supersededBecause: 'return' });
    expect(await fleet.listed(old.id)).toMatchObject({ state: 'superseded', lastContactDay: '2026-03-01' });
    expect(await fleet.record(fresh.id)).toMatchObject({ state: 'enrolled' });
    const rows = fleet.storage.table('devices') as unknown as {
      rows(key: string): { rowKey: string; value: Command }[];
    };
    const commands = rows.rows(old.id).filter(({ rowKey }) => rowKey.includes('command'));
    expect(commands.every(({ rowKey }) => rowKey.startsWith(FINISHED_PREFIX))).toBe(true);
    expect(commands.map(({ value }) => value.state).sort()).toEqual(['cancelled', 'unknown']);
  });

  test('a third time leaves one enrollment', async () => {
    const fleet = new Fleet();
    await fleet.calls((await fleet.enroll(0)).id);
    await fleet.calls((await fleet.enroll(1, {}, later(60))).id);
    await fleet.enroll(2, {}, later(120));
    expect(await fleet.states()).toEqual(['enrolled', 'superseded', 'superseded']);
  });

  test.each<[string, Pc]>([
    ['with a serial number that was left out by its maker', { serial: 'To be filled by O.E.M.' }],
    ['without a hardware id', { hwDevId: '' }],
  ])('%s is known by the rest', async (_, pc) => {
    const fleet = new Fleet();
    await fleet.calls((await fleet.enroll(0, pc)).id);
    await fleet.enroll(1, pc, later(60));
    expect(await fleet.states()).toEqual(['enrolled', 'superseded']);
  });

  test.each<[string, string, string]>([
    ['neither says its serial number', '', ''],
    ['one says it and the other does not', 'PF3ABC', ''],
    ['both say what many do', 'Default string', 'Default string'],
  ])('and %s: a copy of the disk would look the same, so both records say it', async (_, before, after) => {
    const fleet = new Fleet();
    const old = await fleet.enroll(0, { serial: before });
    await fleet.calls(old.id);
    const fresh = await fleet.enroll(1, { serial: after }, later(60));
    expect(await fleet.record(old.id)).toMatchObject({
      state: 'superseded',
      flags: [{ kind: 'withoutSerial', other: fresh.id }],
    });
    const flags = [{ kind: 'withoutSerial', other: old.id, reason: expect.stringContaining('serial number') }];
    expect(fresh.flags).toMatchObject(flags);
    expect((await fleet.record(fresh.id)).flags).toMatchObject(flags);
  });

  test('with its serial number needs no look', async () => {
    const fleet = new Fleet();
    await fleet.calls((await fleet.enroll(0)).id);
    expect((await fleet.enroll(1, {}, later(60))).flags).toBeUndefined();
  });

  test('does not bring back to life what is blocked', async () => {
    const fleet = new Fleet();
    const old = await fleet.enroll(0);
    const table = fleet.storage.table('devices');
    const row = (await table.get<Device>(old.id, DEVICE_ROW))!;
    const value = { ...row.value, state: 'blocked' };
    await table.write(old.id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
    await fleet.enroll(1, {}, later(60));
    expect((await fleet.record(old.id)).state).toBe('blocked');
  });
});

describe('what is not the same PC for certain', () => {
  test.each<[string, Pc, string]>([
    ['a copy of its disk on another PC', { serial: 'PF9XYZ', deviceId: 'DEVICE-2' }, 'sharedHardwareId'],
    ['the PC after a reset', { deviceId: 'DEVICE-2' }, 'oldIdentity'],
    ['a disk that moved into another PC', { serial: 'PF9XYZ', hwDevId: 'HARDWARE-2' }, 'sharedDeviceId'],
    ['another user who claims to have that PC', { user: 'robin@example.org' }, 'otherUser'],
  ])('%s: both are flagged, and neither is harmed', async (_, pc, kind) => {
    const fleet = new Fleet();
    const first = await fleet.enroll(0);
    await fleet.calls(first.id, 'waiting');
    const second = await fleet.enroll(1, pc, later(60));
    expect(second.flags).toMatchObject([{ kind, other: first.id, reason: expect.stringMatching(/\w+ \w+/) }]);
    expect((await fleet.record(second.id)).flags).toEqual(second.flags);
    expect((await fleet.record(first.id)).flags).toMatchObject([{ kind, other: second.id }]);
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });

  test('a PC with nothing in common is left alone', async () => {
    const fleet = new Fleet();
    await fleet.enroll(0);
    const second = await fleet.enroll(1, { serial: 'PF9XYZ', hwDevId: 'HARDWARE-2', deviceId: 'DEVICE-2' }, later(60));
    expect(second.flags).toBeUndefined();
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });

  test('two copies of a disk that use one invitation are both enrolled', async () => {
    const fleet = new Fleet();
    await fleet.enroll(0, { serial: 'PF1' });
    await fleet.enroll(1, { serial: 'PF2', deviceId: 'DEVICE-2' }, later(1));
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });
});

describe('two requests of one PC at the same moment', () => {
  test.each([0, 1])('leave one enrollment, whichever comes to look first (%i minutes apart)', async (minutes) => {
    for (let round = 0; round < 8; round += 1) {
      const fleet = new Fleet();
      const outcomes = await Promise.allSettled([fleet.enroll(0), fleet.enroll(1, {}, later(minutes))]);
      const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
      const states = await Promise.all(won.map(async (id) => (await fleet.record(id)).state));
      expect(states.filter((state) => state === 'enrolled')).toHaveLength(1);
      expect(await fleet.states()).toEqual(['enrolled', 'superseded']);
    }
  });
});

describe('an enrollment that broke off before the old one was ended', () => {
  /** From now on, no write to this enrollment comes through. */
  function cutOff(fleet: Fleet, id: string): () => void {
    const table = fleet.storage.table('devices') as Table;
    const write = table.write.bind(table);
    table.write = (key, changes) => (key === id ? Promise.reject(new Error('cut')) : write(key, changes));
    return () => {
      table.write = write;
    };
  }

  test('is completed by the nightly sweep', async () => {
    const fleet = new Fleet();
    const old = await fleet.enroll(0);
    await fleet.calls(old.id, 'waiting');
    const mend = cutOff(fleet, old.id);
    await expect(fleet.enroll(1, {}, later(60))).rejects.toThrow('cut');
    mend();
    expect((await fleet.record(old.id)).state).toBe('enrolled');

    expect(await sweepReturned(fleet.storage, later(600))).toBe(1);
    expect(await fleet.record(old.id)).toMatchObject({ state: 'superseded', supersededBecause: 'return' });
    expect(await fleet.states()).toEqual(['enrolled', 'superseded']);
    expect(await sweepReturned(fleet.storage, later(600))).toBe(0);
  });

  test('and never ends one for another user, or for an enrollment that is over itself', async () => {
    const fleet = new Fleet();
    const first = await fleet.enroll(0);
    await fleet.calls(first.id);
    await fleet.enroll(1, { user: 'robin@example.org' }, later(60));
    expect(await sweepReturned(fleet.storage, later(600))).toBe(0);
    expect(await fleet.states()).toEqual(['enrolled', 'enrolled']);
  });
});
