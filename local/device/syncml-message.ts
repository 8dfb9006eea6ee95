import { ProtocolViolation } from './errors.ts';
import { rawText, readXml, select, type XmlNode } from './xml-reader.ts';

export interface ServerItem {
  target?: string;
  data: string;
  format?: string;
  type?: string;
}

/** A command of the server, or an element that is none (`name` says which). */
export interface ServerCommand {
  name: string;
  cmdId: string;
  items: ServerItem[];
  /** what an Atomic or a Sequence holds */
  commands: ServerCommand[];
}

export interface Challenge {
  type: string;
  format: string;
  nextNonce: string;
}

export interface ServerMessage {
  msgId: number;
  respUri?: string;
  /** Status of our SyncHdr */
  headerStatus: number;
  challenge?: Challenge;
  commands: ServerCommand[];
  /** the server ended the session by Alert 1223 */
  aborted: boolean;
  final: boolean;
  remarks: string[];
}

/** What the reply has to fit. */
export interface Expected {
  sessionId: string;
  msgId: number;
  deviceId: string;
  /** MsgID of the server's last message in this session, 0 before the first */
  lastServerMsgId: number;
  /** the commands of our message that need a Status, in order */
  sent: { cmdId: string; cmd: string }[];
  /** our message was the end of its package; left out, it was */
  final?: boolean;
}

const NAMESPACES = ['SYNCML:SYNCML1.2', 'SYNCML:SYNCML1.1'];
const METINF = 'syncml:metinf';

/** The order that the DTD (OMA SyncML Representation Protocol 1.2) gives to children; names that are not listed are not judged. */
const ORDER: Record<string, string[]> = {
  SyncML: ['SyncHdr', 'SyncBody'],
  SyncHdr: ['VerDTD', 'VerProto', 'SessionID', 'MsgID', 'Target', 'Source', 'RespURI', 'NoResp', 'Cred', 'Meta'],
  Status: ['CmdID', 'MsgRef', 'CmdRef', 'Cmd', 'TargetRef', 'SourceRef', 'Cred', 'Chal', 'Data', 'Item'],
  Alert: ['CmdID', 'NoResp', 'Cred', 'Data', 'Correlator', 'Item'],
  Item: ['Target', 'Source', 'Meta', 'Data', 'MoreData'],
  Get: ['CmdID', 'NoResp', 'Lang', 'Cred', 'Meta', 'Item'],
  Add: ['CmdID', 'NoResp', 'Cred', 'Meta', 'Item'],
  Replace: ['CmdID', 'NoResp', 'Cred', 'Meta', 'Item'],
  Delete: ['CmdID', 'NoResp', 'Archive', 'SftDel', 'Cred', 'Meta', 'Item'],
  Exec: ['CmdID', 'NoResp', 'Cred', 'Meta', 'Correlator', 'Item'],
};

const COMMANDS = ['Get', 'Add', 'Replace', 'Delete', 'Exec'];
const CONTAINERS = ['Atomic', 'Sequence'];

/**
 * Reads a reply of the management server and holds it against the rules of the protocol (MS-MDM 2.2, OMA-DM Protocol 1.2.1).
 * Errors: ProtocolViolation, whose `rule` names what was broken; a device drops the session over each of them.
 */
export function readServerMessage(bytes: Buffer, expected: Expected): ServerMessage {
  const root = load(bytes);
  checkOrder(root);
  const header = child(root, 'SyncHdr') ?? broken('no-sync-hdr', 'the message has no SyncHdr');
  const body = child(root, 'SyncBody') ?? broken('no-sync-body', 'the message has no SyncBody');
  const msgId = checkHeader(header, expected);
  checkCmdIds(body);
  const statuses = body.children.filter((node) => node.name === 'Status');
  const { headerStatus, challenge } = checkStatuses(body, statuses, expected);
  const commands = body.children.filter((node) => !PASSIVE.includes(node.name)).map(readCommand);
  const alerts = body.children.filter((node) => node.name === 'Alert').map((node) => text(node, 'Data')?.trim());
  if (expected.final === false) checkAskedOn(commands, alerts);
  const final = checkFinal(body, challenge !== undefined || expected.final === false);
  if (expected.final === false && final) broken('final-too-early', 'Final, though our package goes on');
  if (challenge && commands.length > 0) broken('command-with-challenge', 'a challenge came together with commands');
  const remarks = challenge && final ? ['Final in a message with a challenge'] : [];
  return {
    msgId,
    respUri: text(header, 'RespURI'),
    headerStatus,
    challenge,
    commands,
    aborted: alerts.includes('1223'),
    final,
    remarks,
  };
}

// OMA-DM Protocol: a package that goes on is asked on for, and nothing new comes before its end.
function checkAskedOn(commands: ServerCommand[], alerts: (string | undefined)[]): void {
  if (commands.length > 0) broken('command-too-early', 'commands before our package was at its end');
  if (!alerts.includes('1222')) broken('not-asked-on', 'no alert 1222 for a message without Final');
}

const PASSIVE = ['Status', 'Alert', 'Final'];

function broken(rule: string, message: string): never {
  throw new ProtocolViolation(rule, message);
}

function load(bytes: Buffer): XmlNode {
  let root: XmlNode | undefined;
  try {
    root = readXml(bytes).children[0];
  } catch (error) {
    broken('not-xml', (error as Error).message);
  }
  if (root?.name !== 'SyncML' || !NAMESPACES.includes(root.namespace)) {
    broken('not-syncml', `the root is {${root?.namespace}}${root?.name}`);
  }
  return root;
}

// A name that is right in a wrong namespace is not found, as everywhere on Windows.
function child(node: XmlNode, name: string): XmlNode | undefined {
  return node.children.find((c) => c.name === name && NAMESPACES.includes(c.namespace));
}

function text(node: XmlNode | undefined, ...names: string[]): string | undefined {
  const found = names.reduce<XmlNode | undefined>((at, name) => at && child(at, name), node);
  return found && rawText(found);
}

function checkOrder(node: XmlNode): void {
  const order = ORDER[node.name];
  if (order) {
    const places = node.children.map((c) => order.indexOf(c.name)).filter((place) => place >= 0);
    if (places.some((place, n) => n > 0 && place < (places[n - 1] as number))) {
      broken('element-order', `the children of ${node.name} are not in the order of the DTD`);
    }
  }
  for (const c of node.children) if (node.name !== 'Data') checkOrder(c);
}

function checkHeader(header: XmlNode, expected: Expected): number {
  if (text(header, 'VerDTD') !== '1.2') broken('ver-dtd', 'VerDTD is not 1.2');
  if (text(header, 'VerProto') !== 'DM/1.2') broken('ver-proto', 'VerProto is not DM/1.2');
  if (text(header, 'SessionID') !== expected.sessionId) {
    broken('session-id', `SessionID is "${text(header, 'SessionID') ?? ''}", not ${expected.sessionId}`);
  }
  const msgId = text(header, 'MsgID') ?? '';
  if (!/^[1-9]\d*$/.test(msgId) || Number(msgId) <= expected.lastServerMsgId) {
    broken('msg-id', `MsgID "${msgId}" does not follow ${expected.lastServerMsgId}`);
  }
  if (text(header, 'Target', 'LocURI') !== expected.deviceId) broken('target', 'Target is not this device');
  if (!text(header, 'Source', 'LocURI')) broken('source', 'Source is missing');
  const sizes = select(header, 'm:MaxMsgSize', { m: METINF }).concat(
    header.children.flatMap((c) => c.children).filter((c) => /^Max(Msg|Obj)Size$/.test(c.name)),
  );
  if (sizes.length > 0) broken('max-msg-size', 'a size limit in SyncHdr makes the device abort');
  return Number(msgId);
}

function checkCmdIds(body: XmlNode): void {
  const seen = new Set<string>();
  const walk = (node: XmlNode) => {
    for (const c of node.children) {
      if (![...PASSIVE, 'Results', ...COMMANDS, ...CONTAINERS].includes(c.name) || c.name === 'Final') continue;
      const id = text(c, 'CmdID') ?? '';
      if (id === '' || id === '0') broken('cmd-id-missing', `${c.name} has no CmdID of its own`);
      if (seen.has(id)) broken('cmd-id-twice', `CmdID ${id} is there twice`);
      seen.add(id);
      if (CONTAINERS.includes(c.name)) walk(c);
    }
  };
  walk(body);
}

function checkStatuses(
  body: XmlNode,
  statuses: XmlNode[],
  expected: Expected,
): { headerStatus: number; challenge?: Challenge } {
  const first = statuses[0];
  if (!first || first !== body.children[0] || text(first, 'Cmd') !== 'SyncHdr' || text(first, 'CmdRef') !== '0') {
    broken('no-status-for-sync-hdr', 'the first element is not the Status of SyncHdr with CmdRef 0');
  }
  for (const status of statuses) {
    const ref = text(status, 'MsgRef');
    if (ref !== String(expected.msgId))
      broken('msg-ref', `MsgRef is "${ref ?? ''}", our message was ${expected.msgId}`);
    if (!/^\d{3}$/.test(text(status, 'Data') ?? '')) broken('status-data', 'a Status without a code');
  }
  const challenge = readChallenge(first);
  const code = Number(text(first, 'Data'));
  if (!(challenge && (code === 401 || code === 407))) checkAnswers(statuses.slice(1), expected);
  return { headerStatus: code, challenge };
}

// One Status for each command of ours, in their order; Status and Results get none.
function checkAnswers(statuses: XmlNode[], expected: Expected): void {
  const answered = statuses.map((status) => `${text(status, 'CmdRef')} ${text(status, 'Cmd')}`);
  const sent = expected.sent.map((command) => `${command.cmdId} ${command.cmd}`);
  const stranger = answered.find((ref) => !sent.includes(ref));
  if (stranger) broken('cmd-ref', `a Status for "${stranger}", which was not sent`);
  const missing = sent.find((ref) => !answered.includes(ref));
  if (missing) broken('status-missing', `no Status for "${missing}"`);
  if (answered.length !== sent.length) broken('status-twice', 'a command has two Statuses');
  if (answered.join() !== sent.join()) broken('status-order', 'the Statuses are not in the order of the commands');
}

function readChallenge(status: XmlNode): Challenge | undefined {
  const chal = child(status, 'Chal');
  if (!chal) return undefined;
  const meta = child(chal, 'Meta') ?? broken('chal-meta', 'Chal has no Meta');
  const nextNonce = metaText(meta, 'NextNonce') ?? '';
  const type = metaText(meta, 'Type') ?? '';
  if (type === 'syncml:auth-md5' && !/^[A-Za-z0-9+/]+={0,2}$/.test(nextNonce)) {
    broken('next-nonce', 'a challenge for MD5 without a base64 NextNonce');
  }
  return { type, format: metaText(meta, 'Format') ?? '', nextNonce };
}

// Meta children are found with their own namespace and, as devices do, without.
function metaText(meta: XmlNode | undefined, name: string): string | undefined {
  const found = meta?.children.find((c) => c.name === name && [METINF, ...NAMESPACES].includes(c.namespace));
  return found && rawText(found).trim();
}

function checkFinal(body: XmlNode, mayBeMissing: boolean): boolean {
  const finals = body.children.filter((node) => node.name === 'Final');
  if (finals.length === 0) {
    if (!mayBeMissing) broken('final-missing', 'the package has no Final');
    return false;
  }
  if (finals.length > 1 || body.children.at(-1) !== finals[0]) broken('final-place', 'Final is not the last element');
  return true;
}

function readCommand(node: XmlNode): ServerCommand {
  const meta = child(node, 'Meta');
  const inner = CONTAINERS.includes(node.name)
    ? node.children.filter((c) => !['CmdID', 'NoResp', 'Meta'].includes(c.name)).map(readCommand)
    : [];
  const items = node.children.filter((c) => c.name === 'Item').map((item) => readItem(item, meta));
  return { name: node.name, cmdId: text(node, 'CmdID') ?? '', items, commands: inner };
}

function readItem(item: XmlNode, commandMeta: XmlNode | undefined): ServerItem {
  const target = text(item, 'Target', 'LocURI');
  if (target?.startsWith('/')) broken('loc-uri-slash', `LocURI "${target}" begins with /`);
  const meta = child(item, 'Meta');
  return {
    target,
    data: text(item, 'Data') ?? '',
    format: metaText(meta, 'Format') ?? metaText(commandMeta, 'Format'),
    type: metaText(meta, 'Type') ?? metaText(commandMeta, 'Type'),
  };
}
