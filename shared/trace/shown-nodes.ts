import { nodePath, relation } from '../wire/node-path.ts';

/**
 * The nodes whose values a trace shows, from the CSP reference of Microsoft Learn: what a PC is, how it is enrolled and how
 * an action went. `*` stands for any one name; everything below a node belongs to it. Every other value is `***`, known or
 * not: who adds a node here says that nobody's secret and nobody's text can stand in it.
 */
export const SHOWN_NODES: readonly string[] = [
  'DevInfo/Man',
  'DevInfo/Mod',
  'DevInfo/DmV',
  'DevInfo/Lang',
  'DevDetail/SwV',
  'DevDetail/HwV',
  'DevDetail/FwV',
  'DevDetail/OEM',
  'DevDetail/DevTyp',
  'DevDetail/LrgObj',
  'DevDetail/Ext/Microsoft/OSPlatform',
  'DevDetail/Ext/Microsoft/ProcessorArchitecture',
  'DevDetail/Ext/Microsoft/ProcessorType',
  'DevDetail/Ext/Microsoft/TotalRAM',
  'DevDetail/Ext/Microsoft/DNSComputerName',
  'DeviceStatus/SecureBootState',
  'DeviceStatus/Compliance/EncryptionCompliance',
  'DeviceStatus/TPM',
  'DeviceStatus/OS',
  'DeviceStatus/Antivirus',
  'DeviceStatus/Antispyware',
  'DeviceStatus/Firewall',
  'DeviceStatus/UAC',
  'DeviceStatus/Battery',
  'DeviceStatus/DeviceGuard',
  'Defender/Health',
  'DMClient/Provider/*/EnrollmentType',
  'DMClient/Provider/*/Poll',
  'DMClient/Provider/*/Unenroll',
  'DMClient/Provider/*/Push/Status',
  'DMClient/Provider/*/HelpPhoneNumber',
  'DMClient/Provider/*/HelpEmailAddress',
  'DMClient/Provider/*/HelpWebsite',
  'Reboot/Schedule',
  'BitLocker/RequireDeviceEncryption',
  'BitLocker/Status',
  'LAPS/Actions/ResetPasswordStatus',
  'CertificateStore/My/WSTEP/Renew',
  'EnterpriseDesktopAppManagement/MSI/*/Status',
  'EnterpriseDesktopAppManagement/MSI/*/LastError',
  'EnterpriseDesktopAppManagement/MSI/*/Version',
  'Policy/Config/Experience/AllowManualMDMUnenrollment',
];

/** @returns whether a trace shows the value of this node; of a listing (`?list=…`) of many nodes never */
export function isShownNode(locUri: string): boolean {
  if (!locUri.startsWith('./') || locUri.includes('?')) return false;
  const path = nodePath(locUri);
  return SHOWN_NODES.some((node) => ['at', 'below'].includes(relation(path, node) ?? ''));
}
