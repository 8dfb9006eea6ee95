import { statusMeaning } from '../commands/status-meaning.ts';
import { child, children, descend, trimmed, type XmlElement } from '../wire/xml.ts';
import { HIDDEN } from './redaction.ts';

/** What a message of a session says, a sentence each. It is read from the redacted message, so it can tell no more than that. */

/** What one side asked of a node, to tell what an answer is for. */
export interface Asked {
  verb: string;
  target: string;
}

/** `<MsgID> <CmdID>` of the server's message -> what was asked there. */
export type AskedBefore = ReadonlyMap<string, Asked>;

/** @param before what the server asked in the message that this one answers */
export function describeFromDevice(root: XmlElement, before: AskedBefore): string[] {
  const words = commandsOf(root).flatMap((command) => deviceSays(command, before));
  return hasFinal(root) ? words : [...words, 'More of this message follows.'];
}

export function describeFromServer(root: XmlElement): string[] {
  const words = commandsOf(root).flatMap((command) => serverSays(command));
  const asks = commandsOf(root).some(({ name }) => SENTENCES[name] !== undefined || name === 'Atomic');
  if (!hasFinal(root)) return words;
  return asks ? words : [...words, 'The server asks nothing (more): the session ends here.'];
}

/** @returns what a message of the server asks, to be found again by the answers. */
export function askedIn(root: XmlElement): AskedBefore {
  const msgId = trimmed(descend(root, 'SyncHdr', 'MsgID')) ?? '';
  const all = commandsOf(root).flatMap((each) => (each.name === 'Atomic' ? [each, ...each.children] : [each]));
  return new Map(
    all.flatMap((command): [string, Asked][] => {
      if (SENTENCES[command.name] === undefined && command.name !== 'Atomic') return [];
      const cmdId = trimmed(child(command, 'CmdID')) ?? '';
      const target = trimmed(descend(command, 'Item', 'Target', 'LocURI')) ?? '';
      return [[`${msgId} ${cmdId}`, { verb: command.name, target }]];
    }),
  );
}

function commandsOf(root: XmlElement): XmlElement[] {
  return child(root, 'SyncBody')?.children ?? [];
}

function hasFinal(root: XmlElement): boolean {
  return descend(root, 'SyncBody', 'Final') !== undefined;
}

function deviceSays(command: XmlElement, before: AskedBefore): string[] {
  switch (command.name) {
    case 'Alert':
      return alertSays(command);
    case 'Replace':
      return children(command, 'Item').map((item) => `The device reports ${nodeOf(item)}${shownValue(item)}.`);
    case 'Status':
      return statusSays(command, before);
    case 'Results':
      return children(command, 'Item').map((item) => `The value of ${nodeOf(item)}${shownValue(item)}.`);
    default:
      return command.name === 'Final' ? [] : [`The device sends ${command.name}.`];
  }
}

const ALERTS: Record<string, string> = {
  '1200': 'The device opens a session because the server asked for one.',
  '1201': 'The device opens a session by itself.',
  '1222': 'The device asks for the next message.',
  '1223': 'The device aborts the session.',
  '1225': 'The device did not get the end of a large value.',
};

function alertSays(alert: XmlElement): string[] {
  const code = trimmed(child(alert, 'Data')) ?? '';
  const known = ALERTS[code];
  if (known) return [known];
  const items = children(alert, 'Item');
  if (items.length === 0) return [`The device sends alert ${code}.`];
  return items.map((item) => {
    const type = trimmed(child(item, 'Type')) ?? trimmed(descend(item, 'Meta', 'Type')) ?? '';
    const data = trimmed(child(item, 'Data')) ?? '';
    return (
      alertTypeSays(type, data, nodeOf(item)) ?? `The device sends alert ${code} of type ${type || 'unknown'}: ${data}.`
    );
  });
}

function alertTypeSays(type: string, data: string, node: string): string | undefined {
  if (type === 'com.microsoft/MDM/LoginStatus') return `The device says who is signed in: ${data}.`;
  if (type === 'com.microsoft:mdm.unenrollment.userrequest') {
    return data === '1'
      ? 'The device says that it removes the enrollment.'
      : `The device says that it tried to remove the enrollment and failed: ${data}.`;
  }
  if (/win32csp_install$/.test(type)) return `The device reports what came of the installation ${node}: ${data}.`;
  return undefined;
}

function statusSays(status: XmlElement, before: AskedBefore): string[] {
  const code = trimmed(child(status, 'Data')) ?? '';
  const reference = `${trimmed(child(status, 'MsgRef')) ?? '1'} ${trimmed(child(status, 'CmdRef')) ?? ''}`;
  const asked = before.get(reference);
  const cmd = trimmed(child(status, 'Cmd')) ?? '';
  if (cmd === 'SyncHdr' && code === '200') return [];
  const what = asked
    ? `${asked.verb} ${asked.target}`.trim()
    : cmd === 'SyncHdr'
      ? 'The message'
      : `${cmd} (sent earlier)`;
  const hresult = child(status, 'Data')?.attributes.find(({ name }) => name === 'originalerror')?.value;
  const meaning = /^\d{3}$/.test(code) ? statusMeaning(Number(code)) : undefined;
  const added = hresult ? ` Windows adds ${hresult}.` : '';
  return [`${what}: status ${code}${meaning ? `. ${meaning}` : '.'}${added}`];
}

/** Verb -> the server's sentence about a node. */
const SENTENCES: Record<string, (node: string, value: string) => string> = {
  Get: (node) => `The server asks for ${node}.`,
  Add: (node, value) => `The server adds ${node}${value}.`,
  Replace: (node, value) => `The server sets ${node}${value}.`,
  Delete: (node) => `The server deletes ${node}.`,
  Exec: (node, value) => `The server runs ${node}${value}.`,
};

function serverSays(command: XmlElement): string[] {
  const sentence = SENTENCES[command.name];
  if (sentence) return children(command, 'Item').map((item) => sentence(nodeOf(item), shownValue(item)));
  if (command.name === 'Atomic') {
    return ['The server sends together, all or none:', ...command.children.flatMap(serverSays)];
  }
  if (command.name === 'Alert' && trimmed(child(command, 'Data')) === '1222')
    return ['The server asks for the next message.'];
  if (command.name !== 'Status') return [];
  const code = trimmed(child(command, 'Data')) ?? '';
  if (code === '200') return [];
  const meaning = /^\d{3}$/.test(code) ? (statusMeaning(Number(code)) ?? '') : '';
  return [`The server answers ${trimmed(child(command, 'Cmd')) ?? ''} with status ${code}. ${meaning}`.trim()];
}

function nodeOf(item: XmlElement): string {
  const address = trimmed(descend(item, 'Target', 'LocURI')) ?? trimmed(descend(item, 'Source', 'LocURI'));
  return address ?? 'something without an address';
}

function shownValue(item: XmlElement): string {
  const data = trimmed(child(item, 'Data'));
  if (data === undefined) return '';
  if (data === HIDDEN) return ` = ${HIDDEN} (not shown in traces)`;
  return ` = ${data === '' ? '(empty)' : data}`;
}
