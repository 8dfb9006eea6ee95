import type { Device, Fact } from '../devices/device.ts';

/**
 * What the server reads from a device by itself: in the first session, and again when the answers are a week old. Each
 * node goes in a Get of its own, since one missing node must not cost the others (a Get of several items answers with one
 * Status per item and one Results with the rest).
 */

const FACTS_ARE_GOOD_FOR_MS = 7 * 86_400_000;
/** Sessions in a row in which none of them is answered, after which they wait as long: the device may choke on one of them. */
const MAX_UNANSWERED = 3;

/** Fact name -> node. `{provider}` is the PROVIDER-ID of the enrollment. Nodes: DevDetail, DeviceStatus, DMClient CSP. */
const NODES: Record<string, string> = {
  osVersion: './DevDetail/SwV',
  firmware: './DevDetail/FwV',
  deviceName: './DevDetail/Ext/Microsoft/DNSComputerName',
  osPlatform: './DevDetail/Ext/Microsoft/OSPlatform',
  architecture: './DevDetail/Ext/Microsoft/ProcessorArchitecture',
  totalRamMB: './DevDetail/Ext/Microsoft/TotalRAM',
  serialNumber: './DevDetail/Ext/Microsoft/SMBIOSSerialNumber',
  osEdition: './Vendor/MSFT/DeviceStatus/OS/Edition',
  secureBoot: './Vendor/MSFT/DeviceStatus/SecureBootState',
  encryption: './Vendor/MSFT/DeviceStatus/Compliance/EncryptionCompliance',
  tpmVersion: './Vendor/MSFT/DeviceStatus/TPM/SpecificationVersion',
  enrollmentType: './Vendor/MSFT/DMClient/Provider/{provider}/EnrollmentType',
  entraDeviceId: './Vendor/MSFT/DMClient/Provider/{provider}/AADDeviceID',
  domainName: './Vendor/MSFT/DeviceStatus/DomainName',
};

/** Asked for by the gate alone. */
const GATE_NODES: Record<string, string> = {
  lapsBackupDirectory: './Device/Vendor/MSFT/LAPS/Policies/BackupDirectory',
  lapsResetStatus: './Device/Vendor/MSFT/LAPS/Actions/ResetPasswordStatus',
};

export type FactName = keyof typeof NODES & string;

/** The two that the join is read from. */
export const JOIN_FACTS: readonly FactName[] = ['entraDeviceId', 'domainName'];

/** @returns whether the gate asks for it, so that only what is said in the running session counts */
export function isForGate(name: FactName): boolean {
  return name in GATE_NODES || JOIN_FACTS.includes(name);
}

export function factNode(name: FactName, providerId: string): string {
  return (NODES[name] ?? GATE_NODES[name] ?? '').replace('{provider}', providerId);
}

/** @returns the facts to ask for in this session, in the order of asking; empty when they are fresh. */
export function factsDue(
  { factsReadAt, factsAsked }: Pick<Device, 'factsReadAt' | 'factsAsked'>,
  now: Date,
): FactName[] {
  const isRecent = (at: string | undefined) =>
    at !== undefined && now.getTime() - Date.parse(at) < FACTS_ARE_GOOD_FOR_MS;
  const isSilent = factsAsked !== undefined && factsAsked.times >= MAX_UNANSWERED && isRecent(factsAsked.at);
  return isSilent || isRecent(factsReadAt) ? [] : Object.keys(NODES);
}

/** Facts are kept short: they are shown in lists, and a device must not fill its row with them. */
const MAX_VALUE = 500;

export function toFact(status: number, data: string | undefined): Fact {
  return status === 200 && data !== undefined ? { status, value: data.slice(0, MAX_VALUE) } : { status };
}
