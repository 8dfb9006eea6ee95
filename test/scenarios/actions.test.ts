import { describe, expect, test } from 'vitest';
import type { DeviceOptions } from '../../local/device/windows-device.ts';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();
const CODE = '{6B1F0E55-7C32-4F0A-9D33-0C4B3E0A9A11}';
const MSI = `./Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/${encodeURIComponent(CODE)}/DownloadInstall`;
const PACKAGE = {
  productCode: CODE,
  url: 'https://files.example.org/reader.msi',
  sha256: 'a'.repeat(64),
  version: '24.2.0',
};

const act = (id: string, name: string, input: object = {}, headers: Record<string, string> = {}) =>
  lanyard().post(`/api/devices/${id}/actions/${name}`, input, headers);

/** A PC that has called once, so that its join is known. */
async function calledDevice(options: Partial<DeviceOptions> = {}) {
  const enrolled = await lanyard().enrolledDevice(options);
  await enrolled.device.sync();
  return enrolled;
}

type Machine = DeviceOptions['machine'];
interface Case {
  name: string;
  input?: object;
  machine?: Machine;
  /** What the device is told and answers. */
  told: string[];
  warns: RegExp;
}

const CASES: Case[] = [
  { name: 'reboot', told: ['Exec 200 ./Device/Vendor/MSFT/Reboot/RebootNow'], warns: /five minutes/ },
  {
    name: 'rename',
    input: { name: 'DESK-7', restart: true },
    told: ['Replace 200 ./DevDetail/Ext/Microsoft/DNSComputerName', 'Exec 200 ./Device/Vendor/MSFT/Reboot/RebootNow'],
    warns: /restarts/,
  },
  {
    name: 'sync-schedule',
    input: { everyMinutes: 120, pollOnLogin: false },
    told: [
      'Replace 200 ./Device/Vendor/MSFT/DMClient/Provider/Lanyard/Poll/IntervalForRemainingScheduledRetries',
      'Replace 200 ./Device/Vendor/MSFT/DMClient/Provider/Lanyard/Poll/NumberOfRemainingScheduledRetries',
      'Replace 200 ./Device/Vendor/MSFT/DMClient/Provider/Lanyard/Poll/PollOnLogin',
    ],
    warns: /until it enrolls anew/,
  },
  {
    name: 'renew-certificate',
    told: ['Exec 200 ./Device/Vendor/MSFT/CertificateStore/My/WSTEP/Renew/RenewNow'],
    warns: /stays good/,
  },
  {
    name: 'defender-scan',
    input: { kind: 'full' },
    told: ['Exec 200 ./Device/Vendor/MSFT/Defender/Scan'],
    warns: /hours/,
  },
  { name: 'defender-update', told: ['Exec 200 ./Device/Vendor/MSFT/Defender/UpdateSignature'], warns: /Sync/ },
  {
    name: 'rotate-bitlocker-password',
    machine: { join: 'joined' },
    told: ['Exec 202 ./Device/Vendor/MSFT/BitLocker/RotateRecoveryPasswords'],
    warns: /stored in the directory/,
  },
  {
    name: 'rotate-laps-password',
    machine: { join: 'hybrid', laps: { backupDirectory: 1 } },
    told: [
      'Exec 200 ./Device/Vendor/MSFT/LAPS/Actions/ResetPassword',
      'Get 200 ./Device/Vendor/MSFT/LAPS/Actions/ResetPasswordStatus',
    ],
    warns: /BackupDirectory/,
  },
  {
    name: 'install-msi',
    input: PACKAGE,
    told: ['Add', 'Exec'].map((verb) => `${verb} 200 ${MSI.replace('./', './Device/')}`),
    warns: /no login/,
  },
  {
    name: 'collect-logs',
    told: ['Exec 200 ./Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveDefinition'],
    warns: /names of users/,
  },
  {
    name: 'wipe',
    input: { kind: 'doWipeCloud', confirm: 'wipe-me' },
    told: ['Exec 200 ./Device/Vendor/MSFT/RemoteWipe/doWipeCloud'],
    warns: /silent for 7 days/,
  },
];

test.each(CASES)('$name reaches the device', async ({ name, input, machine, told, warns }) => {
  const { device, id } = await calledDevice({ ...(name === 'wipe' ? { name: 'WIPE-ME' } : {}), machine });
  const done = await act(id, name, input);
  expect(done).toMatchObject({ action: name, items: { length: expect.any(Number) } });
  expect(done.warnings.join(' ')).toMatch(warns);
  const { commandsRun } = await device.sync();
  expect(commandsRun.map(({ verb, status, target }) => `${verb} ${status} ${target}`)).toEqual(told);
});

describe('an installation', () => {
  type Msi = NonNullable<NonNullable<Machine>['msi']>;
  const BROKEN = -2147023293;
  const execOf = async (id: string) => {
    const { items } = await lanyard().get(`/api/devices/${id}/commands`);
    return items.find(({ verb }: { verb: string }) => verb === 'Exec');
  };

  test.each<[string, Msi, string, object]>([
    ['is done when its alert says so', {}, 'done', { status: 200 }],
    [
      'that fails is not done, though the PC answers 200',
      { failsWith: BROKEN },
      'failed',
      { originalError: '0x80070643' },
    ],
    ['that the PC answers with 202 fails alike', { answers: 202, failsWith: BROKEN }, 'failed', { status: 500 }],
    ['of which no alert comes is asked for', { tellsLater: false }, 'done', { note: expect.stringContaining('70') }],
    [
      'of which no alert comes, and that fails, is told with its code',
      { tellsLater: false, failsWith: BROKEN },
      'failed',
      { originalError: '0x80070643' },
    ],
  ])('%s', async (_, msi, state, result) => {
    const { device, id } = await calledDevice({ machine: { msi } });
    await act(id, 'install-msi', PACKAGE);
    await device.sync();
    const exec = () => execOf(id);
    expect(await exec()).toMatchObject({ state: 'accepted', status: msi.answers ?? 200 });
    lanyard().pass({ minutes: 15 });
    await device.sync();
    expect(await exec()).toMatchObject({ state, results: [result] });
  });

  test('that takes its time is asked for again, and says how far it is', async () => {
    const { device, id } = await calledDevice({ machine: { msi: { tellsLater: false, pendingReads: 1 } } });
    await act(id, 'install-msi', PACKAGE);
    await device.sync();
    const exec = () => execOf(id);
    for (const expected of [
      { state: 'accepted', results: [{ note: expect.stringContaining('being installed') }] },
      { state: 'done' },
    ]) {
      lanyard().pass({ minutes: 15 });
      await device.sync();
      expect(await exec()).toMatchObject(expected);
    }
  });
});

test('every action is listed with what it takes, and played here', async () => {
  const { items } = await lanyard().get('/api/actions');
  // What queues nothing is played elsewhere.
  const played = [...CASES.map(({ name }) => name), 'sync-now'].toSorted();
  expect(items.map(({ name }: { name: string }) => name).toSorted()).toEqual(played);
  const wipe = items.find(({ name }: { name: string }) => name === 'wipe');
  expect(wipe.input).toMatchObject({
    type: 'object',
    required: ['confirm'],
    properties: { kind: { enum: expect.arrayContaining(['doWipeProtected']) } },
  });
});

describe('what would do harm or come to nothing is refused', () => {
  test.each<[string, string, object, Machine, number]>([
    ['a wipe of a device that is named wrongly', 'wipe', { confirm: 'another' }, {}, 400],
    ['a wipe of a kind that is none', 'wipe', { kind: 'doWipeAll', confirm: 'x' }, {}, 400],
    ['a new name for a PC of a domain', 'rename', { name: 'DESK-8' }, { join: 'domain' }, 409],
    ['a new name for a hybrid joined PC', 'rename', { name: 'DESK-8' }, { join: 'hybrid' }, 409],
    ['a name that Windows does not take', 'rename', { name: '12345' }, {}, 400],
    ['a BitLocker password that has nowhere to go', 'rotate-bitlocker-password', {}, { join: 'none' }, 409],
    ['a LAPS password that has nowhere to go', 'rotate-laps-password', {}, { join: 'domain' }, 409],
    ['a schedule of every minute', 'sync-schedule', { everyMinutes: 1 }, {}, 400],
    ['a package over plain HTTP', 'install-msi', { ...PACKAGE, url: 'http://files.example.org/x.msi' }, {}, 400],
    ['a package without its hash', 'install-msi', { ...PACKAGE, sha256: 'abc' }, {}, 400],
    ['an input that is not known', 'reboot', { now: true }, {}, 400],
    ['an action that is none', 'explode', {}, {}, 404],
  ])('%s', async (_, name, input, machine, status) => {
    const { device, id } = await calledDevice({ machine });
    await expect(act(id, name, input)).rejects.toMatchObject({ status });
    expect((await device.sync()).commandsRun).toEqual([]);
  });

  test('a wipe from the cloud of a Windows that cannot', async () => {
    const { device, id } = await calledDevice({ machine: { osVersion: '10.0.19045.4000' } });
    const wipe = { kind: 'doWipeCloud', confirm: device.machine.name };
    await expect(act(id, 'wipe', wipe)).rejects.toMatchObject({
      status: 409,
      message: expect.stringContaining('22H2'),
    });
  });

  test('anything of a device that has left', async () => {
    const { device, id } = await calledDevice();
    await device.unenroll();
    await expect(act(id, 'reboot')).rejects.toMatchObject({ status: 409 });
  });
});

test('an action that is sent twice is queued once', async () => {
  const { device, id } = await calledDevice({ machine: { join: 'joined' } });
  const key = { 'Idempotency-Key': 'rotate-once' };
  const first = await act(id, 'rotate-bitlocker-password', {}, key);
  lanyard().pass({ minutes: 1 });
  expect(await act(id, 'rotate-bitlocker-password', {}, key)).toEqual(first);
  expect((await device.sync()).commandsRun).toHaveLength(1);
});

test('what came of an installation is told in a later session', async () => {
  const nodes = [
    { path: MSI, access: ['Get' as const, 'Add' as const, 'Exec' as const], exec: 202, later: '-2147023293' },
  ];
  const { device, id } = await calledDevice({ nodes });
  const url = 'https://files.example.org/reader.msi?sv=SECRET-OF-THE-ADDRESS';
  const { items } = await act(id, 'install-msi', { ...PACKAGE, url, arguments: '/quiet A="1 & 2"' });
  expect(JSON.stringify(items)).not.toContain('SECRET-OF-THE-ADDRESS');
  await device.sync();
  const path = `/api/devices/${id}/commands/${items[1].id}`;
  expect(await lanyard().get(path)).toMatchObject({ state: 'accepted' });
  await device.sync();
  expect(await lanyard().get(path)).toMatchObject({ state: 'failed', results: [{ originalError: '0x80070643' }] });
});

test('a device is due by the schedule of its enrollment, whatever the settings are today', async () => {
  const { device, id } = await calledDevice();
  const before = await lanyard().get('/api/settings');
  try {
    await lanyard().admin.call('PUT', '/api/settings', {
      ...before,
      poll: { ...before.poll, remaining: { intervalMinutes: 30 } },
    });
    const later = await calledDevice();
    lanyard().pass({ days: 1 });
    for (const each of [device, later.device]) await each.sync();
    const everyMinutes = async (one: string) => (await lanyard().get(`/api/devices/${one}`)).nextContact.everyMinutes;
    expect([await everyMinutes(id), await everyMinutes(later.id)]).toEqual([480, 30]);
  } finally {
    await lanyard().admin.call('PUT', '/api/settings', before);
  }
});

test('the command line that has a PC call now looks for its own enrollment', async () => {
  const { id } = await calledDevice();
  const { nextContact, providerId } = await lanyard().get(`/api/devices/${id}`);
  expect(nextContact.commandLine).toContain(`'${providerId}'`);
});

test('the record says when the device is due, by its own schedule too, and how to have it call now', async () => {
  const { device, id } = await calledDevice();
  const view = () => lanyard().get(`/api/devices/${id}`);
  const minutesUntilDue = async () => {
    const { nextContact, lastContact } = await view();
    return (Date.parse(nextContact.due) - Date.parse(lastContact)) / 60_000;
  };
  expect(await minutesUntilDue()).toBe(15);
  expect((await view()).nextContact).toMatchObject({ overdue: false, syncNow: expect.stringContaining('Info, Sync') });
  lanyard().pass({ days: 1 });
  expect((await view()).nextContact).toMatchObject({ overdue: true, everyMinutes: 480 });
  await device.sync();
  expect(await minutesUntilDue()).toBe(480);
  // What was asked for and never done leaves no trace.
  const { items } = await act(id, 'sync-schedule', { everyMinutes: 30 });
  expect(await minutesUntilDue()).toBe(480);
  await lanyard().admin.call('DELETE', `/api/devices/${id}/commands/${items[0].id}`);
  expect(await minutesUntilDue()).toBe(480);
  await act(id, 'sync-schedule', { everyMinutes: 120 });
  await device.sync();
  expect(await minutesUntilDue()).toBe(120);
  await device.unenroll();
  expect(await view()).not.toHaveProperty('nextContact');
});
