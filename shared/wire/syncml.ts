import { SYNCML_1_1, SYNCML_1_2 } from './namespaces.ts';
import { type Item, type Meta, readItem, readItems, readMeta } from './syncml-item.ts';
import { WireError } from './wire-error.ts';
import { attribute, child, descend, parseXml, trimmed, type XmlElement } from './xml.ts';

export type { Item, Meta };

/** A message of a device that cannot be understood; the message says what is missing or wrong. */
export class SyncMLError extends WireError {}

export interface SyncHdr {
  /** opaque: never a number, repeats after a new enrollment */
  sessionId: string;
  msgId: string;
  target: string;
  /** what the device says it is; proves nothing */
  source: string;
  /** the user name of a credential */
  locName?: string;
  respUri?: string;
  cred?: { type: string; format: string; data: string };
  meta: Meta;
}

export type ClientCommand =
  | {
      kind: 'Status';
      cmdId: string;
      msgRef: string;
      cmdRef: string;
      cmd: string;
      targetRef?: string;
      sourceRef?: string;
      code: number;
      /** HRESULT as the device writes it (MS-MDM 2.2.5.1) */
      originalError?: string;
      chal?: Meta;
      items: Item[];
    }
  | { kind: 'Results'; cmdId: string; msgRef: string; cmdRef: string; targetRef?: string; items: Item[] }
  | { kind: 'Alert'; cmdId: string; code: number; correlator?: string; items: Item[] }
  | {
      kind: 'Replace' | 'Add' | 'Delete' | 'Exec' | 'Get' | 'Other';
      /** the element's name */
      name: string;
      cmdId: string;
      items: Item[];
    };

export interface ClientMessage {
  header: SyncHdr;
  /** in document order; a command without CmdID has an empty one */
  commands: ClientCommand[];
  final: boolean;
}

/** What we echo or keep; Windows stays far below. */
const MAX_ID_LENGTH = 128;
const MAX_ADDRESS_LENGTH = 2_048;

/**
 * Reads a device's SyncML message (MS-MDM 2.2, OMA DM Protocol). Namespace SyncML 1.1 or 1.2, Meta with or without the
 * metinf namespace, identifiers with white space around them; unknown commands are kept as `Other`, other unknown
 * elements are left out.
 *
 * @throws SyncMLError when it is no SyncML, or SyncHdr, SessionID, MsgID, Target, Source, SyncBody, the CmdRef of a
 *   Status or Results, or the number in a Status or Alert is missing; XmlError when it is no XML that we read
 */
export function readSyncML(bytes: Buffer): ClientMessage {
  const { root, header } = readRoot(bytes);
  const body = child(root, 'SyncBody');
  if (!body) throw new SyncMLError('the message has no SyncBody');
  return {
    header: readHeader(header),
    commands: body.children.filter((e) => e.name !== 'Final').map(readCommand),
    final: child(body, 'Final') !== undefined,
  };
}

/** A header with two addresses and a credential is under 2 KiB; a RespURI may make it longer. */
const MAX_HEADER_BYTES = 16 * 1024;
const END_OF_HEADER = /<\/(?:([\w.-]+):)?SyncHdr\s*>/;

/**
 * Reads the header of a message and none of its body: enough to see who speaks before a large message is taken apart.
 *
 * @throws SyncMLError when the header does not end in the first 16 KiB, or as `readSyncML` does for it; XmlError
 */
export function readSyncHdr(bytes: Buffer): SyncHdr {
  const start = bytes.subarray(0, MAX_HEADER_BYTES).toString();
  const end = END_OF_HEADER.exec(start);
  if (!end) throw new SyncMLError(`SyncHdr does not end in the first ${MAX_HEADER_BYTES} bytes`);
  const prefix = end[1] === undefined ? '' : `${end[1]}:`;
  const { header } = readRoot(Buffer.from(`${start.slice(0, end.index + end[0].length)}</${prefix}SyncML>`));
  return readHeader(header);
}

function readRoot(bytes: Buffer): { root: XmlElement; header: XmlElement } {
  const root = parseXml(bytes);
  if (root.name !== 'SyncML') throw new SyncMLError(`the document is a ${root.name}, not SyncML`);
  if (root.namespace !== SYNCML_1_2 && root.namespace !== SYNCML_1_1) {
    throw new SyncMLError(`SyncML of namespace "${root.namespace}" is not known`);
  }
  const header = child(root, 'SyncHdr');
  if (!header) throw new SyncMLError('the message has no SyncHdr');
  return { root, header };
}

function readHeader(header: XmlElement): SyncHdr {
  return {
    sessionId: identifier(header, 'SessionID'),
    msgId: identifier(header, 'MsgID'),
    target: address(header, 'Target'),
    source: address(header, 'Source'),
    locName: trimmed(descend(header, 'Source', 'LocName')) || undefined,
    respUri: trimmed(child(header, 'RespURI')) || undefined,
    cred: readCredential(child(header, 'Cred')),
    meta: readMeta(child(header, 'Meta')),
  };
}

function identifier(header: XmlElement, name: string): string {
  const value = required(trimmed(child(header, name)), `SyncHdr has no ${name}`);
  if (value.length > MAX_ID_LENGTH) throw new SyncMLError(`${name} is longer than ${MAX_ID_LENGTH} characters`);
  return value;
}

function address(header: XmlElement, name: 'Target' | 'Source'): string {
  const value = required(trimmed(descend(header, name, 'LocURI')), `SyncHdr has no ${name}/LocURI`);
  if (value.length > MAX_ADDRESS_LENGTH) {
    throw new SyncMLError(`${name}/LocURI is longer than ${MAX_ADDRESS_LENGTH} characters`);
  }
  return value;
}

function required(value: string | undefined, message: string): string {
  if (!value) throw new SyncMLError(message);
  return value;
}

function readCredential(cred: XmlElement | undefined): SyncHdr['cred'] {
  if (!cred) return undefined;
  const { type, format } = readMeta(child(cred, 'Meta'));
  return { type: type ?? '', format: format ?? '', data: trimmed(child(cred, 'Data')) ?? '' };
}

function readCommand(element: XmlElement): ClientCommand {
  const cmdId = trimmed(child(element, 'CmdID')) ?? '';
  const items = readItems(element);
  switch (element.name) {
    case 'Status':
      return readStatus(element, cmdId);
    case 'Results':
      return { kind: 'Results', cmdId, ...readReference(element), items };
    case 'Alert': {
      const correlator = trimmed(child(element, 'Correlator')) || undefined;
      return { kind: 'Alert', cmdId, code: readCode(element), correlator, items };
    }
    case 'Replace':
    case 'Add':
    case 'Delete':
    case 'Exec':
    case 'Get':
      return { kind: element.name, name: element.name, cmdId, items };
    default:
      return { kind: 'Other', name: element.name, cmdId, items };
  }
}

function readStatus(element: XmlElement, cmdId: string): ClientCommand {
  const chal = child(element, 'Chal');
  return {
    kind: 'Status',
    cmdId,
    ...readReference(element),
    cmd: trimmed(child(element, 'Cmd')) ?? '',
    sourceRef: trimmed(child(element, 'SourceRef')) || undefined,
    code: readCode(element),
    originalError: attribute(child(element, 'Data'), 'originalerror')?.trim() || undefined,
    chal: chal && readMeta(child(chal, 'Meta')),
    items: element.children.filter((e) => e.name === 'Item').map((e) => readItem(e)),
  };
}

/** Which command of which of our messages is meant; a missing MsgRef means the first (MS-MDM 2.2.7.8). */
function readReference(element: XmlElement): { msgRef: string; cmdRef: string; targetRef?: string } {
  return {
    msgRef: trimmed(child(element, 'MsgRef')) || '1',
    cmdRef: required(trimmed(child(element, 'CmdRef')), `a ${element.name} has no CmdRef`),
    targetRef: trimmed(child(element, 'TargetRef')) || undefined,
  };
}

function readCode(element: XmlElement): number {
  const data = required(trimmed(child(element, 'Data')), `a ${element.name} has no Data`);
  if (!/^\d{1,9}$/.test(data)) throw new SyncMLError(`a ${element.name} has Data "${data.slice(0, 40)}", not a number`);
  return Number(data);
}
