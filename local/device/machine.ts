import { createHash, randomBytes, randomUUID } from 'node:crypto';

/** `registered`: somebody added a work account. */
export type Join = 'none' | 'registered' | 'joined' | 'hybrid' | 'domain';

/** The PC itself, enrolled or not. Every field can be given, so that a test can have the odd machine that it needs. */
export interface Machine {
  name: string;
  /** 32 hex characters: SyncML Source, DevInfo DevId, ContextItem DeviceID */
  deviceId: string;
  /** 64 hex characters; the same on cloned images */
  hwDevId: string;
  manufacturer: string;
  model: string;
  serialNumber: string;
  /** Whether it says its serial number when it enrolls; older builds say it in a management session only */
  serialAtEnrollment: boolean;
  osVersion: string;
  /** one build higher than osVersion on 25H2 */
  applicationVersion: string;
  /** PRODUCT_* of GetProductInfo: 4 Enterprise, 48 Professional */
  osEdition: string;
  locale: string;
  macs: string[];
  join: Join;
  /** the Entra device id while registered, joined or hybrid */
  entraDeviceId: string;
  domainName: string;
  enrollmentType: 'Full' | 'Device';
  requestVersion: string;
  /** the ways in that it offers, where it is not the usual OnPremise and Federated */
  offers?: ('OnPremise' | 'Federated' | 'Certificate')[];
  /** a key size of the machine's own, whatever the policy says */
  keyBits?: number;
  /** a hash OID of the machine's own, whatever the policy says */
  hashOid?: string;
  /** more ContextItems, put behind the others */
  contextItems: { name: string; value: string }[];
  /** is there an administrator that is not from Entra? */
  localAdministrator: boolean;
  /** a value of more characters goes out in pieces of so many (MoreData); left out, every value goes whole */
  pieceCharacters?: number;
  /** the Entra un-join fails, so an Unenroll of a joined PC fails */
  unjoinFails: boolean;
  /** local accounts that are on the PC already */
  localAccounts?: string[];
  /** Windows LAPS is set up: where the password goes (1 Entra, 2 Active Directory), how a reset goes */
  laps?: { backupDirectory: 0 | 1 | 2; pendingReads?: number; failsWith?: number };
  /**
   * how an installation of an MSI goes: what its Exec is answered (200 if left out), whether an alert tells what came of it,
   * the code with which it fails, how often its state is asked for before it is over
   */
  msi?: { answers?: 200 | 202; tellsLater?: false; failsWith?: number; pendingReads?: number };
  /** how push goes, once the PC has been given a package family name, where it is not well */
  push?: { status?: number; channel?: string };
  /** `false`: the Windows Recovery Environment is off */
  recoveryEnvironment?: boolean;
  /** a wipe that was taken is not done */
  wipeDoesNothing?: boolean;
  /** what is installed, where it is not the usual two */
  programs?: { name: string; publisher: string; version: string; productCode: string }[];
  /** more certificates with keys, in the stores that the search criteria name */
  otherCertificates: { store: CertificateStoreName; certificate: string; key: string }[];
}

export type CertificateStoreName = 'My\\User' | 'My\\System';

/** A Windows 11 25H2 PC. In: its name and whatever is to differ. Ids come from chance, so two machines are two machines. */
export function newMachine(name: string, given: Partial<Machine> = {}): Machine {
  return {
    name,
    deviceId: randomBytes(16).toString('hex').toUpperCase(),
    hwDevId: randomBytes(32).toString('hex').toUpperCase(),
    manufacturer: 'Contoso',
    model: 'Contoso Book 14',
    serialNumber: randomBytes(5).toString('hex').toUpperCase(),
    serialAtEnrollment: true,
    osVersion: '10.0.26200.9278',
    applicationVersion: '10.0.26200.9279',
    osEdition: '4',
    locale: 'en-US',
    macs: macAddresses(name),
    join: 'none',
    entraDeviceId: randomUUID(),
    domainName: 'corp.example',
    enrollmentType: 'Full',
    requestVersion: '9.0',
    contextItems: [],
    localAdministrator: true,
    unjoinFails: false,
    otherCertificates: [],
    ...definedOnly(given),
  };
}

// Thirteen, as the captured machine: virtual adapters count.
function macAddresses(name: string): string[] {
  const bytes = createHash('sha512').update(name).digest();
  return Array.from({ length: 13 }, (_, n) =>
    ['00', '15', '5D', ...[0, 1, 2].map((i) => hexByte(bytes[n * 3 + i] ?? 0))].join('-'),
  );
}

const hexByte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();

function definedOnly(given: Partial<Machine>): Partial<Machine> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
