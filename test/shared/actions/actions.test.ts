import { describe, expect, test } from 'vitest';
import type { ActionRequest, Plan } from '../../../shared/actions/action.ts';
import { ACTIONS, actionNamed, actionViews } from '../../../shared/actions/actions.ts';
import { commandsSchema } from '../../../shared/commands/intake.ts';
import type { Device, Join } from '../../../shared/devices/device.ts';
import { attribute, parseXml, trimmed, type XmlElement } from '../../../shared/wire/xml.ts';
import { enrolledDevice } from '../../support/partition.ts';

/**
 * What each action sends: verb, node, data, format and type of every command, as the page of its CSP on Microsoft Learn asks for
 * it, and what the administrator is told.
 */

const NOW = new Date('2026-03-01T08:00:00.000Z');
const ID = 'f1a0c8b2-5d6e-4f70-8a91-b2c3d4e5f607';
const ADDRESS = 'https://data.blob.core.windows.net/logs?sig=SECRET';
const CSP = './Device/Vendor/MSFT';
const REQUEST = {
  now: NOW,
  id: ID,
  uploads: { openForUpload: async () => ({ url: ADDRESS }) },
} as unknown as ActionRequest;
const joined = (kind: Join['kind']): Partial<Device> => ({ join: { kind, readAt: NOW.toISOString() } });

async function plan(name: string, input: object = {}, device: Partial<Device> = {}): Promise<Plan> {
  const action = actionNamed(name);
  if (!action) throw new Error(`There is no action ${name}`);
  return action.plan(enrolledDevice({ ...joined('joined'), ...device }), action.input.parse(input), REQUEST);
}

/** The items of all commands as they are queued; the intake has looked at them. */
async function items(...given: Parameters<typeof plan>): Promise<object[]> {
  const commands = commandsSchema.parse((await plan(...given)).commands);
  return commands.flatMap(({ verb, items: each }) => each.map((item) => ({ verb, ...item })));
}

const REBOOT = { verb: 'Exec', target: `${CSP}/Reboot/RebootNow` };
const NAME = { verb: 'Replace', target: './DevDetail/Ext/Microsoft/DNSComputerName', data: 'DESK-7', format: 'chr' };
const POLL = `${CSP}/DMClient/Provider/Lanyard/Poll`;
const poll = (node: string, data: string, format: string) => ({
  verb: 'Replace',
  target: `${POLL}/${node}`,
  data,
  format,
});
const SCAN = { verb: 'Exec', target: `${CSP}/Defender/Scan`, format: 'chr' };

describe('an action sends', () => {
  test.each<[string, object, object[]]>([
    // Reboot CSP
    ['reboot', {}, [REBOOT]],
    // DevDetail CSP, Ext/Microsoft/DNSComputerName
    ['rename', { name: 'DESK-7', restart: true }, [NAME, REBOOT]],
    // DMClient CSP, Poll: 0 is for ever
    [
      'sync-schedule',
      { everyMinutes: 120 },
      [
        poll('IntervalForRemainingScheduledRetries', '120', 'int'),
        poll('NumberOfRemainingScheduledRetries', '0', 'int'),
      ],
    ],
    [
      'sync-schedule',
      { everyMinutes: 15, pollOnLogin: true },
      [
        poll('IntervalForRemainingScheduledRetries', '15', 'int'),
        poll('NumberOfRemainingScheduledRetries', '0', 'int'),
        poll('PollOnLogin', 'true', 'bool'),
      ],
    ],
    // CertificateStore CSP
    ['renew-certificate', {}, [{ verb: 'Exec', target: `${CSP}/CertificateStore/My/WSTEP/Renew/RenewNow` }]],
    // Defender CSP, Scan: 1 quick, 2 full
    ['defender-scan', {}, [{ ...SCAN, data: '1' }]],
    ['defender-scan', { kind: 'quick' }, [{ ...SCAN, data: '1' }]],
    ['defender-scan', { kind: 'full' }, [{ ...SCAN, data: '2' }]],
    ['defender-update', {}, [{ verb: 'Exec', target: `${CSP}/Defender/UpdateSignature`, format: 'chr' }]],
    // BitLocker CSP, RotateRecoveryPasswords: a GUID that names the request
    [
      'rotate-bitlocker-password',
      {},
      [{ verb: 'Exec', target: `${CSP}/BitLocker/RotateRecoveryPasswords`, data: ID, format: 'chr' }],
    ],
    // LAPS CSP, Actions
    [
      'rotate-laps-password',
      {},
      [
        { verb: 'Exec', target: `${CSP}/LAPS/Actions/ResetPassword`, format: 'null' },
        { verb: 'Get', target: `${CSP}/LAPS/Actions/ResetPasswordStatus` },
      ],
    ],
  ])('%s %o', async (name, input, expected) => {
    expect(await items(name, input)).toEqual(expected);
  });

  test('a new name without a restart where none is asked for', async () => {
    expect(await items('rename', { name: 'DESK-7' }, joined('none'))).toEqual([NAME]);
  });

  test('to collect logs the definition with its own id and address, as a secret', async () => {
    const [item] = await items('collect-logs');
    const target = './Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveDefinition';
    expect(item).toMatchObject({ verb: 'Exec', target, format: 'chr', secret: true });
    const definition = parseXml(Buffer.from((item as { data: string }).data));
    expect([text(definition, 'ID'), text(definition, 'SasUrl')]).toEqual([ID, ADDRESS]);
    const [command] = commandsSchema.parse((await plan('collect-logs')).commands);
    // An hour before the address ends.
    expect(command?.expiresInHours).toBe(167);
  });
});

function text(element: XmlElement, ...path: string[]): string | undefined {
  const found = path.reduce<XmlElement | undefined>(
    (at, name) => at?.children.find((each) => each.name === name),
    element,
  );
  return found && trimmed(found);
}

describe('an installation sends', () => {
  const CODE = '{6B1F0E55-7C32-4F0A-9D33-0C4B3E0A9A11}';
  const TARGET = `${CSP}/EnterpriseDesktopAppManagement/MSI/%7B6B1F0E55-7C32-4F0A-9D33-0C4B3E0A9A11%7D/DownloadInstall`;
  const GIVEN = {
    productCode: '6b1f0e55-7c32-4f0a-9d33-0c4b3e0a9a11',
    url: 'https://files.example.org/reader.msi',
    sha256: 'ab'.repeat(32),
    version: '24.2.0',
  };
  const jobOf = async (more: object = {}) => {
    const [, exec] = await items('install-msi', { ...GIVEN, ...more });
    return parseXml(Buffer.from((exec as { data: string }).data));
  };

  test('the node by Add, then the job by Exec, as XML in plain text', async () => {
    expect(await items('install-msi', GIVEN)).toEqual([
      { verb: 'Add', target: TARGET },
      { verb: 'Exec', target: TARGET, format: 'xml', type: 'text/plain', data: expect.any(String) },
    ]);
  });

  /** EnterpriseDesktopAppManagement CSP, "MsiInstallJob XSD": these elements below each other and in this order. */
  test('a job with all that the schema wants', async () => {
    const job = await jobOf();
    expect([job.name, attribute(job, 'id')]).toEqual(['MsiInstallJob', CODE]);
    const [product] = job.children;
    expect([product?.name, product && attribute(product, 'Version')]).toEqual(['Product', '24.2.0']);
    expect(product?.children.map(({ name }) => name)).toEqual(['Download', 'Validation', 'Enforcement']);
    const said = (...path: string[]) => text(job, 'Product', ...path);
    expect(said('Download', 'ContentURLList', 'ContentURL')).toBe(GIVEN.url);
    expect(said('Validation', 'FileHash')).toBe('AB'.repeat(32));
    expect(product?.children[2]?.children.map((each) => [each.name, trimmed(each)])).toEqual([
      ['CommandLine', '/quiet /norestart'],
      ['TimeOut', '30'],
      ['RetryCount', '3'],
      ['RetryInterval', '5'],
    ]);
  });

  test.each<[object, string, string]>([
    [{ arguments: '/qn A="1 & <2>"' }, 'CommandLine', '/qn A="1 & <2>"'],
    [{ timeoutMinutes: 240 }, 'TimeOut', '240'],
    [{ retries: 0 }, 'RetryCount', '0'],
    [{ retryAfterMinutes: 60 }, 'RetryInterval', '60'],
  ])('of %o the element %s', async (more, element, expected) => {
    expect(text(await jobOf(more), 'Product', 'Enforcement', element)).toBe(expected);
  });

  test('an address with a query as a secret, and says so', async () => {
    const given = { ...GIVEN, url: `${GIVEN.url}?sig=SECRET` };
    expect((await items('install-msi', given))[1]).toMatchObject({ secret: true });
    expect((await plan('install-msi', given)).warnings.join(' ')).toContain('shown as a secret');
    expect((await plan('install-msi', GIVEN)).warnings.join(' ')).not.toContain('secret');
    expect((await plan('install-msi', GIVEN)).warnings.join(' ')).toContain(
      `Delete of ${TARGET.replace('/DownloadInstall', '')}`,
    );
  });
});

describe('a wipe sends', () => {
  const RECOVERY =
    'It needs the recovery environment (`reagentc /info`): without it the device answers 500 and nothing happens.';
  const ACCEPTED =
    'The answer says only that the device took the command. It counts as wiped when it has been silent for 7 days; a later session shows that it was not.';
  const ELSEWHERE = 'Its objects in Microsoft Entra, Intune and Autopilot stay: remove them there.';
  const CLOUD = 'Windows is loaded anew from Microsoft: some gigabytes over the network of the PC.';

  /** RemoteWipe CSP: kind, its node, and all that the administrator is told. */
  const KINDS: [string, string, string[]][] = [
    [
      'doWipe',
      'doWipe',
      ['Windows is reset; user data, settings and the enrollment are removed.', RECOVERY, ACCEPTED, ELSEWHERE],
    ],
    [
      'doWipeProtected',
      'doWipeProtected',
      [
        'Windows is reset and goes on trying, also after it was switched off. The PC may not start any more: for stolen ones only.',
        ACCEPTED,
        ELSEWHERE,
      ],
    ],
    [
      'doWipePersistProvisionedData',
      'doWipePersistProvisionedData',
      [
        'Windows is reset; what provisioning packages brought stays and is applied again.',
        RECOVERY,
        ACCEPTED,
        ELSEWHERE,
      ],
    ],
    [
      'doWipePersistUserData',
      'doWipePersistUserData',
      [
        'Windows is reset; the accounts and files of users stay. Do not use it before a PC is given away.',
        RECOVERY,
        ACCEPTED,
        ELSEWHERE,
      ],
    ],
    ['doWipeCloud', 'doWipeCloud', [CLOUD, RECOVERY, ACCEPTED, ELSEWHERE]],
    [
      'doWipeCloudPersistUserData',
      'doWipeCloudPersistUserData',
      [`${CLOUD} Accounts and files of users stay.`, RECOVERY, ACCEPTED, ELSEWHERE],
    ],
    [
      'doWipeCloudPersistProvisionedData',
      'doWipeCloudPersistProvisionedData',
      [`${CLOUD} What provisioning packages brought stays.`, RECOVERY, ACCEPTED, ELSEWHERE],
    ],
    [
      'doAutomaticRedeployment',
      'AutomaticRedeployment/doAutomaticRedeployment',
      [
        'Autopilot Reset: apps, settings and files of users are removed, the join and the enrollment stay. The recovery environment must be on.',
        RECOVERY,
      ],
    ],
  ];
  const NAMED = { confirm: 'PC-1' };

  test.each(KINDS)('%s to %s', async (kind, node, warnings) => {
    expect(await items('wipe', { ...NAMED, kind })).toEqual([
      { verb: 'Exec', target: `${CSP}/RemoteWipe/${node}`, format: 'chr' },
    ]);
    expect((await plan('wipe', { ...NAMED, kind })).warnings).toEqual(warnings);
  });

  test('doWipe where no kind is given, and knows no others than these', async () => {
    expect(await items('wipe', NAMED)).toEqual([{ verb: 'Exec', target: `${CSP}/RemoteWipe/doWipe`, format: 'chr' }]);
    const shown = actionViews().find(({ name }) => name === 'wipe')?.input;
    expect(shown).toMatchObject({ properties: { kind: { enum: KINDS.map(([kind]) => kind) } } });
  });
});

test.each<[string, object, RegExp]>([
  ['reboot', {}, /not saved is lost/],
  ['rename', { name: 'DESK-7', restart: true }, /restarts within five minutes/],
  ['rename', { name: 'DESK-7' }, /holds after the next restart, which nobody forces/],
  ['sync-schedule', { everyMinutes: 59 }, /cost battery/],
  ['renew-certificate', {}, /stays good until its own end/],
  ['defender-scan', { kind: 'full' }, /take hours/],
  ['defender-scan', {}, /^The answer says that it has begun/],
  ['rotate-bitlocker-password', {}, /refuses unless .*RotateRecoveryPasswordsStatus later: 0 done/],
  ['rotate-laps-password', {}, /BackupDirectory.*-2147483638 going on/],
  ['collect-logs', {}, /tell the person.*30 days later/],
])('%s %o warns of what may go wrong', async (name, input, expected) => {
  expect((await plan(name, input)).warnings.join(' ')).toMatch(expected);
});

test('a scan of a Defender that is off says so', async () => {
  const at = NOW.toISOString();
  const entry = { value: 'false', readAt: at };
  const inventory = { entries: { defenderEnabled: entry } } as unknown as NonNullable<Device['inventory']>;
  for (const name of ['defender-scan', 'defender-update']) {
    expect((await plan(name, {}, { inventory })).warnings.join(' ')).toContain('Defender was off');
    expect((await plan(name)).warnings.join(' ')).not.toContain('Defender was off');
  }
});

test('no action is without a case here', () => {
  const played = ['reboot', 'rename', 'sync-schedule', 'renew-certificate', 'defender-scan', 'defender-update'];
  const others = ['rotate-bitlocker-password', 'rotate-laps-password', 'install-msi', 'collect-logs', 'wipe'];
  expect(ACTIONS.map(({ name }) => name)).toEqual([...played, ...others]);
});
