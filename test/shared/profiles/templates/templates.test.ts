import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { profileSchemaFor } from '../../../../shared/profiles/intake.ts';
import { TEMPLATES } from '../../../../shared/profiles/templates/templates.ts';

/**
 * What each ready profile makes of what is filled in: every node with its format and its value, and what each input changes of
 * that. The values are those of Microsoft Learn's pages of the CSPs, which are named at each table; whoever changes one here looks
 * it up there.
 */

/** Target, format, value. */
type Row = [string, string, string];
/** What is filled in, and the rows that it changes. */
type Change = [object, ...Row[]];

interface Table {
  template: string;
  /** What it needs at least. */
  least?: object;
  /** The settings of that, all of them in their order. */
  plain: Row[];
  changes: Change[];
}

function rowsOf(template: string, input: object): Row[] {
  const made = profileSchemaFor({ authorities: [], secretValues: new Map() }).parse({ template, input });
  return made.settings.map(({ target, format, value }) => [target, format, value]);
}

/** The rows of `plain`, with those of the change in place of the ones of the same node. */
function withChanged(plain: readonly Row[], changed: readonly Row[]): Row[] {
  return plain.map((row) => changed.find(([target]) => target === row[0]) ?? row);
}

const bitlocker = (node: string) => `./Device/Vendor/MSFT/BitLocker/${node}`;
const methods = (os: number, fixed: number, removable: number) =>
  `<enabled/><data id="EncryptionMethodWithXtsOsDropDown_Name" value="${os}"/><data id="EncryptionMethodWithXtsFdvDropDown_Name" value="${fixed}"/><data id="EncryptionMethodWithXtsRdvDropDown_Name" value="${removable}"/>`;
const policy = (area: string, node: string) => `./Device/Vendor/MSFT/Policy/Config/${area}/${node}`;
const lock = (node: string, value: string): Row => [policy('DeviceLock', node), 'int', value];
const update = (node: string, value: string): Row => [policy('Update', node), 'int', value];
const defend = (node: string, value: string): Row => [policy('Defender', node), 'int', value];
const wall = (node: string, format: string, value: string): Row[] =>
  ['DomainProfile', 'PrivateProfile', 'PublicProfile'].map((profile) => [
    `./Vendor/MSFT/Firewall/MdmStore/${profile}/${node}`,
    format,
    value,
  ]);
const wallTable = ([...columns]: Row[][]): Row[] =>
  [0, 1, 2].flatMap((index) => columns.map((column) => column[index] as Row));
const wlan = (ssid: string) => `./Device/Vendor/MSFT/WiFi/Profile/${ssid}/WlanXml`;
const wlanXml = ({ hidden = 'false', mode = 'auto', authentication = 'WPA2PSK' } = {}) =>
  `<WLANProfile xmlns="http://www.microsoft.com/networking/WLAN/profile/v1"><name>Office</name><SSIDConfig><SSID><name>Office</name></SSID><nonBroadcast>${hidden}</nonBroadcast></SSIDConfig><connectionType>ESS</connectionType><connectionMode>${mode}</connectionMode><MSM><security><authEncryption><authentication>${authentication}</authentication><encryption>AES</encryption><useOneX>false</useOneX></authEncryption><sharedKey><keyType>passPhrase</keyType><protected>false</protected><keyMaterial>Pa55-phrase</keyMaterial></sharedKey></security></MSM></WLANProfile>`;
const vpn = './Device/Vendor/MSFT/VPNv2/Head%20office/ProfileXML';
const vpnXml = ({ routing = 'ForceTunnel', routes = '', alwaysOn = 'false', suffix = '' } = {}) =>
  `<VPNProfile><NativeProfile><Servers>vpn.example.org</Servers><NativeProtocolType>IKEv2</NativeProtocolType><Authentication><MachineMethod>Certificate</MachineMethod></Authentication><RoutingPolicyType>${routing}</RoutingPolicyType></NativeProfile>${routes}<AlwaysOn>${alwaysOn}</AlwaysOn>${suffix}</VPNProfile>`;
const CERTIFICATE = rootCertificates[0] ?? '';
const { fingerprint, raw } = new X509Certificate(CERTIFICATE);
const trust = (store: string): Row => [
  `./Device/Vendor/MSFT/RootCATrustedCertificates/${store}/${fingerprint.replaceAll(':', '')}/EncodedCertificate`,
  'b64',
  raw.toString('base64'),
];
const TRUST_STORES: [string, string][] = [
  ['root', 'Root'],
  ['intermediate', 'CA'],
  ['publisher', 'TrustedPublisher'],
  ['people', 'TrustedPeople'],
];

const TABLES: Table[] = [
  {
    // BitLocker CSP. Methods: 3 and 4 AES-CBC, 6 and 7 XTS-AES, of 128 and 256 bits. Recovery: 1 required, 0 not allowed;
    // backup 1 is passwords and key packages. AllowWarningForOtherDiskEncryption: 0 encrypts silently, 1 asks.
    // ConfigureRecoveryPasswordRotation: 0 off, 1 joined to Entra, 2 hybrid joined too.
    template: 'bitlocker',
    plain: [
      [bitlocker('EncryptionMethodByDriveType'), 'chr', methods(7, 7, 4)],
      [
        bitlocker('SystemDrivesRecoveryOptions'),
        'chr',
        '<enabled/><data id="OSAllowDRA_Name" value="false"/><data id="OSRecoveryPasswordUsageDropDown_Name" value="1"/><data id="OSRecoveryKeyUsageDropDown_Name" value="0"/><data id="OSHideRecoveryPage_Name" value="true"/><data id="OSActiveDirectoryBackup_Name" value="true"/><data id="OSActiveDirectoryBackupDropDown_Name" value="1"/><data id="OSRequireActiveDirectoryBackup_Name" value="true"/>',
      ],
      [
        bitlocker('FixedDrivesRecoveryOptions'),
        'chr',
        '<enabled/><data id="FDVAllowDRA_Name" value="false"/><data id="FDVRecoveryPasswordUsageDropDown_Name" value="1"/><data id="FDVRecoveryKeyUsageDropDown_Name" value="0"/><data id="FDVHideRecoveryPage_Name" value="true"/><data id="FDVActiveDirectoryBackup_Name" value="true"/><data id="FDVActiveDirectoryBackupDropDown_Name" value="1"/><data id="FDVRequireActiveDirectoryBackup_Name" value="true"/>',
      ],
      [bitlocker('AllowWarningForOtherDiskEncryption'), 'int', '0'],
      [bitlocker('AllowStandardUserEncryption'), 'int', '1'],
      [bitlocker('ConfigureRecoveryPasswordRotation'), 'int', '2'],
      [bitlocker('RequireDeviceEncryption'), 'int', '1'],
    ],
    changes: [
      [{ method: 'xtsAes256' }],
      [{ method: 'xtsAes128' }, [bitlocker('EncryptionMethodByDriveType'), 'chr', methods(6, 6, 3)]],
      [{ standardUsers: false }, [bitlocker('AllowStandardUserEncryption'), 'int', '0']],
      [{ rotateRecoveryPasswords: 'off' }, [bitlocker('ConfigureRecoveryPasswordRotation'), 'int', '0']],
      [{ rotateRecoveryPasswords: 'joined' }, [bitlocker('ConfigureRecoveryPasswordRotation'), 'int', '1']],
    ],
  },
  {
    // Policy CSP, DeviceLock. DevicePasswordEnabled: 0 is on. AlphanumericDevicePasswordRequired: 0 is a password or an
    // alphanumeric PIN. Both set the length and the kinds of characters back and therefore come first.
    template: 'password',
    plain: [
      lock('DevicePasswordEnabled', '0'),
      lock('AlphanumericDevicePasswordRequired', '0'),
      lock('MinDevicePasswordLength', '8'),
      lock('MinDevicePasswordComplexCharacters', '2'),
      lock('MaxInactivityTimeDeviceLock', '15'),
      lock('DevicePasswordExpiration', '0'),
      lock('DevicePasswordHistory', '0'),
      lock('AllowSimpleDevicePassword', '0'),
    ],
    changes: [
      [{ minimumLength: 4 }, lock('MinDevicePasswordLength', '4')],
      [{ minimumLength: 14 }, lock('MinDevicePasswordLength', '14')],
      [{ kindsOfCharacters: 1 }, lock('MinDevicePasswordComplexCharacters', '1')],
      [{ kindsOfCharacters: 3 }, lock('MinDevicePasswordComplexCharacters', '3')],
      [{ lockAfterMinutes: 1 }, lock('MaxInactivityTimeDeviceLock', '1')],
      [{ lockAfterMinutes: 999 }, lock('MaxInactivityTimeDeviceLock', '999')],
      [{ expiresAfterDays: 730 }, lock('DevicePasswordExpiration', '730')],
      [{ rememberPasswords: 24 }, lock('DevicePasswordHistory', '24')],
      [{ simplePasswords: true }, lock('AllowSimpleDevicePassword', '1')],
    ],
  },
  {
    // Policy CSP, Update. ExcludeWUDriversInQualityUpdate: 1 leaves drivers out. AllowMUUpdateService: 1 takes updates of Microsoft
    // Update. Active hours: 0 to 23.
    template: 'windows-update',
    plain: [
      update('DeferQualityUpdatesPeriodInDays', '7'),
      update('DeferFeatureUpdatesPeriodInDays', '30'),
      update('ConfigureDeadlineForQualityUpdates', '3'),
      update('ConfigureDeadlineForFeatureUpdates', '7'),
      update('ConfigureDeadlineGracePeriod', '2'),
      update('ActiveHoursStart', '8'),
      update('ActiveHoursEnd', '17'),
      update('AllowMUUpdateService', '1'),
      update('ExcludeWUDriversInQualityUpdate', '0'),
    ],
    changes: [
      [{ deferQualityDays: 30 }, update('DeferQualityUpdatesPeriodInDays', '30')],
      [{ deferFeatureDays: 365 }, update('DeferFeatureUpdatesPeriodInDays', '365')],
      [{ deadlineQualityDays: 0 }, update('ConfigureDeadlineForQualityUpdates', '0')],
      [{ deadlineFeatureDays: 30 }, update('ConfigureDeadlineForFeatureUpdates', '30')],
      [{ graceDays: 7 }, update('ConfigureDeadlineGracePeriod', '7')],
      [{ activeFrom: 6 }, update('ActiveHoursStart', '6')],
      [{ activeUntil: 23 }, update('ActiveHoursEnd', '23')],
      [{ activeFrom: 22, activeUntil: 6 }, update('ActiveHoursStart', '22'), update('ActiveHoursEnd', '6')],
      [{ microsoftUpdate: false }, update('AllowMUUpdateService', '0')],
      [{ drivers: false }, update('ExcludeWUDriversInQualityUpdate', '1')],
    ],
  },
  {
    // Policy CSP, Defender. PUAProtection and EnableNetworkProtection: 0 off, 1 block, 2 audit. SubmitSamplesConsent: 0 always ask,
    // 1 safe ones, 2 never, 3 all. AllowX: 1 is on.
    template: 'defender',
    plain: [
      defend('AllowRealtimeMonitoring', '1'),
      defend('AllowCloudProtection', '1'),
      defend('SubmitSamplesConsent', '1'),
      defend('PUAProtection', '1'),
      defend('EnableNetworkProtection', '2'),
      defend('AllowIOAVProtection', '1'),
      defend('CheckForSignaturesBeforeRunningScan', '1'),
    ],
    changes: [
      [{ realTime: false }, defend('AllowRealtimeMonitoring', '0')],
      [{ cloud: false }, defend('AllowCloudProtection', '0')],
      [{ samples: 'ask' }, defend('SubmitSamplesConsent', '0')],
      [{ samples: 'never' }, defend('SubmitSamplesConsent', '2')],
      [{ samples: 'all' }, defend('SubmitSamplesConsent', '3')],
      [{ unwantedApps: 'off' }, defend('PUAProtection', '0')],
      [{ unwantedApps: 'audit' }, defend('PUAProtection', '2')],
      [{ networkProtection: 'off' }, defend('EnableNetworkProtection', '0')],
      [{ networkProtection: 'block' }, defend('EnableNetworkProtection', '1')],
      [{ scanDownloads: false }, defend('AllowIOAVProtection', '0')],
      [{ updateBeforeScan: false }, defend('CheckForSignaturesBeforeRunningScan', '0')],
    ],
  },
  {
    // Firewall CSP, MdmStore. The two actions: 0 allow, 1 block.
    template: 'firewall',
    plain: wallTable([
      wall('EnableFirewall', 'bool', 'true'),
      wall('DefaultInboundAction', 'int', '1'),
      wall('DefaultOutboundAction', 'int', '0'),
      wall('AllowLocalPolicyMerge', 'bool', 'true'),
    ]),
    changes: [
      [{ blockInbound: false }, ...wall('DefaultInboundAction', 'int', '0')],
      [{ blockOutbound: true }, ...wall('DefaultOutboundAction', 'int', '1')],
      [{ localRules: false }, ...wall('AllowLocalPolicyMerge', 'bool', 'false')],
    ],
  },
  {
    // WiFi CSP; "WLAN_profile Schema Elements": authEncryption (authentication, encryption), connectionMode, nonBroadcast. WPA3SAE
    // goes with AES as WPA2PSK does.
    template: 'wifi',
    least: { ssid: 'Office', password: 'Pa55-phrase' },
    plain: [[wlan('Office'), 'chr', wlanXml()]],
    changes: [
      [{ security: 'wpa2' }],
      [{ security: 'wpa3' }, [wlan('Office'), 'chr', wlanXml({ authentication: 'WPA3SAE' })]],
      [{ connectAutomatically: false }, [wlan('Office'), 'chr', wlanXml({ mode: 'manual' })]],
      [{ hidden: true }, [wlan('Office'), 'chr', wlanXml({ hidden: 'true' })]],
    ],
  },
  {
    // VPNv2 CSP; "ProfileXML XSD" and its examples.
    template: 'vpn',
    least: { name: 'Head office', server: 'vpn.example.org' },
    plain: [[vpn, 'chr', vpnXml()]],
    changes: [
      [{ alwaysOn: true }, [vpn, 'chr', vpnXml({ alwaysOn: 'true' })]],
      [
        {
          routes: [
            { address: '10.0.0.0', prefix: 8 },
            { address: 'fd00::', prefix: 64 },
          ],
        },
        [
          vpn,
          'chr',
          vpnXml({
            routing: 'SplitTunnel',
            routes:
              '<Route><Address>10.0.0.0</Address><PrefixSize>8</PrefixSize></Route><Route><Address>fd00::</Address><PrefixSize>64</PrefixSize></Route>',
          }),
        ],
      ],
      [{ dnsSuffix: 'corp.example.org' }, [vpn, 'chr', vpnXml({ suffix: '<DnsSuffix>corp.example.org</DnsSuffix>' })]],
    ],
  },
  {
    // RootCATrustedCertificates CSP: Root, CA, TrustedPublisher, TrustedPeople; the node is the SHA-1 thumbprint, the value base64.
    template: 'certificate-trust',
    least: { certificates: [{ certificate: CERTIFICATE }] },
    plain: [trust('Root')],
    changes: [],
  },
];

describe.each(TABLES)('the ready profile $template', ({ template, least = {}, plain, changes }) => {
  test('sets these nodes to these values where nothing is said', () => {
    expect(rowsOf(template, least)).toEqual(plain);
  });

  test.each(changes)('makes of %o this difference, and no other', (input, ...changed) => {
    const targets = plain.map(([target]) => target);
    for (const [target] of changed) expect(targets).toContain(target);
    expect(rowsOf(template, { ...least, ...input })).toEqual(withChanged(plain, changed));
  });
});

test('each ready profile has its table here, and each of its inputs a line', () => {
  expect(TABLES.map(({ template }) => template)).toEqual(TEMPLATES.map(({ name }) => name));
  const inputs = TEMPLATES.map(({ input }) =>
    Object.keys(z.toJSONSchema(input, { io: 'input' }).properties ?? {}).sort(),
  );
  const lines = TABLES.map(({ template, least = {}, changes }) => {
    const named = [least, ...changes.map(([input]) => input), template === 'bitlocker' ? { silent: false } : {}];
    return [...new Set(named.flatMap((each) => Object.keys(each)))].sort();
  });
  expect(lines).toEqual(inputs);
});

/** BitLocker CSP and Policy CSP, DeviceLock: a setting that comes without the others is without effect, or sets others back. */
test('BitLocker and the password are sent as a whole whenever something of them changes, and no others are', () => {
  const whole = TEMPLATES.filter(({ name }) => {
    const { least = {} } = TABLES.find(({ template }) => template === name) ?? {};
    const schema = profileSchemaFor({ authorities: [], secretValues: new Map() });
    return schema.parse({ template: name, input: least }).together;
  });
  expect(whole.map(({ name }) => name)).toEqual(['bitlocker', 'password']);
  expect(whole.every(({ atomic }) => atomic)).toBe(true);
});

test('BitLocker that asks the user is not for users without rights: the CSP takes that with silence alone', () => {
  const { plain } = TABLES[0]!;
  const asking = withChanged(plain, [[bitlocker('AllowWarningForOtherDiskEncryption'), 'int', '1']]);
  expect(rowsOf('bitlocker', { silent: false })).toEqual(
    asking.filter(([target]) => target !== bitlocker('AllowStandardUserEncryption')),
  );
});

test.each(TRUST_STORES)('a certificate for the store %s goes below %s', (store, node) => {
  expect(rowsOf('certificate-trust', { certificates: [{ store, certificate: CERTIFICATE }] })).toEqual([trust(node)]);
});

/** The limits of the CSPs, from the same pages. */
test.each([
  ['password', { minimumLength: 15 }],
  ['password', { kindsOfCharacters: 0 }],
  // Not on PCs.
  ['password', { kindsOfCharacters: 4 }],
  // No lock at all.
  ['password', { lockAfterMinutes: 0 }],
  ['password', { lockAfterMinutes: 1000 }],
  ['password', { expiresAfterDays: 731 }],
  ['password', { rememberPasswords: 25 }],
  ['windows-update', { deferQualityDays: 31 }],
  ['windows-update', { deferFeatureDays: 366 }],
  ['windows-update', { deadlineQualityDays: 31 }],
  ['windows-update', { deadlineFeatureDays: 31 }],
  ['windows-update', { graceDays: 8 }],
  ['windows-update', { activeFrom: 24 }],
  ['windows-update', { activeUntil: -1 }],
  ['windows-update', { activeFrom: 8, activeUntil: 8 }],
])('%s does not take %o', (template, input) => {
  expect(() => rowsOf(template, input)).toThrow();
});
