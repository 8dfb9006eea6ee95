import { xml } from '../wire/xml.ts';

/**
 * What is collected of a device (DiagnosticLog CSP, ArchiveDefinition): what helps with management, and of that only what the
 * CSP takes. It takes keys below HKLM and HKCR, a list of programs, and files of few kinds below few folders.
 */
export const COLLECTED = {
  RegistryKey: [
    'HKLM\\SOFTWARE\\Microsoft\\Enrollments',
    'HKLM\\SOFTWARE\\Microsoft\\EnterpriseDesktopAppManagement',
    'HKLM\\SOFTWARE\\Microsoft\\PolicyManager',
    'HKLM\\SOFTWARE\\Policies',
    'HKLM\\SYSTEM\\CurrentControlSet\\Control\\CloudDomainJoin',
  ],
  // MDMDiagnosticsTool writes its report into a folder, from where the line below it takes it.
  Command: [
    '%windir%\\system32\\MdmDiagnosticsTool.exe -out %ProgramData%\\temp\\',
    '%windir%\\system32\\dsregcmd.exe /status',
    '%windir%\\system32\\ipconfig.exe /all',
    '%windir%\\system32\\netsh.exe winhttp show proxy',
    '%windir%\\system32\\certutil.exe -store My',
    '%windir%\\system32\\w32tm.exe /query /status',
  ],
  FoldersFiles: [
    '%ProgramData%\\temp\\*.*',
    '%ProgramData%\\Microsoft\\DiagnosticLogCSP\\Collectors\\*.etl',
    '%windir%\\Panther\\UnattendGC\\*.log',
  ],
  Events: [
    'Microsoft-Windows-DeviceManagement-Enterprise-Diagnostics-Provider/Admin',
    'Microsoft-Windows-DeviceManagement-Enterprise-Diagnostics-Provider/Operational',
    'Microsoft-Windows-AAD/Operational',
    'Microsoft-Windows-User Device Registration/Admin',
    'Microsoft-Windows-BitLocker/BitLocker Management',
    'Microsoft-Windows-Windows Defender/Operational',
    'Application',
    'System',
  ],
} as const;

/**
 * @param id a GUID; the CSP collects once for each
 * @param sasUrl the container into which the device puts its zip. In a CDATA section, as in Microsoft's sample: a signature has
 *   ampersands and nothing that ends the section
 */
export function collectionXml({ id, sasUrl }: { id: string; sasUrl: string }): string {
  const { RegistryKey, Command, FoldersFiles, Events } = COLLECTED;
  const directives = xml`${RegistryKey.map((each) => xml`<RegistryKey>${each}</RegistryKey>`)}${Command.map((each) => xml`<Command>${each}</Command>`)}${FoldersFiles.map((each) => xml`<FoldersFiles>${each}</FoldersFiles>`)}${Events.map((each) => xml`<Events>${each}</Events>`)}`;
  const url = new URL(sasUrl).href;
  return `<Collection>${xml`<ID>${id}</ID>`}<SasUrl><![CDATA[${url}]]></SasUrl>${directives}<OutputFileFormat>Flattened</OutputFileFormat></Collection>`;
}
