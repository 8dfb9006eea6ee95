import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { type LocalDeployment, type LocalOptions, startLocal } from '../../local/deployment.ts';
import { type DeviceOptions, WindowsDevice } from '../../local/device/windows-device.ts';
import { setClock } from '../../shared/platform/clock.ts';
import type { Storage } from '../../shared/storage/storage.ts';
import { openStorage } from '../../shared/storage/storage.ts';
import { pooledKeys, putAuthority } from './key-pool.ts';
import { ownAccount } from './shared-azurite.ts';

export interface Invitation {
  id: string;
  user: string;
  secret: string;
  deepLink: string;
  expiresAt: string;
}

/** Lanyard for one test file: the real table service, the local host with TLS in front, and as many devices as wanted. */
export class TestLanyard {
  readonly folder: string;
  readonly local: LocalDeployment;
  /** Everything that the apps logged. */
  readonly logs: string[];
  /** The storage behind it, for looking at what no API shows. */
  readonly storage: Storage;
  #time: Date | undefined;
  #devices = 0;

  constructor(folder: string, local: LocalDeployment, logs: string[]) {
    this.folder = folder;
    this.local = local;
    this.logs = logs;
    this.storage = openStorage({ tables: local.storage, blobs: local.storage });
  }

  get admin() {
    return this.local.admin;
  }

  invite(user = 'kim@example.org', more: object = {}): Promise<Invitation> {
    return this.admin.call('POST', '/api/invitations', { user, ...more });
  }

  /** A PC of its own, not enrolled; its clock is the server's. */
  async newDevice(options: Partial<DeviceOptions> = {}): Promise<WindowsDevice> {
    this.#devices += 1;
    const name = options.name ?? `PC-${this.#devices}`;
    const folder = join(this.folder, 'devices', `${this.#devices}-${name}`);
    const trust = [this.local.tlsRoot];
    const now = () => this.now();
    return WindowsDevice.create({ name, folder, makeKey: pooledKeys, trust, now, ...options });
  }

  /** A PC that has enrolled with an invitation of its own and not called yet. */
  async enrolledDevice(options: Partial<DeviceOptions> = {}): Promise<{ device: WindowsDevice; id: string }> {
    const { user, secret } = await this.invite();
    const device = await this.newDevice(options);
    const { enrollmentId } = await device.enroll({ server: this.local.enrollUrl, user, secret });
    return { device, id: enrollmentId };
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read what they need of the JSON
  get(path: string): Promise<any> {
    return this.admin.call('GET', path);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests read what they need of the JSON
  post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<any> {
    return this.admin.call('POST', path, body, headers);
  }

  /** Queues one command and gives its id. */
  async queue(deviceId: string, verb: string, target: string, more: object = {}): Promise<string> {
    const queued = await this.post(`/api/devices/${deviceId}/commands`, { verb, target, ...more });
    return queued.items[0].id;
  }

  now(): Date {
    return this.#time ?? new Date();
  }

  /** Moves the clock of server and devices forward. */
  pass({ minutes = 0, hours = 0, days = 0 }: { minutes?: number; hours?: number; days?: number }): void {
    this.#time = new Date(this.now().getTime() + ((days * 24 + hours) * 60 + minutes) * 60_000);
    setClock(() => new Date(this.now()));
  }
}

/** Starts Lanyard before the tests of a file and stops it after them. */
export function useLanyard(options: Partial<LocalOptions> = {}): () => TestLanyard {
  let lanyard: TestLanyard | undefined;
  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lanyard-test-'));
    const logs: string[] = [];
    const ports = { enroll: 0, manage: 0, bare: 0 };
    if (!options.certificateAuthority) await putAuthority(join(folder, 'ca'));
    const storage = await ownAccount();
    const local = await startLocal({ folder, storage, ports, log: (line) => logs.push(line), ...options });
    lanyard = new TestLanyard(folder, local, logs);
  });
  afterAll(async () => {
    observeStorage(undefined);
    setClock(undefined);
    await lanyard?.local.stop();
    if (lanyard) await rm(lanyard.folder, { recursive: true, force: true });
  });
  return () => lanyard!;
}
