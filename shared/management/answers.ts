import { type Command, type ItemResult, verbOf } from '../commands/command.ts';
import { headOf } from '../commands/large-results.ts';
import { noteAbort, recordAtomicStatus, recordLaterResult, recordResult, settleAnswered } from '../commands/settle.ts';
import type { Fact } from '../devices/device.ts';
import { readJoin } from '../devices/join.ts';
import { refuse } from '../devices/unenroll.ts';
import { noteWipeAnswer, wipeKindOf } from '../devices/wipe.ts';
import type { ClientCommand, Item } from '../wire/syncml.ts';
import { noteDefault } from './device-defaults.ts';
import { isForGate, toFact } from './facts.ts';
import { noteInstallation } from './installations.ts';
import { noteInventory } from './inventory.ts';
import { type Joined, joinPieces, keepLastBegun } from './large-object.ts';
import { notePollInterval } from './poll-interval.ts';
import { noteProfileAborts, noteSetting } from './profiles.ts';
import { notePush } from './push.ts';
import type { Asked } from './session.ts';
import type { Turn } from './turn-state.ts';

/** A result over this size, as JSON, is kept in a blob; the row holds its name. 25 of them still fit into a row. */
export const INLINE_RESULT_BYTES = 16 * 1024;
/** A format is three letters and an HRESULT ten characters; what is longer is neither, and must not fill the row. */
const MAX_WORD = 64;
/** Accepted items (202) of which a later Status of the same session may tell; more of them are told of by alerts alone. */
const MAX_ACCEPTED = 50;

type Status = Extract<ClientCommand, { kind: 'Status' }>;
type AskedCommand = Extract<Asked, { kind: 'command' }>;

/** What the device says about one thing that it was asked. */
interface Answer {
  status?: Status;
  item?: Item;
  /** All that came for it in this message. */
  items?: Item[];
}

/**
 * Matches Status and Results to what the last replies asked, by MsgRef and CmdRef (MS-MDM 2.2.7.8). A Status for anything
 * that was never sent matches nothing and changes nothing. What stays unanswered is kept for a later message.
 */
export function takeAnswers(turn: Turn): void {
  const answers = collectAnswers(turn.input.message.commands);
  const left = new Map<Asked, Asked>();
  // One transaction has to take what is open; what comes later of accepted ones is taken as far as there is room beside it.
  for (const later of [false, true]) {
    for (const asked of turn.session.asked.filter((each) => isAccepted(each) === later)) {
      const rest = takeAnswer(turn, asked, answers.get(reference(asked.msgRef, asked.cmdId)) ?? {});
      if (rest) left.set(asked, rest);
    }
  }
  turn.session.asked = turn.session.asked.flatMap((asked) => left.get(asked) ?? []);
  if (turn.input.message.final) settleAtomics(turn);
  turn.session.asked = keepLastBegun(boundAccepted(turn.session.asked.filter((asked) => isOpen(turn, asked))));
  noteJoin(turn);
}

function isAccepted(asked: Asked): boolean {
  return asked.kind === 'command' && asked.accepted === true;
}

function reference(msgRef: string | number, cmdRef: string): string {
  return `${msgRef} ${cmdRef}`;
}

function collectAnswers(commands: readonly ClientCommand[]): Map<string, Answer> {
  const answers = new Map<string, Answer>();
  for (const command of commands) {
    if (command.kind !== 'Status' && command.kind !== 'Results') continue;
    const key = reference(command.msgRef, command.cmdRef);
    const answer = answers.get(key) ?? {};
    answers.set(key, answer);
    // Each of our commands has one item, so the first Status and the first Item are the whole answer; 202 is none yet.
    if (command.kind === 'Results') {
      answer.item ??= command.items[0];
      answer.items ??= [];
      for (const item of command.items) answer.items.push(item);
    } else if (!answer.status || answer.status.code === 202) answer.status = command;
  }
  return answers;
}

/** @returns what is still to be answered, or undefined when this is settled. */
function takeAnswer(turn: Turn, asked: Asked, answer: Answer): Asked | undefined {
  const code = answer.status?.code ?? ('code' in asked ? asked.code : undefined) ?? (answer.item ? 200 : undefined);
  if (code === undefined) return asked;
  if (asked.kind === 'unenroll') return takeUnenrollStatus(turn, code);
  if (asked.kind === 'default') return noteDefault(turn, asked, code);
  if (asked.kind === 'push') return notePush(turn, asked, { code, item: answer.item });
  if (asked.kind === 'inventory') return noteInventory(turn, asked, { code, items: answer.items ?? [] });
  if (asked.kind === 'setting' || asked.kind === 'settingAtomic' || asked.kind === 'settingRead') {
    const { status, item } = answer;
    const { originalError } = status ?? {};
    return noteSetting(turn, asked, { code, originalError, value: item?.data, partial: item?.moreData });
  }
  if (asked.kind !== 'fact' && turn.copy.hasMore && !turn.copy.command(asked.id)) {
    turn.answersUnread = true;
    return asked;
  }
  if (asked.kind === 'atomic') return takeAtomicStatus(turn, asked, code);
  if (asked.kind === 'installation') return noteInstallation(turn, asked, { code, value: answer.item?.data });
  const originalError =
    answer.status?.originalError?.slice(0, MAX_WORD) ?? ('originalError' in asked ? asked.originalError : undefined);
  const joined = piecesOf(turn, asked, answer.item);
  if (joined.received || awaitsValue(turn, asked, code, answer)) {
    turn.blobs.push(...joined.blobs);
    const { received } = joined;
    return { ...asked, code, ...(received ? { received } : {}), ...(originalError ? { originalError } : {}) };
  }
  if (asked.kind === 'fact') {
    noteFact(turn, asked.name, toFact(code, joined.whole ? (joined.whole.data ?? '') : undefined));
    return undefined;
  }
  turn.blobs.push(...joined.blobs);
  return noteResult(turn, asked, { code, originalError, joined });
}

/** A fact is short, and of a longer one no more is held than is kept of it. */
const FACT_CHARACTERS = 1_000;

function piecesOf(turn: Turn, asked: Asked, item: Item | undefined): Joined {
  if (!keepsValue(turn, asked)) return { blobs: [] };
  if (asked.kind !== 'fact') return joinPieces(asked, item, blobOf(turn, asked));
  const joined = joinPieces(asked, item && { ...item, data: item.data?.slice(0, FACT_CHARACTERS) }, '');
  const data = joined.received?.data.slice(0, FACT_CHARACTERS);
  return data === undefined ? joined : { ...joined, received: { ...joined.received, data } };
}

/** The value of a secret node is not kept, in pieces or whole; and there is room for values beside a Get alone, which has none. */
function keepsValue(turn: Turn, asked: Asked): boolean {
  if (asked.kind !== 'command') return true;
  const command = turn.copy.command(asked.id);
  return command?.verb === 'Get' && command.items[asked.item]?.secret !== true;
}

/** Another delivery has other names, so that a late message of an earlier one cannot spoil what is there. */
function blobOf(turn: Turn, asked: Asked): string {
  if (asked.kind !== 'command') return '';
  const deliveries = turn.copy.command(asked.id)?.deliveries ?? 0;
  return `${turn.copy.device.id}/${asked.id}/${asked.item}-${deliveries}`;
}

/** A Get that went well has its value in a Results, which may follow in a later message of the same package. */
function awaitsValue(turn: Turn, asked: Asked, code: number, answer: Answer): boolean {
  const isGet = asked.kind === 'fact' || (asked.kind === 'command' && turn.copy.command(asked.id)?.verb === 'Get');
  return isGet && code === 200 && !answer.item && (!turn.input.message.final || aborts(turn));
}

function aborts(turn: Turn): boolean {
  return turn.input.message.commands.some((command) => command.kind === 'Alert' && command.code === 1223);
}

/** @returns the question once more where its answer is that a result follows later */
function noteResult(
  turn: Turn,
  asked: AskedCommand,
  { code, originalError, joined }: { code: number; originalError: string | undefined; joined: Joined },
): Asked | undefined {
  const { copy, input } = turn;
  const command = copy.command(asked.id);
  if (!command) return undefined;
  const result: ItemResult = { target: asked.target, status: code, ...(originalError ? { originalError } : {}) };
  if (asked.accepted) return noteLater(turn, asked, recordLaterResult(command, asked.item, result, input.now), result);
  if (command.results[asked.item]) return undefined;
  noteWipe(turn, command, asked, code);
  if (joined.stored) Object.assign(result, { ...joined.stored, ...formatOf(joined.stored.format) });
  else if (joined.whole) Object.assign(result, keepData(turn, asked, joined.whole));
  else if (joined.tooLarge) result.note = 'The value is larger than 5 MiB and was not kept.';
  const after = recordResult(command, asked.item, result, input.now);
  noteProgress(turn, after);
  if (after.verb !== 'Atomic') notePollInterval(turn, after, asked.item);
  return code === 202 ? { ...asked, accepted: true } : undefined;
}

/** @returns the question once more where the result is still to come, or has to wait for the next message */
function noteLater(turn: Turn, asked: AskedCommand, after: Command, result: ItemResult): Asked | undefined {
  const { status, originalError } = result;
  if (status === 202) return asked;
  if (!turn.copy.hasRoomFor(after)) return { ...asked, code: status, ...(originalError && { originalError }) };
  if (after !== turn.copy.command(asked.id)) noteWipe(turn, after, asked, status);
  turn.copy.update(after);
  return undefined;
}

function noteWipe({ copy, input }: Turn, command: Command, { item, target }: AskedCommand, status: number): void {
  const asked = command.items[item];
  const kind = asked && verbOf(command, asked) === 'Exec' ? wipeKindOf(target) : undefined;
  if (kind) copy.device = noteWipeAnswer(copy.device, { kind, command: command.id, status }, input.now);
}

/** A command that waits for the user's part of the tree is not tried again in this session. */
function noteProgress(turn: Turn, command: Command): void {
  turn.copy.update(command);
  if (command.verb === 'Atomic') notePollInterval(turn, command);
  if (command.state !== 'waiting' || command.waitingFor !== 'userSignIn') return;
  turn.session.heldForUser = [...(turn.session.heldForUser ?? []), command.id];
}

function formatOf(format: string | undefined): { format?: string } {
  return format ? { format: format.slice(0, MAX_WORD) } : {};
}

function keepData(turn: Turn, asked: AskedCommand, item: Item): Partial<ItemResult> {
  const text = item.data ?? '';
  const format = formatOf(item.meta.format);
  if (Buffer.byteLength(JSON.stringify(text)) <= INLINE_RESULT_BYTES) return { data: text, ...format };
  const name = `${turn.copy.device.id}/${asked.id}/${asked.item}`;
  const data = Buffer.from(text);
  turn.blobs.push({ name, data });
  return { blob: name, size: data.length, head: headOf(text), ...format };
}

function takeAtomicStatus(turn: Turn, asked: Extract<Asked, { kind: 'atomic' }>, code: number): undefined {
  const command = turn.copy.command(asked.id);
  if (command) noteProgress(turn, recordAtomicStatus(command, code, { now: turn.input.now }));
}

/** With the package whole, an Atomic of which only a part was answered will not be answered further. */
function settleAtomics(turn: Turn): void {
  if (aborts(turn)) return;
  for (const command of turn.copy.commands) {
    if (command.verb !== 'Atomic' || command.state !== 'sent') continue;
    const isSaid = command.atomicStatus !== undefined || command.results.some((result) => result !== null);
    if (!isSaid) continue;
    const settled = settleAnswered(command, { now: turn.input.now, final: true });
    // What an earlier session said of the user holds nothing back in the one that begins.
    if (turn.input.opens) turn.copy.update(settled);
    else noteProgress(turn, settled);
  }
}

/** What belongs to a command that has gone on otherwise is not waited for any more. */
function isOpen(turn: Turn, asked: Asked): boolean {
  if (asked.kind !== 'command' && asked.kind !== 'atomic') return true;
  const command = turn.copy.command(asked.id);
  if (!command) return turn.copy.hasMore;
  return (
    command.state === 'sent' || (asked.kind === 'command' && asked.accepted === true && command.state === 'accepted')
  );
}

function boundAccepted(asked: Asked[]): Asked[] {
  const accepted = asked.filter(isAccepted);
  const dropped = new Set(accepted.slice(0, Math.max(0, accepted.length - MAX_ACCEPTED)));
  return asked.filter((each) => !dropped.has(each));
}

/** The device gave up over a message: whatever is unanswered of it may be why. Each command is noted once. */
export function noteAborts(turn: Turn): void {
  noteProfileAborts(turn);
  const ids = turn.session.asked.flatMap((asked) =>
    asked.kind === 'atomic' || (asked.kind === 'command' && !asked.accepted) ? [asked.id] : [],
  );
  for (const id of new Set(ids)) {
    const command = turn.copy.command(id);
    if (command) turn.copy.update(noteAbort(command));
    else if (turn.copy.hasMore) turn.answersUnread = true;
  }
}

function noteFact(turn: Turn, name: Extract<Asked, { kind: 'fact' }>['name'], fact: Fact): void {
  const { copy, input, session } = turn;
  if (isForGate(name)) session.joinFacts = { ...session.joinFacts, [name]: fact };
  const deviceName = name === 'deviceName' && fact.value ? fact.value : copy.device.name;
  const facts = { ...copy.device.facts, [name]: fact };
  copy.device = { ...copy.device, name: deviceName, facts };
  if (!session.factsAsked) return;
  const { factsAsked: _, ...device } = copy.device;
  copy.device = { ...device, factsReadAt: input.now.toISOString() };
}

function noteJoin(turn: Turn): void {
  const { entraDeviceId, domainName } = turn.session.joinFacts;
  if (turn.session.join || !entraDeviceId || !domainName) return;
  turn.session.join = readJoin(entraDeviceId, domainName, turn.input.now, turn.copy.device.admission);
  turn.copy.device = { ...turn.copy.device, join: turn.session.join };
}

/** Windows aborts the session on Unenroll and sends no Status. If one comes and is an error, the device has refused. */
function takeUnenrollStatus(turn: Turn, code: number): undefined {
  if (code < 300 || turn.copy.device.unenroll?.state !== 'sent') return undefined;
  turn.copy.device = refuse(
    turn.copy.device,
    `The device answered the Unenroll command with status ${code}.`,
    turn.input.now,
    String(code),
  );
  return undefined;
}
