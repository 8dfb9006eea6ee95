/**
 * What the server reads from a device beyond its facts, which every enrollment needs: the state of its protection, its
 * network, what is installed. Nodes: DevDetail, DeviceStatus, Defender, BitLocker, Win32AppInventory and
 * EnterpriseModernAppManagement CSP (Microsoft Learn).
 */

export type InventoryArea = 'hardware' | 'system' | 'protection' | 'network' | 'apps';

/** A value; `means` says the numbers in words, as Microsoft Learn does for the node. */
interface Leaf {
  area: InventoryArea;
  node: string;
  means?: Record<string, string>;
}

const STATUS = './Vendor/MSFT/DeviceStatus';
const HEALTH = './Vendor/MSFT/Defender/Health';
const PROTECTION = {
  '0': 'on',
  '1': 'off',
  '2': 'not monitoring all',
  '3': 'not monitoring for now',
  '4': 'not there',
};
const CURRENT = { '0': 'out of date', '1': 'current' };

/** Name -> node. Each is asked for in a Get of its own. */
export const INVENTORY_VALUES: Readonly<Record<string, Leaf>> = {
  processorType: { area: 'hardware', node: './DevDetail/Ext/Microsoft/ProcessorType' },
  deviceType: { area: 'hardware', node: './DevDetail/DevTyp' },
  batteryCharge: { area: 'hardware', node: `${STATUS}/Battery/EstimatedChargeRemaining` },
  osMode: { area: 'system', node: `${STATUS}/OS/Mode`, means: { '0': 'not S mode', '1': 'S mode' } },
  bitLocker: {
    area: 'protection',
    node: './Device/Vendor/MSFT/BitLocker/Status/DeviceEncryptionStatus',
    means: { '0': 'complies' },
  },
  antivirus: { area: 'protection', node: `${STATUS}/Antivirus/Status`, means: PROTECTION },
  antivirusSignatures: { area: 'protection', node: `${STATUS}/Antivirus/SignatureStatus`, means: CURRENT },
  antispyware: { area: 'protection', node: `${STATUS}/Antispyware/Status`, means: PROTECTION },
  firewall: { area: 'protection', node: `${STATUS}/Firewall/Status`, means: PROTECTION },
  userAccountControl: { area: 'protection', node: `${STATUS}/UAC/Status` },
  virtualizationBasedSecurity: { area: 'protection', node: `${STATUS}/DeviceGuard/VirtualizationBasedSecurityStatus` },
  credentialGuard: { area: 'protection', node: `${STATUS}/DeviceGuard/LsaCfgCredGuardStatus` },
  defenderEnabled: { area: 'protection', node: `${HEALTH}/DefenderEnabled` },
  defenderRealTime: { area: 'protection', node: `${HEALTH}/RtpEnabled` },
  defenderTamperProtection: { area: 'protection', node: `${HEALTH}/TamperProtectionEnabled` },
  defenderSignatureOutOfDate: { area: 'protection', node: `${HEALTH}/SignatureOutOfDate` },
  defenderSignatureVersion: { area: 'protection', node: `${HEALTH}/SignatureVersion` },
  defenderEngineVersion: { area: 'protection', node: `${HEALTH}/EngineVersion` },
  defenderQuickScanTime: { area: 'protection', node: `${HEALTH}/QuickScanTime` },
  defenderFullScanTime: { area: 'protection', node: `${HEALTH}/FullScanTime` },
  defenderState: { area: 'protection', node: `${HEALTH}/ComputerState`, means: { '0': 'clean' } },
  wlanMacAddress: { area: 'network', node: './DevDetail/Ext/WLANMACAddress' },
};

/** What the facts of a device say of it, in the areas of the inventory. */
export const FACT_AREAS: Readonly<Record<string, Omit<Leaf, 'node'>>> = {
  serialNumber: { area: 'hardware' },
  firmware: { area: 'hardware' },
  architecture: { area: 'hardware' },
  totalRamMB: { area: 'hardware' },
  deviceName: { area: 'system' },
  osPlatform: { area: 'system' },
  osVersion: { area: 'system' },
  osEdition: { area: 'system' },
  domainName: { area: 'system' },
  tpmVersion: { area: 'protection' },
  secureBoot: { area: 'protection', means: { '0': 'not supported', '1': 'on', '2': 'off' } },
  encryption: { area: 'protection', means: { '0': 'not encrypted', '1': 'encrypted' } },
};

interface List {
  area: InventoryArea;
  /** The node whose children are the rows; asked for with `?list=StructData` (OMA-DM TND 7.7.1). */
  node: string;
  /** The leaves of a row that are kept. */
  fields: readonly string[];
}

/** Name -> node. */
export const INVENTORY_LISTS: Readonly<Record<string, List>> = {
  networkAdapters: {
    area: 'network',
    node: `${STATUS}/NetworkIdentifiers`,
    fields: ['IPAddressV4', 'IPAddressV6', 'IsConnected', 'Type'],
  },
  programs: {
    area: 'apps',
    node: './Vendor/MSFT/Win32AppInventory/Win32InstalledProgram',
    fields: ['Name', 'Publisher', 'Version', 'MsiProductCode'],
  },
  storeApps: {
    area: 'apps',
    node: './Device/Vendor/MSFT/EnterpriseModernAppManagement/AppManagement/AppStore',
    fields: ['Name', 'Publisher', 'Version'],
  },
};

/** What came of asking for one of them; kept in the device's record, so it is short. */
export interface InventoryEntry {
  askedAt: string;
  /** How often it was asked for since an answer came. */
  tries: number;
  /** When the device answered; absent before it has. */
  readAt?: string;
  status?: number;
  /** Of a value. Absent where the device has no such node. */
  value?: string;
  /** Of a list: how many rows are kept, where they lie if there are many, and whether more came than is kept. */
  count?: number;
  rows?: InventoryRow[];
  blob?: string;
  cut?: true;
}

/** `id` is the name of the node: a MAC address, a product code, a package name. */
export type InventoryRow = Record<string, string> & { id: string };

export interface Inventory {
  /** An administrator wants all of it anew since then. */
  wantedAt?: string;
  entries: Record<string, InventoryEntry>;
}
