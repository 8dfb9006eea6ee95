import type { NodeDefinition } from './csp-tree.ts';
import type { Machine } from './machine.ts';

/** What a PC tells of its protection, its network and what is installed on it, and the actions of Windows Defender. */
export function inventoryNodes(machine: Machine): NodeDefinition[] {
  return [...defender(), ...networkAdapters(machine), ...programs(machine), ...storeApps(machine)];
}

function defender(): NodeDefinition[] {
  const health = {
    ProductStatus: 524288,
    ComputerState: 0,
    DefenderEnabled: true,
    RtpEnabled: true,
    NisEnabled: true,
    QuickScanOverdue: false,
    FullScanOverdue: false,
    SignatureOutOfDate: false,
    RebootRequired: false,
    FullScanRequired: false,
    TamperProtectionEnabled: true,
    EngineVersion: '1.1.26090.2',
    SignatureVersion: '1.441.103.0',
    DefenderVersion: '4.18.26090.9',
    QuickScanTime: '11/20/2026 09:14:02 PM UTC',
    FullScanTime: '',
  };
  return [
    ...leaves('./Vendor/MSFT/Defender/Health', health),
    { path: './Vendor/MSFT/Defender/Scan', access: ['Get', 'Exec'], value: '' },
    { path: './Vendor/MSFT/Defender/UpdateSignature', access: ['Get', 'Exec'], value: '' },
  ];
}

function networkAdapters({ macs }: Machine): NodeDefinition[] {
  return macs.slice(0, 2).flatMap((mac, index) =>
    leaves(`./Vendor/MSFT/DeviceStatus/NetworkIdentifiers/${mac.replaceAll('-', '')}`, {
      IPAddressV4: index === 0 ? '192.0.2.17' : '',
      IPAddressV6: index === 0 ? '2001:db8::17' : '',
      IsConnected: index === 0,
      Type: index === 0 ? 2 : 1,
    }),
  );
}

function programs({ programs: given }: Machine): NodeDefinition[] {
  return (given ?? PROGRAMS).flatMap(({ name, publisher, version, productCode }) =>
    leaves(`./Vendor/MSFT/Win32AppInventory/Win32InstalledProgram/${encodeURIComponent(productCode)}`, {
      Name: name,
      Publisher: publisher,
      Version: version,
      Language: '1033',
      Source: 'Msi',
      MsiProductCode: productCode,
    }),
  );
}

const PROGRAMS: NonNullable<Machine['programs']> = [
  {
    name: 'Contoso Reader',
    publisher: 'Contoso',
    version: '24.2.0',
    productCode: '{6B1F0E55-7C32-4F0A-9D33-0C4B3E0A9A11}',
  },
  {
    name: 'Fabrikam VPN',
    publisher: 'Fabrikam',
    version: '7.1.4',
    productCode: '{E0D1A7C4-52A4-4A35-8C51-5B0D7F6B2F02}',
  },
];

function storeApps(machine: Machine): NodeDefinition[] {
  const top = './Vendor/MSFT/EnterpriseModernAppManagement/AppManagement/AppStore';
  const app = 'Contoso.Notes_8wekyb3d8bbwe/Contoso.Notes_3.2.0.0_x64__8wekyb3d8bbwe';
  return leaves(`${top}/${app}`, {
    Name: 'Contoso.Notes',
    Version: '3.2.0.0',
    Publisher: `CN=${machine.manufacturer}`,
    InstallLocation: 'C:\\Program Files\\WindowsApps\\Contoso.Notes_3.2.0.0_x64__8wekyb3d8bbwe',
  });
}

function leaves(top: string, values: Record<string, string | number | boolean>): NodeDefinition[] {
  return Object.entries(values).map(([name, value]) => ({
    path: `${top}/${name}`,
    access: ['Get'],
    format: typeof value === 'number' ? 'int' : typeof value === 'boolean' ? 'bool' : 'chr',
    value: String(value),
  }));
}
