import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Command, isFinal, needsUser, VERBS, type Verb } from '../../../shared/commands/command.ts';
import { expireCommands } from '../../../shared/commands/expiry.ts';
import { cancelCommand } from '../../../shared/commands/queue.ts';
import { pruneDevices } from '../../../shared/commands/retention.ts';
import { isExpired, isSuspect } from '../../../shared/commands/settle.ts';
import { DEVICE_ROW, hasLeft } from '../../../shared/devices/device.ts';
import { listEntry } from '../../../shared/devices/device-list.ts';
import { announceDevice } from '../../../shared/devices/identity-index.ts';
import { sweepUnenrolling } from '../../../shared/devices/sweep.ts';
import { sweepReturned } from '../../../shared/enrollment/return.ts';
import { REPLAY_FOR_MS, type Session } from '../../../shared/management/session.ts';
import type { Log } from '../../../shared/platform/log.ts';
import { Problem } from '../../../shared/platform/problem.ts';
import type { Storage } from '../../../shared/storage/storage.ts';
import { askToUnenroll, callOffUnenroll } from '../../../shared/unenroll/unenroll-requests.ts';
import { type Asked, DeviceModel, type Reply, type SendOptions } from '../../support/device-model.ts';
import { DATA_KEY, enrolledDevice, Partition } from '../../support/partition.ts';

/**
 * The engine under everything that a device, a network, a clock and an administrator may do between two messages. The
 * world below plays them all and holds the promises of a session after each message.
 */

type Proofs = 'localAdministrator' | 'laps';

type Act =
  | { kind: 'queue'; verb: Verb; user: boolean; large: boolean; secret: boolean; days: number; count: number }
  | { kind: 'atomic'; verbs: Verb[]; user: boolean; days: number }
  /** An Exec of which more is to be heard than its Status: the installation of a package, a wipe. */
  | { kind: 'exec'; node: 'install' | 'wipe'; count: number }
  /** What timers do by the hour. */
  | { kind: 'sweep' }
  /** The same PC enrolls anew, as another enrollment. */
  | { kind: 'returns' }
  | { kind: 'cancel'; pick: number }
  | { kind: 'unenroll'; accept: boolean; proof?: Proofs; behind: boolean }
  | { kind: 'callOff' };

type Step =
  | Act
  | { kind: 'begin'; login: string; alert: string; installed: number; sameId: boolean; lost: boolean; race?: Act }
  | { kind: 'answer'; codes: number[]; lost: boolean; split: boolean; abort: boolean; login?: string; race?: Act }
  | { kind: 'again' }
  | { kind: 'otherBytes' }
  | { kind: 'stray'; codes: number[] }
  | { kind: 'key'; there: boolean }
  | { kind: 'clock'; minutes: number };

const RUNS = Number(process.env['LANYARD_TEST_RUNS'] ?? 80);

/** 0 stands for no answer at all. */
const CODES = [200, 200, 200, 200, 202, 0, 400, 404, 405, 406, 418, 425, 500, 507, 215, 216, 516];
const code = fc.constantFrom(...CODES);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('queue' as const),
      verb: fc.constantFrom(...VERBS),
      user: fc.boolean(),
      large: fc.nat(9).map((n) => n === 0),
      secret: fc.nat(4).map((n) => n === 0),
      days: fc.constantFrom(1, 30),
      count: fc.nat(150).map((n) => (n === 0 ? 300 : ([1, 1, 2, 5, 30][n % 5] ?? 1))),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('atomic' as const),
      verbs: fc.array(fc.constantFrom<Verb>('Add', 'Add', 'Replace', 'Delete', 'Exec'), {
        minLength: 1,
        maxLength: 24,
      }),
      user: fc.boolean(),
      days: fc.constantFrom(1, 30),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('exec' as const),
      node: fc.constantFrom('install' as const, 'install' as const, 'install' as const, 'wipe' as const),
      count: fc.constantFrom(1, 1, 3, 30),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'sweep' } as const) },
  { weight: 1, arbitrary: fc.nat(5).map((n) => ({ kind: n === 0 ? ('returns' as const) : ('sweep' as const) })) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), pick: fc.nat(40) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('unenroll' as const),
      accept: fc.nat(3).map((n) => n === 0),
      proof: fc.constantFrom<Proofs | undefined>(undefined, 'localAdministrator', 'laps'),
      behind: fc.nat(3).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('callOff' as const) }) },
);
const rarely = fc.nat(5).map((n) => n === 0);
const race = fc.option(act, { nil: undefined, freq: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: act },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('begin' as const),
      login: fc.constantFrom('user', 'user', 'others', 'none'),
      alert: fc.constantFrom('', '', '', '', '', '1', '2', '1223'),
      installed: fc.nat(8),
      sameId: rarely,
      lost: rarely,
      race,
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      codes: fc.array(code, { minLength: 1, maxLength: 6 }),
      lost: rarely,
      split: rarely,
      abort: fc.nat(15).map((n) => n === 0),
      login: fc.option(fc.constantFrom('user', 'none'), { nil: undefined, freq: 5 }),
      race,
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'again' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'otherBytes' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stray' as const),
      codes: fc.array(code, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('key' as const), there: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('clock' as const),
      minutes: fc.constantFrom(-1_440, -5, 1, 8, 16, 61, 1_440, 8 * 1_440, 31 * 1_440),
    }),
  },
);

/** Short, so that nothing but encryption hides it. */
const SECRET = 'Pa55-phrase';

/** The enrollment that the same PC has later. */
const NEWER = '7f7a3c1e-0d2b-4a59-8c64-2f1f5a9b7d31';
const DAY_MS = 86_400_000;

const LOG: Log = { info: () => {}, warn: () => {}, error: () => {} };
const UNENROLL = './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll';
const LAPS = './Device/Vendor/MSFT/LAPS/Actions/ResetPassword';
const LAPS_STATUS = `${LAPS}Status`;
/** Done, going on (E_PENDING), failed. */
const LAPS_ENDS = ['0', '-2147483638', '-2147024891'];
/** What the gate asks of a device. */
const OF_THE_GATE =
  /\/(AADDeviceID|DomainName|Unenroll|Password|LocalUserGroup|ResetPassword|ResetPasswordStatus|BackupDirectory)$/;
const LOGIN = (state: string) =>
  `<Alert><CmdID>90</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>${state}</Data></Item></Alert>`;
const REPORT = (data: string) =>
  `<Alert><CmdID>91</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type></Meta><Data>${data}</Data></Item></Alert>`;
const INSTALLED = (node: string, data: string) =>
  `<Alert><CmdID>93</CmdID><Data>1226</Data><Item><Source><LocURI>${node}</LocURI></Source><Meta><Type xmlns="syncml:metinf">Reversed-Domain-Name:com.microsoft.mdm.win32csp_install</Type></Meta><Data>${data}</Data></Item></Alert>`;
/** How a package stands, by the digits of its node: over, failed, on its way. */
const PACKAGE_STATES = ['70', '60', '50', '48'];
const IDENTITY = { SerialNumber: 'PF3ABC', HWDevID: 'H1', DeviceID: 'WINDOWS-1' };
const ABORT = '<Alert><CmdID>92</CmdID><Data>1223</Data></Alert>';

class World {
  readonly partition: Partition;
  readonly device: DeviceModel;
  #lastBytes: Buffer | undefined;
  /** What the device said of its join since the session began, by the last part of the node. */
  #joinSaid = new Map<string, number>();
  #unenrollSent = false;
  /** What the device answered to the commands of the gate since they were last asked for, by their nodes. */
  readonly #provedBy = new Map<string, number | string>();
  /** Replies in which a command was seen, by its target. */
  readonly #seen = new Map<string, Set<string>>();
  readonly #carried = new Map<string, string[]>();
  readonly #ended = new Map<string, Command>();

  constructor(factsFresh: boolean) {
    const facts = factsFresh ? {} : { factsReadAt: undefined };
    this.partition = new Partition(enrolledDevice({ ...facts, context: IDENTITY }));
    this.device = new DeviceModel(this.partition);
    this.device.valueOf = (target) => {
      const product = /N(\d+)\/Status$/.exec(target)?.[1];
      if (product) return PACKAGE_STATES[Number(product) % PACKAGE_STATES.length] ?? '';
      if (target === LAPS_STATUS) return LAPS_ENDS[this.partition.device.nextSequence % 3] ?? '';
      return target.endsWith('/BackupDirectory') ? '1' : `value of ${target}`;
    };
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      await this.#take(each);
      this.#checkCommands();
    }
    await this.#letItEnd();
  }

  async #take(each: Step): Promise<void> {
    switch (each.kind) {
      case 'clock':
        this.device.now = new Date(this.device.now.getTime() + each.minutes * 60_000);
        return;
      case 'begin':
        return this.#begin(each);
      case 'answer':
        return this.#answer(each);
      case 'again':
        return this.#sendAgain();
      case 'otherBytes':
        return this.#sendOtherBytes();
      case 'stray':
        return this.#sendStray(each.codes);
      case 'key':
        this.device.key = each.there ? DATA_KEY : 'notNow';
        return;
      default:
        return this.#act(each);
    }
  }

  async #begin({ login, alert, installed, sameId, lost, race }: Extract<Step, { kind: 'begin' }>): Promise<void> {
    const installing = this.#commands().filter(({ items }) => items[0]?.target.endsWith('/DownloadInstall'));
    const told = installing[installed % Math.max(1, installing.length)]?.items[0]?.target;
    const result = told && installed < 3 ? INSTALLED(told, installed === 0 ? '0' : '-2147023293') : '';
    const body = alert === '1223' ? ABORT : (alert ? REPORT(alert) : '') + result;
    const sessionId = sameId ? this.device.sessionId : undefined;
    await this.#tell(lost, () => this.device.begin({ ...this.#options(race), login, body, sessionId }), body);
  }

  async #answer({ codes, lost, split, abort, login, race }: Extract<Step, { kind: 'answer' }>): Promise<void> {
    if (this.device.msgId === 0) return;
    const more = (abort ? ABORT : '') + (login ? LOGIN(login) : '');
    const answers = new Map(this.device.lastAsked.map((asked, index) => [asked, codes[index % codes.length]]));
    for (const [{ target }, said] of answers) {
      if (!said) continue;
      this.#noteJoin(target, said);
      this.#provedBy.set(target, target === LAPS_STATUS && said === 200 ? this.device.valueOf(target) : said);
    }
    const codeOf = (asked: Asked) => answers.get(asked) || undefined;
    const options = { ...this.#options(race), more, final: !split };
    await this.#tell(lost, () => this.device.answer(codeOf, options), more);
  }

  /** The last message once more, bit for bit. */
  async #sendAgain(): Promise<void> {
    const bytes = this.#lastBytes;
    if (!bytes) return;
    const at = this.#session();
    const wasAnswered = at && this.device.now.getTime() - Date.parse(at.lastAt) < REPLAY_FOR_MS;
    await this.#tell(false, async () => {
      const reply = await this.device.sendBytes(bytes, { pages: 20 });
      // A reply that is encrypted cannot be given again without the key.
      const isReadable = !at?.replySealed || this.device.key !== 'notNow';
      if (wasAnswered && isReadable) expect(reply.outcome.changes, 'a repeated message changes nothing').toEqual([]);
      return reply;
    });
  }

  async #sendOtherBytes(): Promise<void> {
    if (this.device.msgId < 2) return;
    this.device.msgId -= 1;
    const before = new Map(this.partition.rows);
    const reply = await this.device.next('<!-- other bytes -->');
    expect(reply.commands).toEqual([]);
    expect(new Map(this.partition.rows)).toEqual(before);
  }

  /** A message of a session that another one has taken the place of. */
  async #sendStray(codes: number[]): Promise<void> {
    if (this.device.msgId === 0) return;
    const { sessionId, msgId, lastAsked } = this.device;
    this.device.sessionId = 'earlier';
    const before = new Map(this.partition.rows);
    const reply = await this.device.answer((asked) => codes[Number(asked.cmdId) % codes.length] || undefined);
    expect(reply.commands).toEqual([]);
    expect(new Map(this.partition.rows)).toEqual(before);
    Object.assign(this.device, { sessionId, msgId, lastAsked });
  }

  /** @param lost the reply does not arrive, so the device does not know what it was asked */
  async #tell(lost: boolean, send: () => Promise<Reply>, body = ''): Promise<void> {
    const reply = await send();
    this.#lastBytes = reply.bytes;
    const opens = this.device.msgId === 1 && reply.outcome.changes.length > 0;
    if (opens) {
      this.#joinSaid = new Map();
      this.#unenrollSent = false;
    }
    this.#checkReply(reply, body);
    if (lost) this.device.lastAsked = [];
  }

  #options(race: Act | undefined): SendOptions {
    return { pages: 20, race: race && (() => this.#act(race)) };
  }

  async #act(each: Act): Promise<void> {
    const storage = this.partition.storage();
    const { id } = this.partition.device;
    const { now } = this.device;
    try {
      if (each.kind === 'queue') this.#queue(each);
      if (each.kind === 'atomic') this.#queueAtomic(each);
      if (each.kind === 'exec') this.#queueExec(each);
      if (each.kind === 'sweep') {
        await this.#list(storage);
        await expireCommands(storage, now);
        await sweepUnenrolling(storage, now, LOG);
      }
      if (each.kind === 'returns') await this.#return(storage);
      if (each.kind === 'cancel') {
        const command = this.#commands()[each.pick % Math.max(1, this.#commands().length)];
        if (command) await cancelCommand(storage, id, command.id, { actor: 'kim', now });
      }
      if (each.kind === 'unenroll') {
        const acceptRisk = each.accept ? { person: 'kim', reason: 'scrapped' } : undefined;
        await askToUnenroll({ storage, log: LOG, now }, id, {
          by: 'kim',
          after: each.behind ? 'queue' : 'now',
          acceptRisk,
          laps: each.proof === 'laps',
          ...(each.proof === 'localAdministrator'
            ? { localAdministrator: { name: `rescue${this.partition.device.nextSequence}`, password: () => SECRET } }
            : {}),
        });
        if (each.proof === 'laps') for (const node of [LAPS, LAPS_STATUS]) this.#provedBy.delete(node);
      }
      if (each.kind === 'callOff') await callOffUnenroll({ storage, log: LOG, now }, id);
    } catch (error) {
      // A 409 is the answer to what comes too late.
      if (!(error instanceof Problem && error.status === 409)) throw error;
    }
  }

  #queue({ verb, user, large, secret, days, count }: Extract<Act, { kind: 'queue' }>): void {
    for (let index = 0; index < (large ? 3 : count); index += 1) {
      const target = `./${user ? 'User' : 'Device'}/Vendor/MSFT/Node/N${this.partition.device.nextSequence}`;
      const data = verb === 'Add' || verb === 'Replace' ? { data: large ? 'x'.repeat(90_000) : SECRET } : {};
      const hidden = secret ? { secret: true as const } : {};
      this.partition.queue(verb, target, { ...data, ...hidden, expiresAt: this.#after(days) });
    }
  }

  #queueAtomic({ verbs, user, days }: Extract<Act, { kind: 'atomic' }>): void {
    const top = `./${user ? 'User' : 'Device'}/Vendor/MSFT/Node/N${this.partition.device.nextSequence}`;
    const items = verbs.map((verb, index) => ({
      verb,
      target: `${top}/P${index}`,
      ...(verb === 'Add' || verb === 'Replace' ? { data: '1' } : {}),
    }));
    this.partition.queueItems('Atomic', items, { expiresAt: this.#after(days) });
  }

  #queueExec({ node, count }: Extract<Act, { kind: 'exec' }>): void {
    for (let index = 0; index < count; index += 1) {
      const name = `N${this.partition.device.nextSequence}`;
      const path =
        node === 'wipe' ? `RemoteWipe/doWipe${name}` : `EnterpriseDesktopAppManagement/MSI/${name}/DownloadInstall`;
      this.partition.queue('Exec', `./Device/Vendor/MSFT/${path}`, { expiresAt: this.#after(30) });
    }
  }

  async #list(storage: Storage): Promise<void> {
    const entry = listEntry(this.partition.device, this.#session()?.lastAt.slice(0, 10));
    await storage.table('devicelist').write('devices', [{ kind: 'upsert', rowKey: entry.id, value: entry }]);
  }

  /** Both enrollments are known, and the timer ends the one whose PC has another by now. */
  async #return(storage: Storage): Promise<void> {
    const { device } = this.partition;
    const enrolledAt = new Date(Date.parse(device.enrolledAt) + 60_000).toISOString();
    const newer = enrolledDevice({ id: NEWER, enrolledAt, context: IDENTITY });
    await storage.table('devices').write(NEWER, [{ kind: 'insert', rowKey: DEVICE_ROW, value: newer }]);
    for (const each of [device, newer]) await announceDevice(storage, each);
    await sweepReturned(storage, this.device.now);
    expect(hasLeft(this.partition.device)).toBe(true);
  }

  #after(days: number): string {
    return new Date(this.device.now.getTime() + days * 86_400_000).toISOString();
  }

  #session(): Session | undefined {
    return this.partition.rows.get('1session')?.value as Session | undefined;
  }

  #commands(): Command[] {
    return this.partition.commands().sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #noteJoin(target: string, said: number): void {
    if (/(AADDeviceID|DomainName)$/.test(target)) {
      const name = target.split('/').at(-1)!;
      if (!this.#joinSaid.has(name)) this.#joinSaid.set(name, said);
    }
  }

  #checkReply(reply: Reply, body: string): void {
    expect(reply.statuses[0]).toMatchObject({ cmdRef: '0', cmd: 'SyncHdr', code: '200' });
    expect(reply.elements[0]).toBe('Status');
    expect(new Set(reply.cmdIds).size, 'each CmdID is there once').toBe(reply.cmdIds.length);
    const inner = reply.commands.filter(({ atomic }) => atomic !== undefined).length;
    expect(reply.cmdIds.length).toBe(reply.elements.filter((name) => name !== 'Final').length + inner);
    expect(reply.commands.length).toBeLessThanOrEqual(25);
    expect(reply.outcome.reply.length).toBeLessThanOrEqual(256 * 1024);
    this.#checkChanges(reply);
    this.#checkDeliveries(reply);
    this.#checkUnenroll(reply);
    if (body.includes('<Data>1223<')) expect(reply.commands).toEqual([]);
    // An Unenroll would end the enrollment that the PC has by now. What counts is what was read: a reply that is given again
    // writes nothing, so a return at that very moment is not noticed.
    if (reply.snapshot.device.value.supersededBecause === 'return') expect(reply.commands).toEqual([]);
  }

  #checkChanges({ snapshot, outcome }: Reply): void {
    const { device, session, commands } = snapshot;
    const etags = new Map([device, ...(session ? [session] : []), ...commands].map((row) => [row.rowKey, row.etag]));
    expect(outcome.changes.length).toBeLessThanOrEqual(100);
    for (const change of outcome.changes) {
      expect(change.kind).not.toBe('upsert');
      if (change.kind === 'replace' || change.kind === 'delete') expect(change.etag).toBe(etags.get(change.rowKey));
    }
  }

  #checkDeliveries(reply: Reply): void {
    const commands = this.#commands();
    const asked = this.#ownersOf(reply).flatMap((id) => commands.find((command) => command.id === id) ?? []);
    const sent = [...new Set(asked)];
    for (const { once, stepwise, id } of sent) {
      const place = stepwise ? `${id} ${reply.commands[0]?.target}` : id;
      const replies = this.#seen.get(place) ?? new Set();
      this.#seen.set(place, replies.add(reply.outcome.reply.toString('base64')));
      if (once) expect(replies.size, `${place} may be sent once`).toBe(1);
      if (stepwise) this.#checkSteps(reply);
    }
    if (reply.outcome.changes.length === 0 || sent.length === 0) return;
    expect(sent.map(({ id }) => id)).toEqual(sent.map(({ id }) => id).toSorted());
    // Each command in one piece: its items stand together.
    expect(asked.filter((command, index) => command !== asked[index - 1])).toEqual(sent);
    if (!sent.at(-1)?.gate) this.#checkOvertaking(commands, sent.at(-1)!);
    const suspects = sent.filter((command) => isSuspect(command));
    if (suspects.length > 0) expect(sent, 'what may have been choked on goes alone').toHaveLength(1);
  }

  /** The commands that a reply carries, by id. One that is given again carries what it did, whatever was asked for since. */
  #ownersOf(reply: Reply): string[] {
    const { unenroll } = this.partition.device;
    const ofRequest = [unenroll?.localAdministrator?.command, unenroll?.laps?.command];
    const current = this.#commands().filter(({ gate, id }) => !gate || ofRequest.includes(id));
    const owners = new Map(current.flatMap(({ id, items }) => items.map(({ target }) => [target, id])));
    const bytes = reply.outcome.reply.toString('base64');
    const ids = this.#carried.get(bytes) ?? reply.commands.flatMap(({ target }) => owners.get(target) ?? []);
    this.#carried.set(bytes, ids);
    return ids;
  }

  #checkOvertaking(commands: Command[], last: Command): void {
    const overtaken = commands.filter(({ id, state }) => state === 'waiting' && id < last.id);
    const held = this.#session()?.heldForUser ?? [];
    const canBeSent = (command: Command) =>
      !command.gate &&
      !held.includes(command.id) &&
      !isExpired(command, this.device.now) &&
      !(this.device.key === 'notNow' && command.items.some(({ sealed }) => sealed)) &&
      (!needsUser(command) || this.#session()?.loginStatus === 'user');
    expect(overtaken.filter(canBeSent), 'nothing that could be sent is overtaken').toEqual([]);
  }

  /** The group goes to an account of which the device said that it made it, and to no other. */
  #checkSteps({ commands }: Reply): void {
    expect(commands, 'a step goes alone').toHaveLength(1);
    const target = commands[0]?.target ?? '';
    if (!target.endsWith('/LocalUserGroup')) return;
    expect(this.#provedBy.get(target.replace(/LocalUserGroup$/, 'Password'))).toBe(200);
  }

  #checkUnenroll(reply: Reply): void {
    const places = reply.commands.flatMap(({ target }, index) => (target === UNENROLL ? [index] : []));
    const { device } = this.partition;
    const isBehind = device.unenroll?.after === 'queue' && device.unenroll.deliveries === 0;
    if (device.state !== 'enrolled' && device.unenroll?.state !== 'failed' && !isBehind) {
      const others = reply.commands.filter(({ target }) => !OF_THE_GATE.test(target));
      expect(others.filter(() => reply.outcome.changes.length > 0)).toEqual([]);
    }
    if (places.length === 0 || reply.outcome.changes.length === 0) return;
    expect(places).toEqual([reply.commands.length - 1]);
    expect(this.#unenrollSent, 'Unenroll goes out once a session').toBe(false);
    this.#unenrollSent = true;
    const domain = this.#joinSaid.get('DomainName');
    const isHarmless = this.#joinSaid.get('AADDeviceID') === 404 && (domain === 404 || domain === 200);
    const accepted = device.unenroll?.acceptedRisk !== undefined;
    expect(isHarmless || accepted || this.#isProved(), 'nobody is locked out, or a person took the risk').toBe(true);
    // What went before it under `queue` has ended.
    const first =
      device.unenroll?.after === 'queue' && device.unenroll.deliveries === 1 && device.state === 'unenrolling';
    const unfinished = this.#commands().filter(({ gate, state }) => !gate && !isFinal(state));
    if (first) expect(unfinished).toEqual([]);
  }

  /** The device said itself what shows that somebody can sign in to it, and it was asked for with this request. */
  #isProved(): boolean {
    const { unenroll } = this.partition.device;
    const { name } = unenroll?.localAdministrator ?? {};
    const account = ['Password', 'LocalUserGroup'].map((leaf) => `./Device/Vendor/MSFT/Accounts/Users/${name}/${leaf}`);
    const isMade = name !== undefined && account.every((node) => this.#provedBy.get(node) === 200);
    const reset = this.#provedBy.get(LAPS);
    const isReset = unenroll?.laps && (reset === 200 || reset === 202) && this.#provedBy.get(LAPS_STATUS) === '0';
    return isMade || isReset === true;
  }

  /** Each command is there once, in one state, and what has ended stays as it ended. */
  #checkCommands(): void {
    const keys = [...this.partition.rows.keys()].filter((key) => key.includes('command|'));
    expect(new Set(keys.map((key) => key.replace('~', ''))).size).toBe(this.partition.device.nextSequence - 1);
    expect(keys.length).toBe(this.partition.device.nextSequence - 1);
    for (const key of keys) {
      const command = this.partition.rows.get(key)!.value as Command;
      expect(isFinal(command.state), `${key} is ${command.state}`).toBe(key.startsWith('~'));
      this.#checkRow(command);
      if (!isFinal(command.state)) continue;
      expect(command).toEqual(this.#ended.get(command.id) ?? command);
      this.#ended.set(command.id, structuredClone(command));
    }
  }

  /** What each row holds, whatever led to it. */
  #checkRow(command: Command): void {
    const secret = command.items.filter((item) => item.secret);
    expect(
      secret.filter(({ data }) => data !== undefined),
      'a secret is not stored as it is',
    ).toEqual([]);
    if (isFinal(command.state)) expect(secret.filter(({ sealed }) => sealed)).toEqual([]);
    if (command.state === 'expired') expect(command.deliveries).toBe(0);
    if (command.once) expect(command.deliveries).toBeLessThanOrEqual(1);
    if (command.state === 'done' && command.atomicStatus === undefined) expect(command.results).not.toContain(null);
    if (command.state === 'done' && command.items[0]?.target.endsWith('/DownloadInstall')) {
      expect(command.results[0]?.note, 'an installation is done by its result, not by its Status').toMatch(
        /reported later|Status 70/,
      );
    }
  }

  /** A device that does nothing but answer comes to an end, and then nothing is left that could have been sent. */
  async #letItEnd(): Promise<void> {
    this.device.key = DATA_KEY;
    const bound = 10 + this.#commands().length;
    let messages = 0;
    await this.#tell(false, () => this.device.begin({ pages: 20, login: 'user' }));
    while (this.device.lastAsked.length > 0) {
      messages += 1;
      expect(messages, 'the session ends').toBeLessThanOrEqual(bound);
      await this.#answer({ kind: 'answer', codes: [200], lost: false, split: false, abort: false });
      this.#checkCommands();
    }
    // What has expired and did not fit into a transaction ends in a later one.
    const left = this.#commands().filter(
      (command) => ['waiting', 'sent'].includes(command.state) && !isExpired(command, this.device.now),
    );
    if (this.partition.device.state === 'enrolled') expect(left).toEqual([]);
    await this.#letAllEnd();
  }

  /** In the end every command is final: by its time, or because its device has left, which a timer sees at night. */
  async #letAllEnd(): Promise<void> {
    for (let weeks = 0; weeks < 4 && this.partition.device.state === 'enrolled'; weeks += 1) {
      this.device.now = new Date(this.device.now.getTime() + 8 * DAY_MS);
      await this.#tell(false, () => this.device.begin({ pages: 20, login: 'user' }));
      while (this.device.lastAsked.length > 0) {
        await this.#answer({ kind: 'answer', codes: [200], lost: false, split: false, abort: false });
      }
      this.#checkCommands();
    }
    const storage = this.partition.storage();
    await this.#list(storage);
    while ((await pruneDevices(storage, this.device.now)).ended > 0);
    const { state } = this.partition.device;
    if (state === 'unenrolling') return;
    expect(
      this.#commands().filter((command) => !isFinal(command.state)),
      `every command of a device that is ${state} is final`,
    ).toEqual([]);
    for (const command of this.#commands()) expect(command).toEqual(this.#ended.get(command.id) ?? command);
  }
}

describe('a session, whatever happens between two messages', () => {
  test('keeps its promises', { timeout: RUNS * 1_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(step, { minLength: 5, maxLength: 30 }), async (factsFresh, steps) => {
        await new World(factsFresh).run(steps);
      }),
      { numRuns: RUNS },
    );
  });
});
