import { randomUUID } from 'node:crypto';
import { beforeAll } from 'vitest';
import { readSigningRequest, type SigningRequest } from '../../../shared/certificates/signing-request.ts';
import { COMMAND_PREFIX, type Command } from '../../../shared/commands/command.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from '../../../shared/devices/device.ts';
import { type DeviceListEntry, eachListed, updateDeviceList } from '../../../shared/devices/device-list.ts';
import { readEnrollmentContext } from '../../../shared/enrollment/enrollment-context.ts';
import { GrantMoved, partitionOfUser } from '../../../shared/enrollment/grants.ts';
import { issueEnrollment } from '../../../shared/enrollment/issue.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { signingRequest } from '../../support/wire.ts';
import { type MemoryAuthority, memoryAuthority } from '../certificates/memory-authority.ts';

export const NOW = new Date('2026-03-01T12:00:00.000Z');
export const later = (minutes: number) => new Date(NOW.getTime() + minutes * 60_000);

/** @returns makes a server without devices; its PCs have four keys among them */
export function useFleet(): () => Fleet {
  let ca: MemoryAuthority;
  let keys: SigningRequest[];
  beforeAll(async () => {
    ca = await memoryAuthority(NOW);
    keys = Array.from({ length: 4 }, () => readSigningRequest(Buffer.from(signingRequest(), 'base64')));
  });
  return () => new Fleet(ca, keys);
}

export interface Pc {
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
export class Fleet {
  readonly storage = new MemoryStorage();
  readonly #ca: MemoryAuthority;
  readonly #keys: readonly SigningRequest[];

  constructor(ca: MemoryAuthority, keys: readonly SigningRequest[]) {
    this.#ca = ca;
    this.#keys = keys;
  }

  async enroll(key: number, pc: Pc = {}, at = NOW): Promise<Device> {
    const { user = 'kim@example.org', serial = 'PF3ABC', hwDevId = 'HARDWARE-1', deviceId = 'DEVICE-1' } = pc;
    const id = randomUUID();
    const partitionKey = partitionOfUser(user);
    const grant = { partitionKey, rowKey: id, etag: '', value: { id, user, maxDevices: 1, uses: [] } };
    const values = { DeviceID: deviceId, EnrollmentType: 'Full', HWDevID: hwDevId, SerialNumber: serial };
    const { device } = await againWhenMoved(() =>
      issueEnrollment(this.storage, this.#ca, {
        grant,
        admission: { way: 'invitation', kind: 'deviceOnly' },
        signingRequest: this.#keys[key]!,
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

  /** What a session has read since, in the record and the list. */
  async says(id: string, { serial = '', entra = '' }: { serial?: string; entra?: string }): Promise<void> {
    const table = this.storage.table('devices');
    const row = (await table.get<Device>(id, DEVICE_ROW))!;
    const value: Device = {
      ...row.value,
      revision: row.value.revision + 1,
      facts: { ...row.value.facts, serialNumber: serial === '' ? { status: 404 } : { status: 200, value: serial } },
      factsReadAt: NOW.toISOString(),
      join: entra === '' ? { kind: 'none', readAt: '' } : { kind: 'joined', readAt: '', entraDeviceId: entra },
    };
    await table.write(id, [{ kind: 'replace', rowKey: DEVICE_ROW, value, etag: row.etag }]);
    await updateDeviceList(this.storage, value, NOW, new MemoryLog());
  }

  async flagsOf(id: string): Promise<string[]> {
    return ((await this.record(id)).flags ?? []).map(({ kind, other }) => `${kind} ${other}`);
  }

  /** The records of all that are in the list. */
  async everybody(): Promise<Device[]> {
    const records: Device[] = [];
    for await (const { id } of eachListed(this.storage)) records.push(await this.record(id));
    return records;
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
