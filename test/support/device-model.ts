import { createHash } from 'node:crypto';
import { parseStringPromise } from 'xml2js';
import { takeTurn } from '../../shared/management/turn.ts';
import type { TurnOutcome } from '../../shared/management/turn-state.ts';
import { readSyncML } from '../../shared/wire/syncml.ts';
import type { Partition } from './partition.ts';

/** What the server asks in one message, as a device reads it. */
export interface Asked {
  verb: string;
  cmdId: string;
  target: string;
  data?: string;
}

export interface Reply {
  bytes: Buffer;
  outcome: TurnOutcome;
  statuses: { cmdRef: string; cmd: string; code: string }[];
  commands: Asked[];
  alerts: string[];
  final: boolean;
  msgId: string;
}

const CREDENTIAL = 'a'.repeat(64);

/** Talks to the pure turn as a Windows device talks to the server, message by message, against a partition in memory. */
export class DeviceModel {
  readonly partition: Partition;
  now = new Date('2026-01-01T08:00:00.000Z');
  sessionId = '0';
  msgId = 0;
  lastAsked: Asked[] = [];

  constructor(partition: Partition) {
    this.partition = partition;
  }

  /** A new session: package 1. `body` comes before DevInfo, where Windows puts its alerts. */
  begin(options: { login?: string; body?: string; sessionId?: string } = {}): Promise<Reply> {
    this.sessionId = options.sessionId ?? String(Number(this.sessionId) + 1);
    this.msgId = 1;
    const login = `<Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>${options.login ?? 'user'}</Data></Item></Alert>`;
    const devInfo = `<Replace><CmdID>4</CmdID><Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>D1</Data></Item></Replace>`;
    return this.send(`<Alert><CmdID>2</CmdID><Data>1201</Data></Alert>${login}${options.body ?? ''}${devInfo}`);
  }

  /** The next message of the session. */
  next(body = ''): Promise<Reply> {
    this.msgId += 1;
    return this.send(
      `<Status><CmdID>1</CmdID><MsgRef>${this.msgId - 1}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status>${body}`,
    );
  }

  /** Answers everything that was asked: by default 200, and for a Get the value `value of <target>`. */
  answer(codes: (asked: Asked) => number | undefined = () => 200): Promise<Reply> {
    const msgRef = this.msgId;
    const parts = this.lastAsked.map((asked, index) => {
      const code = codes(asked);
      if (code === undefined) return '';
      const status = `<Status><CmdID>${10 + 2 * index}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${asked.cmdId}</CmdRef><Cmd>${asked.verb}</Cmd><Data>${code}</Data></Status>`;
      const results = `<Results><CmdID>${11 + 2 * index}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${asked.cmdId}</CmdRef><Item><Source><LocURI>${asked.target}</LocURI></Source><Data>value of ${asked.target}</Data></Item></Results>`;
      return asked.verb === 'Get' && code === 200 ? status + results : status;
    });
    return this.next(parts.join(''));
  }

  async send(body: string, options: { final?: boolean; credential?: string; store?: boolean } = {}): Promise<Reply> {
    const final = options.final === false ? '' : '<Final/>';
    const header = `<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${this.sessionId}</SessionID><MsgID>${this.msgId}</MsgID><Target><LocURI>https://manage.example.org/ManagementServer/MDM.svc</LocURI></Target><Source><LocURI>D1</LocURI></Source></SyncHdr>`;
    return this.sendBytes(
      Buffer.from(`<SyncML xmlns="SYNCML:SYNCML1.2">${header}<SyncBody>${body}${final}</SyncBody></SyncML>`),
      options,
    );
  }

  async sendBytes(bytes: Buffer, options: { credential?: string; store?: boolean } = {}): Promise<Reply> {
    const message = readSyncML(bytes);
    const outcome = takeTurn(this.partition.snapshot(), {
      message,
      bodyHash: createHash('sha256').update(bytes).digest('hex'),
      credential: options.credential ?? CREDENTIAL,
      opens: Number(message.header.msgId) === 1,
      now: this.now,
    });
    if (options.store !== false) this.partition.apply(outcome.changes);
    const reply = await readReply(bytes, outcome);
    this.lastAsked = reply.commands;
    return reply;
  }
}

interface Element {
  '#name': string;
  $$?: Element[];
  _?: string;
}

async function readReply(bytes: Buffer, outcome: TurnOutcome): Promise<Reply> {
  const root = (await parseStringPromise(outcome.reply.toString(), {
    explicitChildren: true,
    preserveChildrenOrder: true,
    explicitRoot: false,
  })) as Element;
  const find = (element: Element | undefined, ...names: string[]): Element | undefined =>
    names.reduce<Element | undefined>((at, name) => at?.$$?.find((e) => e['#name'] === name), element);
  const text = (element: Element | undefined, ...names: string[]) => find(element, ...names)?._ ?? '';
  const body = find(root, 'SyncBody')?.$$ ?? [];
  const verbs = ['Get', 'Add', 'Replace', 'Delete', 'Exec'];
  return {
    bytes,
    outcome,
    msgId: text(root, 'SyncHdr', 'MsgID'),
    statuses: body
      .filter((e) => e['#name'] === 'Status')
      .map((e) => ({ cmdRef: text(e, 'CmdRef'), cmd: text(e, 'Cmd'), code: text(e, 'Data') })),
    commands: body
      .filter((e) => verbs.includes(e['#name']))
      .map((e) => ({
        verb: e['#name'],
        cmdId: text(e, 'CmdID'),
        target: text(e, 'Item', 'Target', 'LocURI'),
        data: find(e, 'Item', 'Data')?._,
      })),
    alerts: body.filter((e) => e['#name'] === 'Alert').map((e) => text(e, 'Data')),
    final: body.some((e) => e['#name'] === 'Final'),
  };
}
