import { createHash } from 'node:crypto';
import { parseStringPromise } from 'xml2js';
import { openReply, openSecrets, sealReply } from '../../shared/management/secret-data.ts';
import { takeTurn } from '../../shared/management/turn.ts';
import type { TurnOutcome } from '../../shared/management/turn-state.ts';
import type { WantedDefault } from '../../shared/management/wanted-defaults.ts';
import type { Snapshot } from '../../shared/management/working-copy.ts';
import type { Profile } from '../../shared/profiles/profile.ts';
import { openProfiles } from '../../shared/profiles/secrets.ts';
import { Conflict } from '../../shared/storage/tables.ts';
import { readSyncML } from '../../shared/wire/syncml.ts';
import { DATA_KEY, type Partition } from './partition.ts';

/** What the server asks in one message, as a device reads it. */
export interface Asked {
  verb: string;
  cmdId: string;
  target: string;
  data?: string;
  /** CmdID of the Atomic that it is a part of. An Atomic itself has the verb `Atomic` and no target. */
  atomic?: string;
}

export interface Reply {
  bytes: Buffer;
  outcome: TurnOutcome;
  /** What the turn that was stored had read. */
  snapshot: Snapshot;
  /** Names of all elements of the body in order, and all CmdIDs, those inside an Atomic too. */
  elements: string[];
  cmdIds: string[];
  statuses: { cmdRef: string; cmd: string; code: string }[];
  commands: Asked[];
  alerts: string[];
  final: boolean;
  msgId: string;
}

export interface SendOptions {
  credential?: string;
  store?: boolean;
  /** How many pages of 60 rows are read at most, as long as nothing could be sent. */
  pages?: number;
  /** What somebody else does between the read and the write of this message. */
  race?: () => Promise<void>;
}

const CREDENTIAL = 'a'.repeat(64);

/** Talks to the pure turn as a Windows device talks to the server, message by message, against a partition in memory. */
export class DeviceModel {
  readonly partition: Partition;
  now = new Date('2026-01-01T08:00:00.000Z');
  sessionId = '0';
  msgId = 0;
  lastAsked: Asked[] = [];
  /** The key that this server reads: undefined when it is gone, `notNow` when it may not be read. */
  key: Buffer | 'notNow' | undefined = DATA_KEY;
  /** What a Get that goes well brings. */
  valueOf = (target: string): string => `value of ${target}`;
  /** What the organisation gives every PC. */
  defaults: readonly WantedDefault[] = [];
  /** The profiles of the organisation. */
  profiles: readonly Profile[] | undefined;
  /** Days after which the inventory is read again; undefined: it is not read. */
  inventoryDays: number | undefined;

  constructor(partition: Partition) {
    this.partition = partition;
  }

  /** A new session: package 1. `body` comes before DevInfo, where Windows puts its alerts. */
  begin(options: SendOptions & { login?: string; body?: string; sessionId?: string } = {}): Promise<Reply> {
    this.sessionId = options.sessionId ?? String(Number(this.sessionId) + 1);
    this.msgId = 1;
    const login = `<Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>${options.login ?? 'user'}</Data></Item></Alert>`;
    const devInfo = `<Replace><CmdID>4</CmdID><Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>D1</Data></Item></Replace>`;
    return this.send(
      `<Alert><CmdID>2</CmdID><Data>1201</Data></Alert>${login}${options.body ?? ''}${devInfo}`,
      options,
    );
  }

  /** The next message of the session. */
  next(body = '', options: SendOptions & { final?: boolean } = {}): Promise<Reply> {
    this.msgId += 1;
    return this.send(
      `<Status><CmdID>1</CmdID><MsgRef>${this.msgId - 1}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status>${body}`,
      options,
    );
  }

  /** Answers everything that was asked: by default 200, and for a Get its value. */
  answer(
    codes: (asked: Asked) => number | undefined = () => 200,
    options: SendOptions & { more?: string; final?: boolean } = {},
  ): Promise<Reply> {
    const msgRef = this.msgId;
    const parts = this.lastAsked.map((asked, index) => {
      const code = codes(asked);
      if (code === undefined) return '';
      const status = `<Status><CmdID>${10 + 2 * index}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${asked.cmdId}</CmdRef><Cmd>${asked.verb}</Cmd><Data>${code}</Data></Status>`;
      const results = `<Results><CmdID>${11 + 2 * index}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${asked.cmdId}</CmdRef><Item><Source><LocURI>${asked.target}</LocURI></Source><Data>${this.valueOf(asked.target)}</Data></Item></Results>`;
      return asked.verb === 'Get' && code === 200 ? status + results : status;
    });
    return this.next(parts.join('') + (options.more ?? ''), options);
  }

  async send(body: string, options: SendOptions & { final?: boolean } = {}): Promise<Reply> {
    const final = options.final === false ? '' : '<Final/>';
    const header = `<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${this.sessionId}</SessionID><MsgID>${this.msgId}</MsgID><Target><LocURI>https://manage.example.org/ManagementServer/MDM.svc</LocURI></Target><Source><LocURI>D1</LocURI></Source></SyncHdr>`;
    return this.sendBytes(
      Buffer.from(`<SyncML xmlns="SYNCML:SYNCML1.2">${header}<SyncBody>${body}${final}</SyncBody></SyncML>`),
      options,
    );
  }

  /** A lost race starts again from the read, as the server does it. */
  async sendBytes(bytes: Buffer, options: SendOptions = {}): Promise<Reply> {
    let turn = this.#turn(bytes, options);
    await options.race?.();
    try {
      if (options.store !== false) this.partition.apply(turn.outcome.changes);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      turn = this.#turn(bytes, options);
      this.partition.apply(turn.outcome.changes);
    }
    const reply = await readReply(bytes, turn);
    this.lastAsked = reply.commands;
    return reply;
  }

  #profileSecrets({ device }: Snapshot) {
    if (this.key === 'notNow') return {};
    return { profileSecrets: openProfiles(this.key, device.value, this.profiles ?? []) };
  }

  #turn(bytes: Buffer, { credential, pages = 1 }: SendOptions): { snapshot: Snapshot; outcome: TurnOutcome } {
    const message = readSyncML(bytes);
    const input = {
      message,
      bodyHash: createHash('sha256').update(bytes).digest('hex'),
      credential: credential ?? CREDENTIAL,
      opens: Number(message.header.msgId) === 1,
      now: this.now,
      defaults: this.defaults,
      profiles: this.profiles,
      ...(this.inventoryDays !== undefined && { inventoryDays: this.inventoryDays }),
    };
    for (let page = 1; ; page += 1) {
      const snapshot = this.partition.snapshot(page * 60);
      const secrets = openSecrets(this.key, snapshot);
      const outcome = takeTurn(openReply(this.key, snapshot), { ...input, secrets, ...this.#profileSecrets(snapshot) });
      const changes = outcome.holdsSecret
        ? sealReply(this.key, snapshot.device.value.id, outcome.changes)
        : outcome.changes;
      if (!outcome.starved || page >= pages) return { snapshot, outcome: { ...outcome, changes } };
    }
  }
}

interface Element {
  '#name': string;
  $$?: Element[];
  _?: string;
}

async function readReply(
  bytes: Buffer,
  { snapshot, outcome }: { snapshot: Snapshot; outcome: TurnOutcome },
): Promise<Reply> {
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
  const asked = (element: Element, atomic?: string): Asked[] => {
    const cmdId = text(element, 'CmdID');
    const name = element['#name'];
    if (name === 'Atomic') {
      const inner = (element.$$ ?? []).flatMap((each) => asked(each, cmdId));
      return [{ verb: name, cmdId, target: '' }, ...inner];
    }
    if (!verbs.includes(name)) return [];
    const target = text(element, 'Item', 'Target', 'LocURI');
    return [{ verb: name, cmdId, target, data: find(element, 'Item', 'Data')?._, ...(atomic ? { atomic } : {}) }];
  };
  const commands = body.flatMap((element) => asked(element));
  const inner = commands.filter(({ atomic }) => atomic !== undefined).map(({ cmdId }) => cmdId);
  return {
    bytes,
    outcome,
    snapshot,
    elements: body.map((e) => e['#name']),
    cmdIds: [...body.map((e) => text(e, 'CmdID')).filter(Boolean), ...inner],
    msgId: text(root, 'SyncHdr', 'MsgID'),
    statuses: body
      .filter((e) => e['#name'] === 'Status')
      .map((e) => ({ cmdRef: text(e, 'CmdRef'), cmd: text(e, 'Cmd'), code: text(e, 'Data') })),
    commands,
    alerts: body.filter((e) => e['#name'] === 'Alert').map((e) => text(e, 'Data')),
    final: body.some((e) => e['#name'] === 'Final'),
  };
}
