import { METINF, SYNCML_1_2 } from './namespaces.ts';
import { WireError } from './wire-error.ts';
import { forbiddenCharacter, Xml, xml } from './xml.ts';

/** A command that no device can be sent; the message says why. */
export class CommandError extends WireError {}

export interface ServerStatus {
  msgRef: string;
  /** `0` for SyncHdr */
  cmdRef: string;
  cmd: string;
  targetRef?: string;
  sourceRef?: string;
  code: number;
  /** nextNonce in base64 */
  chal?: { type: string; format: string; nextNonce: string };
}

export interface ServerCommand {
  verb: 'Get' | 'Add' | 'Replace' | 'Delete' | 'Exec';
  items: { target: string; data?: string; format?: string; type?: string }[];
}

export interface ServerAlert {
  code: number;
}

/** A Status (OMA DM Representation 6.5, elements in the order of its DTD). */
export function statusElement(cmdId: number, status: ServerStatus): Xml {
  const target = status.targetRef === undefined ? undefined : xml`<TargetRef>${status.targetRef}</TargetRef>`;
  const source = status.sourceRef === undefined ? undefined : xml`<SourceRef>${status.sourceRef}</SourceRef>`;
  const reference = xml`<MsgRef>${status.msgRef}</MsgRef><CmdRef>${status.cmdRef}</CmdRef><Cmd>${status.cmd}</Cmd>${target}${source}`;
  return xml`<Status><CmdID>${cmdId}</CmdID>${reference}${challenge(status)}<Data>${status.code}</Data></Status>`;
}

function challenge({ chal }: ServerStatus): Xml | undefined {
  if (!chal) return undefined;
  const meta = [metinf('Type', chal.type), metinf('Format', chal.format), metinf('NextNonce', chal.nextNonce)];
  return xml`<Chal><Meta>${meta}</Meta></Chal>`;
}

const metinf = (name: string, value: string) => xml`<${new Xml(name)} xmlns="${METINF}">${value}</${new Xml(name)}>`;

/**
 * A command (MS-MDM 2.2.7). Data that is XML goes as escaped text, which Windows reads; CDATA it does not.
 *
 * @throws CommandError for what `commandProblem` finds
 */
export function commandElement(cmdId: number, command: ServerCommand): Xml {
  const problem = commandProblem(command);
  if (problem) throw new CommandError(problem);
  const items = command.items.map(({ target, data, format, type }) => {
    const meta = [...(format ? [metinf('Format', format)] : []), ...(type ? [metinf('Type', type)] : [])];
    const metaElement = meta.length > 0 ? xml`<Meta>${meta}</Meta>` : undefined;
    const dataElement = data === undefined ? undefined : xml`<Data>${data}</Data>`;
    return xml`<Item><Target><LocURI>${target}</LocURI></Target>${metaElement}${dataElement}</Item>`;
  });
  return xml`<${new Xml(command.verb)}><CmdID>${cmdId}</CmdID>${items}</${new Xml(command.verb)}>`;
}

/**
 * Says why a command cannot be sent to Windows, before it is queued: no item, an Exec of several (MS-MDM 2.2.7.5), an
 * empty LocURI or one that begins with a slash, a character that XML cannot carry.
 *
 * @returns `undefined` when it can
 */
export function commandProblem({ verb, items }: ServerCommand): string | undefined {
  if (items.length === 0) return `${verb} has no item`;
  if (verb === 'Exec' && items.length > 1) return 'Exec has more than one item';
  for (const item of items) {
    if (item.target === '') return `${verb} has an empty target`;
    if (item.target.startsWith('/')) return `target ${item.target} begins with a slash; Windows wants ./ or no prefix`;
    for (const [field, text] of Object.entries(item)) {
      const forbidden = typeof text === 'string' ? forbiddenCharacter(text) : undefined;
      if (forbidden) return `${field} holds a character that XML cannot carry: ${forbidden}`;
    }
  }
  return undefined;
}

/** Commands that succeed or fail together (OMA DM Representation 6.5.2); the parts have CmdIDs of their own. */
export function atomicElement(cmdId: number, commands: Xml[]): Xml {
  return xml`<Atomic><CmdID>${cmdId}</CmdID>${commands}</Atomic>`;
}

/** An Alert such as 1222, next message (OMA DM Protocol 8.7). */
export function alertElement(cmdId: number, alert: ServerAlert): Xml {
  return xml`<Alert><CmdID>${cmdId}</CmdID><Data>${alert.code}</Data></Alert>`;
}

/**
 * Writes a message to a device (MS-MDM 2.2.4.2), UTF-8, no white space between elements. The header never has Meta: a
 * MaxMsgSize makes Windows abort sessions instead of splitting results.
 *
 * @param message.source our address, `message.target` the device's name as it sent it
 */
export function writeSyncML(message: {
  sessionId: string;
  msgId: number;
  target: string;
  source: string;
  body: Xml[];
  final: boolean;
}): Buffer {
  const addresses = xml`<Target><LocURI>${message.target}</LocURI></Target><Source><LocURI>${message.source}</LocURI></Source>`;
  const header = xml`<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${message.sessionId}</SessionID><MsgID>${message.msgId}</MsgID>${addresses}</SyncHdr>`;
  const final = message.final ? xml`<Final/>` : undefined;
  const text = xml`<SyncML xmlns="${SYNCML_1_2}">${header}<SyncBody>${message.body}${final}</SyncBody></SyncML>`;
  return Buffer.from(text.toString());
}
