import { describe, expect, test } from 'vitest';
import { isAllowed } from '../../../local/device/diagnostic-archive.ts';
import { COLLECTED, collectionXml } from '../../../shared/actions/log-collection.ts';
import { logContainer } from '../../../shared/actions/uploaded-logs.ts';
import { isSecretNode } from '../../../shared/commands/secret-nodes.ts';
import { parseXml, trimmed } from '../../../shared/wire/xml.ts';

const ID = 'f1a0c8b2-5d6e-4f70-8a91-b2c3d4e5f607';
const SAS = 'https://data.blob.core.windows.net/logs-1?sv=2025-01-05&sp=aw&sr=c&sig=a%2Fb%3D';

describe('the definition of a collection', () => {
  const root = parseXml(Buffer.from(collectionXml({ id: ID, sasUrl: SAS })));
  const parts = root.children.map((each): [string, string] => [each.name, trimmed(each) ?? '']);

  test('begins with its id and the address, which comes out as it went in', () => {
    expect(root.name).toBe('Collection');
    expect(parts.slice(0, 2)).toEqual([
      ['ID', ID],
      ['SasUrl', SAS],
    ]);
    expect(parts.at(-1)).toEqual(['OutputFileFormat', 'Flattened']);
  });

  test('names everything that is documented, and the report of MdmDiagnosticsTool after it was made', () => {
    const directives = parts.slice(2, -1);
    const listed = Object.entries(COLLECTED).flatMap(([name, values]) => values.map((value) => [name, value]));
    expect(directives).toEqual(listed);
    const place = (text: string) => directives.findIndex(([, value]) => value.startsWith(text));
    expect(place('%windir%\\system32\\MdmDiagnosticsTool.exe')).toBeGreaterThanOrEqual(0);
    expect(place('%ProgramData%\\temp')).toBeGreaterThan(place('%windir%\\system32\\MdmDiagnosticsTool.exe'));
  });

  test('asks for nothing that Windows refuses to collect', () => {
    const refused = parts.slice(2, -1).filter(([name, value]) => !isAllowed(name, value));
    expect(refused).toEqual([]);
  });

  test('cannot be broken by an address', () => {
    expect(() => collectionXml({ id: ID, sasUrl: 'no address' })).toThrow();
    const odd = parseXml(Buffer.from(collectionXml({ id: ID, sasUrl: `${SAS}]]></SasUrl><Command>x</Command>` })));
    expect(odd.children.filter(({ name }) => name === 'Command')).toHaveLength(COLLECTED.Command.length);
  });
});

test.each([
  ['RegistryKey', 'HKCU\\Software'],
  ['Command', '%windir%\\system32\\cmd.exe /c dir'],
  ['FoldersFiles', 'C:\\Users\\kim\\Documents\\*.txt'],
])('the simulated PC refuses to collect a %s such as %s', (part, value) => {
  expect(isAllowed(part, value)).toBe(false);
});

test('the node that carries the address is a secret whoever queues it', () => {
  expect(isSecretNode('./Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveDefinition')).toBe(true);
});

test('each request has a container of its own, with a name that Azure takes', () => {
  const device = '0D4F2A11-5C7E-4B6A-9A3D-1E2F3A4B5C6D';
  const name = logContainer(device, ID);
  expect(name).toMatch(/^[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]$/);
  expect(name).toBe(logContainer(device.toLowerCase(), ID));
  expect(name).not.toBe(logContainer(device, device));
});
