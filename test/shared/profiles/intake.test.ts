import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { isSecretNode } from '../../../shared/commands/secret-nodes.ts';
import { profileSchemaFor } from '../../../shared/profiles/intake.ts';
import { limitProblem } from '../../../shared/profiles/limits.ts';
import { removalOf } from '../../../shared/profiles/removal.ts';
import { TEMPLATES } from '../../../shared/profiles/templates/templates.ts';
import { POLICY, profile, setting } from '../../support/profiles.ts';
import { readXml } from '../../support/read-xml.ts';

const ROOT = rootCertificates[0] ?? '';
const NOTHING = { authorities: [], secretValues: new Map<string, string>() };
const A = { target: POLICY('A'), value: '1', format: 'int' };

/** Names what is wrong, as `field: message`. */
function wrongWith(body: object, known: Partial<Parameters<typeof profileSchemaFor>[0]> = {}): string[] {
  const result = profileSchemaFor({ ...NOTHING, ...known }).safeParse(body);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

function made(body: object, known: Partial<Parameters<typeof profileSchemaFor>[0]> = {}) {
  return profileSchemaFor({ ...NOTHING, ...known }).parse(body);
}

/** What each form needs at least. */
const LEAST: Record<string, object> = {
  wifi: { ssid: 'Office & Co', password: 'Pa55-phrase <1>' },
  vpn: { name: 'Head office', server: 'vpn.example.org' },
  'certificate-trust': { certificates: [{ certificate: ROOT }] },
};

describe('the settings of a profile', () => {
  test('are taken as they are, with the format chr where none is given', () => {
    expect(made({ settings: [A, { target: POLICY('B'), value: 'x' }] })).toEqual({
      description: '',
      atomic: false,
      settings: [A, { target: POLICY('B'), value: 'x', format: 'chr' }],
    });
  });

  test.each<[string, object, RegExp]>([
    ['none', { settings: [] }, /^settings: /],
    ['65', { settings: Array.from({ length: 65 }, (_, n) => ({ ...A, target: POLICY(`N${n}`) })) }, /^settings: /],
    [
      'one for a node that is in it already',
      { settings: [A, { ...A, target: './Vendor/MSFT/Policy/Config/Test/a' }] },
      /^settings\.1\.target: is in this profile already/,
    ],
    [
      'a number that is none',
      { settings: [{ ...A, value: 'x' }] },
      /^settings\.0\.value: |^settings\.0\.data: must be a whole number/,
    ],
    [
      'a node that cuts the device off',
      { settings: [{ ...A, target: './Device/Vendor/MSFT/CertificateStore/My/User/AB' }] },
      /target: /,
    ],
    [
      'a name whose escapes make it too long for the row of a device',
      { settings: [{ ...A, target: POLICY('é'.repeat(80)) }] },
      /^settings\.0\.target: is longer than 400 characters with all escaped/,
    ],
    [
      'a node that would cut it off when it is taken back',
      { settings: [{ ...A, target: './Device/Vendor/MSFT/CertificateStore/My/WSTEP/Renew/RenewPeriod' }] },
      /^settings\.0\.target: cannot be taken back/,
    ],
    [
      'the help desk, which the settings write',
      { settings: [{ ...A, target: './Device/Vendor/MSFT/DMClient/Provider/X/HelpPhoneNumber' }] },
      /belongs to the enrollment/,
    ],
    [
      'the ban on disconnecting',
      { settings: [{ ...A, target: './Device/Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment' }] },
      /userMayDisconnect/,
    ],
    [
      'the result of a policy',
      { settings: [{ ...A, target: './Device/Vendor/MSFT/Policy/Result/Test/A' }] },
      /cannot be written/,
    ],
    [
      'a very long value',
      { settings: [{ ...A, format: 'chr', value: 'x'.repeat(65 * 1024) }] },
      /larger than 65536 bytes/,
    ],
    ['a very long address', { settings: [{ ...A, target: POLICY('x'.repeat(400)) }] }, /longer than 400 characters/],
    [
      'more than an Atomic takes',
      { atomic: true, settings: Array.from({ length: 25 }, (_, n) => ({ ...A, target: POLICY(`N${n}`) })) },
      /at most 24 go into an Atomic/,
    ],
    [
      'settings that belong together outside of an Atomic',
      { together: true, settings: [A] },
      /^together: needs atomic/,
    ],
    [
      'both parts of the tree in an Atomic',
      { atomic: true, settings: [A, { ...A, target: './User/Vendor/MSFT/Policy/Config/T/A' }] },
      /not for both/,
    ],
    ['a word that is not known', { settings: [A], colour: 'red' }, /Unrecognized|not known|colour/],
    [
      'a device that is no id',
      { settings: [A], assignedTo: { devices: ['PC-1'] } },
      /^assignedTo\.devices\.0: must be the id of a device/,
    ],
    ['a tag with a slash', { settings: [A], assignedTo: { tags: ['a/b'] } }, /^assignedTo\.tags\.0: /],
  ])('cannot be %s', (_, body, message) => {
    expect(wrongWith(body).join('\n')).toMatch(message);
  });

  test('are secret where the node is, and where somebody says so', () => {
    const settings = [
      { target: './Vendor/MSFT/WiFi/Profile/X/WlanXml', value: 'x' },
      { ...A, secret: true },
    ];
    expect(made({ settings }).settings.map(({ secret }) => secret)).toEqual([true, true]);
  });

  test('keep a secret for ***, and refuse the stars where there is none to keep', () => {
    const settings = [{ ...A, format: 'chr', secret: true, value: '***' }];
    const secretValues = new Map([[setting(A.target, '').node, 'Pa55-phrase']]);
    expect(made({ settings }, { secretValues }).settings[0]?.value).toBe('Pa55-phrase');
    expect(wrongWith({ settings })).toEqual([expect.stringMatching(/^settings\.0\.value: .*no secret to keep/)]);
  });
});

describe.each(TEMPLATES.map((form) => [form.name, form] as const))('the template %s', (name, form) => {
  const build = (input: object = LEAST[name] ?? {}) => made({ template: name, input });

  test('makes a profile of what it needs at least', () => {
    const { settings, atomic } = build();
    expect(settings.length).toBeGreaterThan(0);
    expect(atomic).toBe(form.atomic);
    for (const { target, secret } of settings) {
      expect(target).toMatch(/^\.\/(Device\/)?Vendor\/MSFT\//);
      expect(secret ?? false).toBe(isSecretNode(target));
    }
  });

  test('can be taken back', () => {
    for (const { target } of build().settings) expect(removalOf(target).kind).not.toBe('never');
  });

  test('refuses what it does not know by its name', () => {
    expect(wrongWith({ template: name, input: { ...LEAST[name], colour: 'red' } }).join()).toContain('colour');
  });
});

describe('what is filled into a template', () => {
  const input = (template: string, given: object) => wrongWith({ template, input: given }).join('\n');

  test.each<[string, object, RegExp]>([
    ['bitlocker', { method: 'des' }, /^input\.method: /],
    ['password', { minimumLength: 3 }, /^input\.minimumLength: /],
    ['windows-update', { deferQualityDays: 31 }, /^input\.deferQualityDays: /],
    ['windows-update', { activeFrom: 8, activeUntil: 7 }, /^input\.activeUntil: is more than 18 hours/],
    ['defender', { unwantedApps: 'yes' }, /^input\.unwantedApps: /],
    ['firewall', { blockInbound: 1 }, /^input\.blockInbound: /],
    ['wifi', { ssid: 'x'.repeat(33), password: 'Pa55-phrase' }, /^input\.ssid: is longer than 32 bytes/],
    ['wifi', { ssid: 'a/b', password: 'Pa55-phrase' }, /^input\.ssid: has a slash/],
    ['wifi', { ssid: 'Office', password: 'short' }, /^input\.password: must be 8 to 63/],
    ['vpn', { name: 'a/b', server: 'vpn.example.org' }, /^input\.name: /],
    ['vpn', { name: 'a', server: 'https://vpn.example.org' }, /^input\.server: /],
    [
      'certificate-trust',
      { certificates: [{ certificate: 'AAAA' }] },
      /^input\.certificates\.0\.certificate: must be one X\.509/,
    ],
    ['certificate-trust', { certificates: [{ certificate: `${ROOT}\n${ROOT}` }] }, /must be one X\.509/],
    ['nothing', {}, /^template: is not one of bitlocker, /],
  ])('of %s: %o is refused', (template, given, message) => {
    expect(input(template, given)).toMatch(message);
  });

  test('keeps the password of a Wi-Fi for ***', () => {
    const body = { template: 'wifi', input: { ssid: 'Office', password: '***' } };
    const { settings } = made(body, { filledIn: { ssid: 'Old', password: 'Pa55-phrase' } });
    expect(settings[0]?.value).toContain('<keyMaterial>Pa55-phrase</keyMaterial>');
    expect(wrongWith(body)).toHaveLength(1);
  });

  test('is escaped where it becomes XML and part of an address', async () => {
    const { settings } = made({ template: 'wifi', input: LEAST['wifi'] });
    expect(settings[0]?.target).toBe('./Device/Vendor/MSFT/WiFi/Profile/Office%20%26%20Co/WlanXml');
    const text = await readXml(settings[0]?.value ?? '');
    expect([text('name'), text('SSIDConfig', 'SSID', 'name')]).toEqual(['Office & Co', 'Office & Co']);
    expect(text('MSM', 'security', 'sharedKey', 'keyMaterial')).toBe('Pa55-phrase <1>');
  });

  test('makes a trusted certificate of the name that Windows gives it', () => {
    const { settings } = made({ template: 'certificate-trust', input: LEAST['certificate-trust'] });
    const certificate = new X509Certificate(ROOT);
    expect(settings[0]).toEqual({
      target: `./Device/Vendor/MSFT/RootCATrustedCertificates/Root/${certificate.fingerprint.replaceAll(':', '')}/EncodedCertificate`,
      value: certificate.raw.toString('base64'),
      format: 'b64',
    });
  });

  test('lets a VPN carry its networks alone, or everything', async () => {
    const base = LEAST['vpn'];
    const value = (more: object) => made({ template: 'vpn', input: { ...base, ...more } }).settings[0]?.value ?? '';
    const split = await readXml(value({ routes: [{ address: '10.0.0.0', prefix: 8 }] }));
    expect([split('NativeProfile', 'RoutingPolicyType'), split('Route', 'Address')]).toEqual([
      'SplitTunnel',
      '10.0.0.0',
    ]);
    expect((await readXml(value({})))('NativeProfile', 'RoutingPolicyType')).toBe('ForceTunnel');
  });

  test('asks BitLocker to keep the recovery key before it encrypts', () => {
    const { settings } = made({ template: 'bitlocker' });
    const value = (node: string) => settings.find(({ target }) => target.endsWith(node))?.value;
    expect(value('/SystemDrivesRecoveryOptions')).toContain(
      '<data id="OSRequireActiveDirectoryBackup_Name" value="true"/>',
    );
    expect(value('/FixedDrivesRecoveryOptions')).toContain(
      '<data id="FDVRequireActiveDirectoryBackup_Name" value="true"/>',
    );
    expect(settings.at(-1)).toMatchObject({
      target: './Device/Vendor/MSFT/BitLocker/RequireDeviceEncryption',
      value: '1',
    });
  });
});

describe('a profile too many', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => profile(`p${n}`, [setting(POLICY('A'), '1')]));
  const to = (more: object) => ({ assignedTo: { all: false, devices: [], users: [], tags: [], ...more } });

  test('is one of more than 100', () => {
    const others = many(100).map((each) => ({ ...each, ...to({}) }));
    expect(limitProblem(profile('new', [], to({})), others)).toContain('100 profiles');
    expect(limitProblem(profile('new', [], to({})), others.slice(1))).toBeUndefined();
  });

  test.each([
    ['all', {}, true],
    ['a tag', to({ tags: ['sales'] }), true],
    ['nobody', to({}), false],
  ])('is the 33rd for %s', (_, more, refused) => {
    const others = many(32);
    expect(limitProblem(profile('new', [], more), others) !== undefined).toBe(refused);
    expect(limitProblem(profile('new', [], more), others.slice(1))).toBeUndefined();
  });

  test('is larger than is stored', () => {
    const large = (name: string) =>
      profile(name, [setting(POLICY('A'), 'x'.repeat(65_000)), setting(POLICY('B'), 'x'.repeat(65_000))], to({}));
    expect(limitProblem(profile('new', [...large('a').settings, ...large('b').settings]), [])).toContain('Split it');
    const others = Array.from({ length: 8 }, (_, n) => large(`p${n}`));
    expect(limitProblem(large('new'), others)).toContain('together');
  });
});
