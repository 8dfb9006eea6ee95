import { describe, expect, test } from 'vitest';
import type { Command, Verb } from '../../../shared/commands/command.ts';
import type { Device, Join } from '../../../shared/devices/device.ts';
import { requestUnenroll } from '../../../shared/devices/unenroll.ts';
import { nodeOf } from '../../../shared/profiles/profile.ts';
import { PROFILES_OF_DEVICE_ROW, type SettingState } from '../../../shared/profiles/setting-state.ts';
import { previewUnenroll, showUnenroll } from '../../../shared/unenroll/unenroll-preview.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const AT = '2026-03-01T12:00:00.000Z';
const NOW = new Date(AT);
let sequence = 0;

function command(verb: Verb, target: string, state: Command['state'] = 'done', more: Partial<Command> = {}): Command {
  sequence += 1;
  const id = String(sequence).padStart(12, '0');
  const items = [{ target }];
  return { id, verb, items, state, once: false, queuedAt: AT, queuedBy: 'kim', deliveries: 1, results: [], ...more };
}

const joined = (kind: Join['kind']): Partial<Device> => ({ join: { kind, readAt: AT } });
const preview = (change: Partial<Device> = {}, ...commands: Command[]) =>
  previewUnenroll(enrolledDevice(change), { commands, settings: {} }, undefined);
const knownTo = (part: 'removes' | 'keeps', what: string, ...commands: Command[]) =>
  preview({}, ...commands)[part].find((each) => each.what.includes(what))?.known;

describe('what an administrator is shown before a device leaves', () => {
  test('has all that Windows removes, also where nothing of it is known', () => {
    const removed = preview()
      .removes.map(({ what }) => what)
      .join('; ');
    for (const part of [
      'enrollment',
      'certificates',
      'policies and settings',
      'profiles',
      'enterprise apps',
      'scheduled tasks',
    ]) {
      expect(removed).toContain(part);
    }
    expect(
      preview()
        .keeps.map(({ what }) => what)
        .join('; '),
    ).toContain('MSI');
  });

  test.each([
    ['removes', 'certificates', './Device/Vendor/MSFT/ClientCertificateInstall/SCEP/a/Install/Enroll'],
    ['removes', 'policies', './User/Vendor/MSFT/Policy/Config/A/B'],
    ['removes', 'profiles', './Vendor/MSFT/WiFi/Profile/Office/WlanXml'],
    ['removes', 'profiles', './Vendor/MSFT/VPNv2/Office/ProfileXML'],
    ['removes', 'enterprise apps', './Device/Vendor/MSFT/EnterpriseModernAppManagement/AppInstallation/x/StoreInstall'],
    ['keeps', 'MSI', './Device/Vendor/MSFT/EnterpriseDesktopAppManagement/MSI/%7Bx%7D/DownloadInstall'],
    ['keeps', 'local accounts', './Device/Vendor/MSFT/Accounts/Users/kim/LocalUserGroup'],
    ['keeps', 'other commands', './Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption'],
  ] as const)('%s %s: %s', (part, what, target) => {
    expect(knownTo(part, what, command('Add', target))).toEqual([target]);
  });

  test('knows what was done, and not what waits, failed, was only read or is deleted again', () => {
    const top = './Device/Vendor/MSFT/Policy/Config';
    const known = knownTo(
      'removes',
      'policies',
      command('Get', `${top}/A/Read`),
      command('Replace', `${top}/A/Failed`, 'failed'),
      command('Replace', `${top}/A/Waiting`, 'waiting'),
      command('Replace', `${top}/A/Twice`),
      command('Replace', `${top}/A/Twice`),
      command('Replace', `${top}/B/One`),
      command('Delete', './Vendor/MSFT/Policy/Config/B'),
      command('Replace', `${top}/B/Two`),
    );
    expect(known).toEqual([`${top}/A/Twice`, `${top}/B/Two`]);
  });

  test('knows the settings that every PC is given and this one took', () => {
    const defaults = {
      'support.phone': { hash: 'h', at: AT, sent: 1, status: 200 },
      'support.email': { hash: 'h', at: AT, sent: 1, status: 404 },
      'support.website': { at: AT, sent: 1, status: 200 },
    };
    expect(preview({ defaults }).removes.find(({ what }) => what.includes('policies'))?.known).toEqual([
      'support.phone',
    ]);
  });

  describe('of what its profiles set', () => {
    const wifi = './Device/Vendor/MSFT/WiFi/Profile/Office/WlanXml';
    const camera = './Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera';
    const bitlocker = './Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption';
    const knownBy = (states: readonly SettingState[], ...commands: Command[]) => {
      const settings = Object.fromEntries(states.map((state) => [nodeOf(state.target), state]));
      const shown = previewUnenroll(enrolledDevice(), { commands, settings }, undefined);
      return [...shown.removes, ...shown.keeps].flatMap(({ what, known }) => known.map((node) => [what, node]));
    };

    test('knows each setting by what becomes of it', () => {
      const done = [wifi, camera, bitlocker].map((target) => ({ target, set: 'h', setAt: AT }));
      expect(knownBy(done)).toEqual([
        [expect.stringContaining('policies'), camera],
        [expect.stringContaining('Wi-Fi'), wifi],
        [expect.stringContaining('other commands'), bitlocker],
      ]);
    });

    test('knows what may be there, and not what the device refused', () => {
      const attempt = { hash: 'h', verb: 'Replace', at: AT, session: 's', sends: 1 } as const;
      const refused = { target: camera, attempt: { ...attempt, status: 500, failures: 1 } };
      expect(knownBy([{ target: wifi, attempt }, refused]).map(([, node]) => node)).toEqual([wifi]);
    });

    test('names what a command set too once', () => {
      const state = { target: './Vendor/MSFT/Policy/Config/Camera/AllowCamera', set: 'h' };
      expect(knownBy([state], command('Replace', camera)).map(([, node]) => node)).toEqual([camera]);
    });

    test('reads it from the record of the device', async () => {
      const partition = new Partition(enrolledDevice());
      const settings = { [nodeOf(camera)]: { target: camera, set: 'h' } };
      partition.apply([{ kind: 'insert', rowKey: PROFILES_OF_DEVICE_ROW, value: { settings } }]);
      const { removes } = await showUnenroll(partition.storage(), partition.device.id);
      expect(removes.find(({ what }) => what.includes('policies'))?.known).toEqual([camera]);
    });
  });

  test('counts the commands that have not ended, and not those of the gate', () => {
    const states: Command['state'][] = ['waiting', 'sent', 'accepted', 'done', 'cancelled'];
    const commands = states.map((state) => command('Get', './DevDetail/SwV', state));
    const ofTheGate = command('Add', './Vendor/MSFT/Accounts/Users/kim/Password', 'waiting', { gate: true });
    expect(preview({}, ...commands, ofTheGate).commandsOpen).toBe(3);
  });

  test.each([
    ['none', 'open'],
    ['registered', 'open'],
    ['domain', 'open'],
    ['joined', 'held'],
    ['hybrid', 'held'],
    ['unknown', 'held'],
  ] as const)('says of a device whose join is %s that the gate is %s', (kind, decision) => {
    const { gate, join } = preview(joined(kind));
    expect(gate.decision).toBe(decision);
    expect(gate.opensBy !== undefined).toBe(decision === 'held');
    expect(join).toMatchObject({ kind, readAt: AT });
  });

  test('says that the gate is not known where the join was never read', () => {
    expect(preview()).toMatchObject({ gate: { decision: 'notKnown' }, join: { kind: 'notRead' } });
  });

  test('says what the gate waits for', () => {
    const request = { by: 'kim', laps: { command: '000000000001' } };
    const { unenroll } = requestUnenroll(enrolledDevice(), request, NOW);
    expect(preview({ ...joined('joined'), unenroll }).gate).toMatchObject({ decision: 'held' });
    expect(preview({ unenroll }).warnings.join(' ')).toContain('stands already');
  });

  test.each([
    [
      'a joined one of WIP data, profiles and recovery keys',
      joined('joined'),
      /Windows Information Protection.*profiles.*recovery key/i,
    ],
    ['a phone to wipe it', { context: { DeviceType: 'WindowsPhone' } }, /Wipe it instead/],
    ['a mobile edition to wipe it', { facts: { osEdition: { status: 200, value: '104' } } }, /Wipe it instead/],
    ['one that has left', { state: 'unenrolled' }, /unenrolled already/],
    ['one that is blocked', { state: 'blocked' }, /cannot be told/],
  ] as [string, Partial<Device>, RegExp][])('warns of %s', (_, change, warning) => {
    expect(preview(change).warnings.join(' ')).toMatch(warning);
    const others = preview().warnings.join(' ');
    expect(others).not.toMatch(warning);
  });
});
