import { element, type Markup, textElement } from './xml-writer.ts';

const METINF = { xmlns: 'syncml:metinf' };

/** What the device puts into one message, besides numbers: the commands get their CmdIDs here. */
export type Outgoing =
  | { kind: 'Status'; msgRef: string; cmdRef: string; cmd: string; targetRef?: string; code: number }
  | {
      kind: 'Results';
      msgRef: string;
      cmdRef: string;
      items: ResultItem[];
    }
  | { kind: 'Alert'; code: number; type?: string; format?: string; mark?: string; source?: string; data?: string }
  | { kind: 'Replace'; items: { source: string; data: string }[] };

export interface ResultItem {
  source: string;
  data: string;
  format: string;
  type?: string;
  /** bytes of the whole value, with the first piece of one that goes in several messages */
  size?: number;
  /** further pieces follow */
  moreData?: boolean;
}

export interface OutgoingMessage {
  sessionId: string;
  msgId: number;
  target: string;
  source: string;
  locName?: string;
  /** base64 of an MD5 credential */
  credential?: string;
  /** with their CmdIDs */
  commands: [cmdId: number, command: Outgoing][];
  /** false where the package goes on in the next message; left out, it does not */
  final?: boolean;
}

/** A message as the native client writes it: SyncML 1.2, no Meta in the header, no Cmd in Results. */
export function writeMessage(message: OutgoingMessage): Buffer {
  const header = element('SyncHdr', [
    textElement('VerDTD', '1.2'),
    textElement('VerProto', 'DM/1.2'),
    textElement('SessionID', message.sessionId),
    textElement('MsgID', String(message.msgId)),
    element('Target', textElement('LocURI', message.target)),
    element('Source', [
      textElement('LocURI', message.source),
      ...(message.locName ? [textElement('LocName', message.locName)] : []),
    ]),
    ...(message.credential ? [credential(message.credential)] : []),
  ]);
  const body = message.commands.map(([cmdId, command]) => commandElement(String(cmdId), command));
  const end = message.final === false ? [] : [element('Final')];
  return Buffer.from(
    element('SyncML', [header, element('SyncBody', [...body, ...end])], { xmlns: 'SYNCML:SYNCML1.2' }),
  );
}

function credential(data: string): Markup {
  const meta = element('Meta', [textElement('Format', 'b64', METINF), textElement('Type', 'syncml:auth-md5', METINF)]);
  return element('Cred', [meta, textElement('Data', data)]);
}

function commandElement(cmdId: string, command: Outgoing): Markup {
  const id = textElement('CmdID', cmdId);
  switch (command.kind) {
    case 'Status':
      return element('Status', [
        id,
        textElement('MsgRef', command.msgRef),
        textElement('CmdRef', command.cmdRef),
        textElement('Cmd', command.cmd),
        ...(command.targetRef ? [textElement('TargetRef', command.targetRef)] : []),
        textElement('Data', String(command.code)),
      ]);
    case 'Results':
      return element('Results', [
        id,
        textElement('MsgRef', command.msgRef),
        textElement('CmdRef', command.cmdRef),
        ...command.items.map((item) => sourceItem(item.source, item.data, resultMeta(item), item.moreData)),
      ]);
    case 'Alert':
      return element('Alert', [id, textElement('Data', String(command.code)), ...alertItem(command)]);
    case 'Replace':
      return element('Replace', [id, ...command.items.map((item) => sourceItem(item.source, item.data))]);
  }
}

// Only what is not plain text is named.
function resultMeta(item: ResultItem): Markup | undefined {
  const list = [
    ...(item.format !== 'chr' ? [textElement('Format', item.format, METINF)] : []),
    ...(item.type && item.type !== 'text/plain' ? [textElement('Type', item.type, METINF)] : []),
    ...(item.size !== undefined ? [textElement('Size', String(item.size), METINF)] : []),
  ];
  return list.length > 0 ? element('Meta', list) : undefined;
}

function sourceItem(source: string, data: string, meta?: Markup, moreData = false): Markup {
  return element('Item', [
    element('Source', textElement('LocURI', source)),
    ...(meta ? [meta] : []),
    textElement('Data', data),
    ...(moreData ? [element('MoreData')] : []),
  ]);
}

function alertItem(alert: Extract<Outgoing, { kind: 'Alert' }>): Markup[] {
  if (!alert.type) return [];
  const meta = element('Meta', [
    textElement('Type', alert.type, METINF),
    ...(alert.format ? [textElement('Format', alert.format, METINF)] : []),
    ...(alert.mark ? [textElement('Mark', alert.mark, METINF)] : []),
  ]);
  const source = alert.source ? [element('Source', textElement('LocURI', alert.source))] : [];
  return [element('Item', [...source, meta, textElement('Data', alert.data ?? '')])];
}
