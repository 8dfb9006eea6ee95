import { computerNameNode } from './computer-name.ts';
import type { NodeDefinition, Verb } from './csp-tree.ts';
import { diagnosticArchiveNodes } from './diagnostic-archive.ts';
import { inventoryNodes } from './inventory-nodes.ts';
import { lapsNodes } from './laps.ts';
import { localAccountNodes } from './local-accounts.ts';
import type { Machine } from './machine.ts';
import { msiNodes } from './msi.ts';
import { policyStatus } from './policy-values.ts';
import { pushNodes } from './push.ts';
import type { EnrollmentState } from './state.ts';
import { wipeNodes } from './wipe.ts';

const READ: Verb[] = ['Get'];
const SET: Verb[] = ['Get', 'Add', 'Replace', 'Delete'];
const RUN: Verb[] = ['Get', 'Exec'];

/** The nodes of a Windows 11 PC in the state that it is in: what it is, how it is joined, how it is enrolled. */
export function deviceNodes(machine: Machine, enrollment: EnrollmentState | undefined): NodeDefinition[] {
  return [
    ...devInfo(machine),
    ...devDetail(machine),
    ...deviceStatus(machine),
    ...actions(machine),
    ...localAccountNodes(machine),
    ...openAreas(),
    ...inventoryNodes(machine),
    ...(enrollment ? [...dmClient(machine, enrollment), ...certificateStore(enrollment)] : []),
  ];
}

/** In the order of package 1. */
export function devInfo(machine: Machine): NodeDefinition[] {
  return leaves('./DevInfo', {
    DevId: machine.deviceId,
    Man: machine.manufacturer,
    Mod: machine.model,
    DmV: '1.3',
    Lang: machine.locale,
  });
}

function leaves(top: string, values: Record<string, string | number | boolean>): NodeDefinition[] {
  return Object.entries(values).map(([name, value]) => ({
    path: `${top}/${name}`,
    access: READ,
    format: typeof value === 'number' ? 'int' : typeof value === 'boolean' ? 'bool' : 'chr',
    value: String(value),
  }));
}

function devDetail(machine: Machine): NodeDefinition[] {
  return [
    ...leaves('./DevDetail', {
      SwV: machine.osVersion,
      HwV: '1.0',
      FwV: '1.24.0',
      OEM: machine.manufacturer,
      DevTyp: 'Windows Desktop',
      LrgObj: false,
      'URI/MaxDepth': 0,
      'URI/MaxTotLen': 0,
      'URI/MaxSegLen': 0,
      'Ext/DeviceHardwareData': 'T0FmAAAA',
      'Ext/WLANMACAddress': (machine.macs[0] ?? '').replaceAll('-', ''),
    }),
    ...leaves('./DevDetail/Ext/Microsoft', {
      DeviceName: machine.name,
      OSPlatform: 'Windows 11 Enterprise',
      ProcessorArchitecture: 9,
      ProcessorType: 8664,
      TotalRAM: 16384,
      SMBIOSSerialNumber: machine.serialNumber,
      Resolution: '1920x1080',
    }),
    computerNameNode(machine),
  ];
}

function deviceStatus(machine: Machine): NodeDefinition[] {
  const inDomain = machine.join === 'domain' || machine.join === 'hybrid';
  return leaves('./Vendor/MSFT/DeviceStatus', {
    SecureBootState: 1,
    'Compliance/EncryptionCompliance': 1,
    'TPM/SpecificationVersion': '2.0',
    'OS/Edition': Number(machine.osEdition),
    'OS/Mode': 0,
    'Antivirus/Status': 0,
    'Antivirus/SignatureStatus': 1,
    'Antispyware/Status': 0,
    'Antispyware/SignatureStatus': 1,
    'Firewall/Status': 0,
    'UAC/Status': 0,
    'Battery/Status': 1,
    'Battery/EstimatedChargeRemaining': 87,
    'Battery/EstimatedRuntime': 214,
    DomainName: inDomain ? machine.domainName : '',
    'DeviceGuard/VirtualizationBasedSecurityHwReq': 0,
    'DeviceGuard/VirtualizationBasedSecurityStatus': 0,
    'DeviceGuard/LsaCfgCredGuardStatus': 0,
  });
}

function actions(machine: Machine): NodeDefinition[] {
  return [
    { path: './Vendor/MSFT/Reboot/RebootNow', access: RUN, value: '', effect: 'reboot' },
    { path: './Vendor/MSFT/Reboot/Schedule/Single', access: SET },
    { path: './Vendor/MSFT/Reboot/Schedule/DailyRecurrent', access: SET },
    ...wipeNodes(machine),
    { path: './Vendor/MSFT/BitLocker/RequireDeviceEncryption', access: SET, format: 'int' },
    { path: './Vendor/MSFT/BitLocker/RotateRecoveryPasswords', access: ['Exec'], exec: 202 },
    ...leaves('./Vendor/MSFT/BitLocker/Status', { DeviceEncryptionStatus: 0, RotateRecoveryPasswordsStatus: 2 }),
    ...lapsNodes(machine),
    ...msiNodes(machine),
    ...diagnosticArchiveNodes(),
    { path: './Vendor/MSFT/DeclaredConfiguration', access: READ, answers: everything(406) },
  ];
}

const everything = (status: number): Record<Verb, number> => ({
  Get: status,
  Add: status,
  Replace: status,
  Delete: status,
  Exec: status,
});

function openAreas(): NodeDefinition[] {
  const open = (path: string, access: Verb[], replaceCreates = false): NodeDefinition => ({
    path,
    access,
    open: { replaceCreates },
  });
  return [
    { ...open('./Vendor/MSFT/Policy/Config', SET, true), takes: policyStatus },
    open('./User/Vendor/MSFT/Policy/Config', SET, true),
    // A manual disconnect is allowed where nobody forbids it.
    { path: './Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment', access: SET, format: 'int' },
    open('./Vendor/MSFT/RootCATrustedCertificates', SET),
    open('./Vendor/MSFT/ClientCertificateInstall', ['Get', 'Add', 'Replace', 'Delete', 'Exec']),
    open('./Vendor/MSFT/WiFi/Profile', SET),
  ];
}

const FORMATS = { string: 'chr', integer: 'int', boolean: 'bool' } as const;

function dmClient(machine: Machine, enrollment: EnrollmentState): NodeDefinition[] {
  const top = `./Vendor/MSFT/DMClient/Provider/${encodeURIComponent(enrollment.providerId)}`;
  const settable = (path: string, format: string, value?: string): NodeDefinition => ({
    path: `${top}/${path}`,
    access: SET,
    format,
    value,
  });
  const provisioned = new Map(enrollment.nodes.map((node) => [node.path, node]));
  const names: [string, string][] = [
    ...SETTABLE.map((path): [string, string] => [
      path,
      NUMBERS.test(path) ? 'int' : BOOLEANS.test(path) ? 'bool' : 'chr',
    ]),
    ...enrollment.nodes.map((node): [string, string] => [node.path, FORMATS[node.datatype]]),
  ];
  const inEntra = machine.join !== 'none' && machine.join !== 'domain';
  return [
    ...[...new Map(names)].map(([path, format]) => settable(path, format, provisioned.get(path)?.value)),
    ...leaves(top, {
      EnrollmentType: machine.enrollmentType,
      HWDevID: machine.hwDevId,
      ...(inEntra ? { AADDeviceID: machine.entraDeviceId } : {}),
    }),
    settable('ManagementServiceAddress', 'chr', enrollment.managementUrl),
    ...pushNodes(top, machine),
    { path: `${top}/Unenroll`, access: ['Exec'], effect: 'unenroll' },
    { path: './Vendor/MSFT/DMClient/Unenroll', access: ['Exec'], effect: 'unenroll' },
  ];
}

const NUMBERS = /Interval|NumberOf|IsSyncDone|TimeOut/;
const BOOLEANS = /PollOn|AllUsers|RequireMessage|EnableOma|HasFinished|SkipUser|SkipDevice/;

const SETTABLE = [
  'UPN',
  'EntDeviceName',
  'EntDMID',
  'HelpPhoneNumber',
  'HelpWebsite',
  'HelpEmailAddress',
  'ManagementServerAddressList',
  'SyncApplicationVersion',
  'AADResourceID',
  'EnableOmaDmKeepAliveMessage',
  'NumberOfDaysAfterLostContactToUnenroll',
  'Poll/IntervalForFirstSetOfRetries',
  'Poll/NumberOfFirstRetries',
  'Poll/IntervalForSecondSetOfRetries',
  'Poll/NumberOfSecondRetries',
  'Poll/IntervalForRemainingScheduledRetries',
  'Poll/NumberOfRemainingScheduledRetries',
  'Poll/PollOnLogin',
  'Poll/AllUsersPollOnFirstLogin',
  'CustomEnrollmentCompletePage/Title',
  'CustomEnrollmentCompletePage/BodyText',
  'CustomEnrollmentCompletePage/HyperlinkHref',
  'CustomEnrollmentCompletePage/HyperlinkText',
];

function certificateStore(enrollment: EnrollmentState): NodeDefinition[] {
  const top = './Vendor/MSFT/CertificateStore/My/WSTEP';
  return [
    ...leaves(top, {
      CertThumbprint: enrollment.certificate,
      'Renew/Status': enrollment.renewal?.status ?? 0,
      'Renew/ErrorCode': Number(enrollment.renewal?.errorCode ?? 0),
    }),
    // It answers that it will, and does so when the session is over.
    { path: `${top}/Renew/RenewNow`, access: ['Exec'], effect: 'renew' },
    { path: `${top}/Renew/RenewPeriod`, access: SET, format: 'int', value: String(enrollment.renewPeriod) },
    { path: `${top}/Renew/RetryInterval`, access: SET, format: 'int', value: String(enrollment.retryInterval) },
    { path: `${top}/Renew/ROBOSupport`, access: SET, format: 'bool', value: 'true' },
  ];
}
