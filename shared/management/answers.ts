import type { ItemResult } from '../commands/command.ts';
import { recordResult } from '../commands/settle.ts';
import type { Fact } from '../devices/device.ts';
import { readJoin } from '../devices/join.ts';
import { refuse } from '../devices/unenroll.ts';
import type { ClientCommand, Item } from '../wire/syncml.ts';
import { JOIN_FACTS, toFact } from './facts.ts';
import { joinPieces, keepLastBegun } from './large-object.ts';
import type { Asked } from './session.ts';
import type { Turn } from './turn-state.ts';

/** A result over this size, as JSON, is kept in a blob; the row holds its name. 25 of them still fit into a row. */
export const INLINE_RESULT_BYTES = 16 * 1024;
/** A format is three letters and an HRESULT ten characters; what is longer is neither, and must not fill the row. */
const MAX_WORD = 64;

type Status = Extract<ClientCommand, { kind: 'Status' }>;

/** What the device says about one thing that it was asked. */
interface Answer {
  status?: Status;
  item?: Item;
}

/**
 * Matches Status and Results to what the last replies asked, by MsgRef and CmdRef (MS-MDM 2.2.7.8). A Status for anything
 * that was never sent matches nothing and changes nothing. What stays unanswered is kept for a later message.
 */
export function takeAnswers(turn: Turn): void {
  const answers = collectAnswers(turn.input.message.commands);
  const unanswered: Asked[] = [];
  for (const asked of turn.session.asked) {
    const rest = takeAnswer(turn, asked, answers.get(reference(asked.msgRef, asked.cmdId)) ?? {});
    if (rest) unanswered.push(rest);
  }
  turn.session.asked = keepLastBegun(unanswered);
  noteJoin(turn);
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
    // Each of our commands has one item, so the first Status and the first Item are the whole answer.
    if (command.kind === 'Status') answer.status ??= command;
    else answer.item ??= command.items[0];
  }
  return answers;
}

/** @returns what is still to be answered, or undefined when this is settled. */
function takeAnswer(turn: Turn, asked: Asked, answer: Answer): Asked | undefined {
  const code = answer.status?.code ?? ('code' in asked ? asked.code : undefined) ?? (answer.item ? 200 : undefined);
  if (code === undefined) return asked;
  if (asked.kind === 'unenroll') return takeUnenrollStatus(turn, code);
  if (asked.kind === 'command' && turn.copy.hasMore && !turn.copy.command(asked.id)) {
    turn.answersUnread = true;
    return asked;
  }
  const originalError =
    answer.status?.originalError?.slice(0, MAX_WORD) ?? ('originalError' in asked ? asked.originalError : undefined);
  const { whole, received } = joinPieces(asked, answer.item);
  if (received || awaitsValue(turn, asked, code, answer)) {
    return { ...asked, code, ...(received ? { received } : {}), ...(originalError ? { originalError } : {}) };
  }
  if (asked.kind === 'fact') noteFact(turn, asked.name, toFact(code, whole ? (whole.data ?? '') : undefined));
  else noteResult(turn, asked, code, whole, originalError);
  return undefined;
}

/** A Get that went well has its value in a Results, which may follow in a later message of the same package. */
function awaitsValue(turn: Turn, asked: Asked, code: number, answer: Answer): boolean {
  const isGet = asked.kind === 'fact' || (asked.kind === 'command' && turn.copy.command(asked.id)?.verb === 'Get');
  return isGet && code === 200 && !answer.item && (!turn.input.message.final || aborts(turn));
}

function aborts(turn: Turn): boolean {
  return turn.input.message.commands.some((command) => command.kind === 'Alert' && command.code === 1223);
}

function noteResult(
  turn: Turn,
  asked: Extract<Asked, { kind: 'command' }>,
  status: number,
  item: Item | undefined,
  originalError: string | undefined,
): void {
  const command = turn.copy.command(asked.id);
  if (!command || command.results[asked.item]) return;
  const result: ItemResult = { target: asked.target, status, ...(originalError ? { originalError } : {}) };
  if (item) Object.assign(result, keepData(turn, asked, item));
  turn.copy.update(recordResult(command, asked.item, result, turn.input.now));
}

function keepData(turn: Turn, asked: Extract<Asked, { kind: 'command' }>, item: Item): Partial<ItemResult> {
  const text = item.data ?? '';
  const format = item.meta.format ? { format: item.meta.format.slice(0, MAX_WORD) } : {};
  const data = Buffer.from(text);
  if (Buffer.byteLength(JSON.stringify(text)) <= INLINE_RESULT_BYTES) return { data: text, ...format };
  const name = `${turn.copy.device.id}/${asked.id}/${asked.item}`;
  turn.blobs.push({ name, data });
  return { blob: name, ...format };
}

function noteFact(turn: Turn, name: Extract<Asked, { kind: 'fact' }>['name'], fact: Fact): void {
  const { copy, input, session } = turn;
  if (JOIN_FACTS.includes(name)) session.joinFacts = { ...session.joinFacts, [name]: fact };
  const deviceName = name === 'deviceName' && fact.value ? fact.value : copy.device.name;
  const facts = { ...copy.device.facts, [name]: fact };
  const factsReadAt = session.factsAsked ? input.now.toISOString() : copy.device.factsReadAt;
  copy.device = { ...copy.device, name: deviceName, facts, factsReadAt };
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
  );
  return undefined;
}
