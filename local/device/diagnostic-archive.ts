import { zipSync } from 'fflate';
import { canonicalPath, type NodeDefinition, type TreeState } from './csp-tree.ts';
import type { Machine } from './machine.ts';
import { readXml, select, textAt, textOf, type XmlNode } from './xml-reader.ts';
import { escapeXml } from './xml-writer.ts';

/**
 * The DiagnosticArchive of the DiagnosticLog CSP: an Exec of ArchiveDefinition is taken, and when the session is over the PC
 * collects, makes a zip and puts it into the container that the definition names.
 */

const ARCHIVE = './Vendor/MSFT/DiagnosticLog/DiagnosticArchive';
const RESULTS = canonicalPath(`${ARCHIVE}/ArchiveResults`);
/** What was asked for and not collected yet, and the ids that were collected; no nodes of Windows. */
const ASKED = './asked/ArchiveDefinition';
const COLLECTED = './asked/ArchiveIds';

const E_ACCESSDENIED = -2147024891;
const HRESULT_NOT_ALLOWED = -2147024637;

/** What came of one request to collect. */
export interface ArchiveReport {
  /** `DiagLogs-<computer>-<UTC>.zip` */
  name: string;
  /** HTTP status of the upload */
  status: number;
  uploaded: boolean;
  /** bytes of the zip */
  size: number;
}

export function diagnosticArchiveNodes(): NodeDefinition[] {
  return [
    { path: `${ARCHIVE}/ArchiveDefinition`, access: ['Get', 'Replace', 'Exec'], runs: (tree, data) => ask(tree, data) },
    {
      path: `${ARCHIVE}/ArchiveResults`,
      access: ['Get'],
      value: '',
      says: (tree) => tree.values[RESULTS]?.value ?? '',
    },
  ];
}

/** A definition whose id was there before is left alone. */
function ask(tree: TreeState, data: string): void {
  const id = idOf(data);
  const known = tree.values[COLLECTED]?.value.split(' ') ?? [];
  if (id === undefined || known.includes(id)) return;
  tree.values[COLLECTED] = { value: [...known, id].join(' '), format: 'chr' };
  tree.values[ASKED] = { value: data, format: 'chr' };
}

function idOf(definition: string): string | undefined {
  try {
    return textAt(readXml(definition), '/Collection/ID');
  } catch {
    return undefined;
  }
}

/** Collects and uploads what was asked for, once. @returns undefined where nothing was */
export async function runDiagnosticArchive(
  machine: Machine,
  tree: TreeState,
  now: Date,
): Promise<ArchiveReport | undefined> {
  const asked = tree.values[ASKED]?.value;
  if (asked === undefined) return undefined;
  delete tree.values[ASKED];
  const definition = select(readXml(asked), '/Collection')[0] as XmlNode;
  const name = `DiagLogs-${machine.name}-${now.toISOString().replace(/[-:]|\.\d+/g, '')}.zip`;
  const results = resultsOf(definition, 0);
  const zip = Buffer.from(zipSync({ 'results.xml': Buffer.from(results) }));
  const status = await upload(textAt(definition, 'SasUrl') ?? '', name, zip);
  const uploaded = status === 201;
  tree.values[RESULTS] = { value: uploaded ? results : resultsOf(definition, E_ACCESSDENIED), format: 'chr' };
  return { name, status, uploaded, size: zip.length };
}

/** The definition again without its address, each part with what came of it. */
function resultsOf(definition: XmlNode, whole: number): string {
  const parts = ['RegistryKey', 'Command', 'FoldersFiles', 'Events'].flatMap((part) =>
    select(definition, part).map((node) => {
      const text = textOf(node);
      return `<${part} HRESULT="${isAllowed(part, text) ? 0 : HRESULT_NOT_ALLOWED}">${escapeXml(text)}</${part}>`;
    }),
  );
  return `<Collection HRESULT="${whole}"><ID>${escapeXml(textAt(definition, 'ID') ?? '')}</ID>${parts.join('')}</Collection>`;
}

const PROGRAMS =
  /^%windir%\\system32\\(certutil|dxdiag|gpresult|msinfo32|netsh|nltest|ping|powercfg|w32tm|wpr|dsregcmd|dispdiag|ipconfig|logman|tracelog|mdmdiagnosticstool|pnputil)\.exe( |$)|^%programfiles%\\windows defender\\mpcmdrun\.exe( |$)/i;
const FOLDERS = /^%(programfiles|programdata|public|windir|temp|tmp)%\\/i;

/** What the CSP lets an administrator collect. */
export function isAllowed(part: string, text: string): boolean {
  if (part === 'RegistryKey') return /^HK(LM|CR)\\/.test(text);
  if (part === 'Command') return PROGRAMS.test(text);
  return part === 'FoldersFiles' ? FOLDERS.test(text) : part === 'Events';
}

/** The name of the zip goes behind the container's path, in front of the signature. */
async function upload(sasUrl: string, name: string, zip: Buffer): Promise<number> {
  const url = new URL(sasUrl);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${encodeURIComponent(name)}`;
  const headers = { 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/zip' };
  const { status } = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(zip) });
  return status;
}
