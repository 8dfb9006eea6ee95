import { isDeepStrictEqual } from 'node:util';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ItemResult } from '../commands/command.ts';
import { blobsOf } from '../commands/large-results.ts';
import { settleUnanswered } from '../commands/settle.ts';
import type { Device } from '../devices/device.ts';
import { identityOf } from '../devices/identity.ts';
import { noteCallAfterLeaving, refuse, stayedAfterDelivery } from '../devices/unenroll.ts';
import { noteCallAfterWipe } from '../devices/wipe.ts';
import type { ClientCommand } from '../wire/syncml.ts';
import { writeSyncML } from '../wire/syncml-writer.ts';
import { noteAborts, takeAnswers } from './answers.ts';
import { spentNonces } from './digest-authentication.ts';
import { partsOf } from './large-object.ts';
import { noteProofs } from './proofs.ts';
import { ReplyBuilder } from './reply-builder.ts';
import { takeReports } from './reports.ts';
import { chooseCommands } from './selection.ts';
import { REPLAY_FOR_MS, type Session } from './session.ts';
import type { Turn, TurnInput, TurnOutcome } from './turn-state.ts';
import { type Snapshot, WorkingCopy } from './working-copy.ts';

/**
 * One turn of an OMA-DM session as a pure function: what is stored, and what the device says, give what is answered and
 * what is stored next. No clock, no storage, no settings: they come in as values. (OMA-DM 1.2 section 6, MS-MDM 2.2, 3.1.5.)
 */

/** Answers one authenticated message of a known device. Never throws for anything that a device may send. */
export function takeTurn(snapshot: Snapshot, input: TurnInput): TurnOutcome {
  const before = snapshot.session?.value;
  const repeats = before !== undefined && isRepeated(before, input);
  if (repeats && !hasReturned(snapshot)) return unchanged(snapshot, inflateRawSync(before.lastReply));

  const turn = openTurn(snapshot, input, before);
  acknowledge(turn);
  if (repeats || (!input.opens && !continues(before, input))) return unchanged(snapshot, write(turn, true));
  takeAnswers(turn);
  settleUnanswerable(turn);
  noteProofs(turn);
  takeReports(turn);
  if (turn.aborted) noteAborts(turn);
  if (input.opens) noteThatItIsThere(turn);

  const asksForRest = !input.message.final && !turn.aborted;
  const starved = asksForRest ? false : chooseUnlessAborted(turn);
  // OMA-DM 1.2, 6.2: a message without Final is answered with alert 1222 and nothing new, until the package is whole.
  if (asksForRest) turn.reply.alert(1222);
  return finishTurn(turn, snapshot, write(turn, !asksForRest), starved || turn.answersUnread);
}

/** The last message that was answered, bit for bit, from the same credential, not long ago: its reply was lost. */
function isRepeated(session: Session, input: TurnInput): boolean {
  const { header } = input.message;
  return (
    session.lastReply.length > 0 &&
    session.sessionId === header.sessionId &&
    session.lastMsgId === Number(header.msgId) &&
    session.lastBodyHash === input.bodyHash &&
    session.lastCredential === input.credential &&
    input.now.getTime() - Date.parse(session.lastAt) < REPLAY_FOR_MS
  );
}

/** The PC has another enrollment by now: an Unenroll in the reply that this one was given would end that. */
function hasReturned({ device }: Snapshot): boolean {
  return device.value.supersededBecause === 'return';
}

/** The message belongs to the session that is stored and comes after the last one of it. */
function continues(session: Session | undefined, input: TurnInput): boolean {
  const { header } = input.message;
  return session?.sessionId === header.sessionId && Number(header.msgId) > session.lastMsgId;
}

function openTurn(snapshot: Snapshot, input: TurnInput, before: Session | undefined): Turn {
  const fresh: Session = {
    sessionId: input.message.header.sessionId,
    startedAt: input.now.toISOString(),
    asked: [],
    joinFacts: {},
    joinAsked: false,
    factsAsked: false,
    unenrollSent: false,
    nonce: input.nonce,
    spentNonces: spentNonces(before, input.now),
    lastMsgId: 0,
    lastBodyHash: '',
    lastCredential: '',
    lastAt: '',
    lastReply: Buffer.alloc(0),
  };
  return {
    input,
    copy: new WorkingCopy(snapshot),
    reply: new ReplyBuilder(),
    blobs: [],
    session: input.opens || !before ? fresh : { ...before },
    aborted: false,
    secretSent: false,
    unenrollReported: false,
    answersUnread: false,
  };
}

/** A Status for the header and for each command of the device, in its order, before anything else (MS-MDM 2.2.6.1). */
function acknowledge(turn: Turn): void {
  const { header, commands } = turn.input.message;
  const msgRef = header.msgId;
  turn.reply.status({
    msgRef,
    cmdRef: '0',
    cmd: 'SyncHdr',
    targetRef: header.target,
    sourceRef: header.source,
    code: 200,
  });
  for (const command of commands) {
    if (command.kind === 'Status' || command.kind === 'Results' || command.cmdId === '') continue;
    turn.reply.status({ msgRef, cmdRef: command.cmdId, cmd: nameOf(command), code: understands(command) ? 200 : 406 });
  }
}

function nameOf(command: ClientCommand): string {
  return 'name' in command ? command.name : command.kind;
}

/** A device reports by Alert and by Replace of ./DevInfo; it has nothing to get, add, delete or run at the server. */
function understands(command: ClientCommand): boolean {
  return command.kind === 'Alert' || command.kind === 'Replace';
}

/** What was sent and is not open in this session gets no answer any more: an earlier session left it. */
function settleUnanswerable(turn: Turn): void {
  const open = new Set(turn.session.asked.flatMap((asked) => ('id' in asked ? [asked.id] : [])));
  for (const command of [...turn.copy.commands]) {
    if (open.has(command.id)) continue;
    const settled = settleUnanswered(command, turn.input.now);
    // What does not fit now stays as it is until a later message.
    if (settled !== command && turn.copy.hasRoomFor(settled)) turn.copy.update(settled);
  }
}

/** The device opens an ordinary session: it was not wiped, and where it was told to leave and time passed, it stayed. */
function noteThatItIsThere({ copy, input, unenrollReported }: Turn): void {
  copy.device = noteCallAfterWipe(copy.device, input.now);
  if (unenrollReported) return;
  copy.device = noteCallAfterLeaving(copy.device, input.now);
  if (!stayedAfterDelivery(copy.device.unenroll, input.now)) return;
  copy.device = refuse(copy.device, 'The device was told to unenroll and opened another session instead.', input.now);
}

function chooseUnlessAborted(turn: Turn): boolean {
  return !turn.aborted && chooseCommands(turn) && turn.copy.hasMore;
}

/** The header swaps the device's target and source. Our MsgID follows the device's: each message has one reply. */
function write(turn: Turn, final: boolean): Buffer {
  const { header } = turn.input.message;
  return writeSyncML({
    sessionId: header.sessionId,
    msgId: Number(header.msgId),
    target: header.source,
    source: header.target,
    body: turn.reply.body,
    final,
  });
}

function unchanged(snapshot: Snapshot, reply: Buffer): TurnOutcome {
  const { value: device } = snapshot.device;
  return { reply, changes: [], blobs: [], obsolete: [], holdsSecret: false, device, listDue: false, starved: false };
}

function finishTurn(turn: Turn, snapshot: Snapshot, reply: Buffer, starved: boolean): TurnOutcome {
  const { input, copy } = turn;
  const at = input.now.toISOString();
  const session: Session = {
    ...turn.session,
    lastMsgId: Number(input.message.header.msgId),
    lastBodyHash: input.bodyHash,
    lastCredential: input.credential,
    lastAt: at,
    lastReply: deflateRawSync(reply),
    replySealed: undefined,
  };
  const firstOfDay = snapshot.session?.value.lastAt.slice(0, 10) !== at.slice(0, 10);
  const listDue = firstOfDay || listFactsDiffer(snapshot.device.value, copy.device);
  const changes = copy.changes(session);
  const obsolete = obsoleteParts(turn, snapshot.session?.value);
  const { blobs, secretSent: holdsSecret } = turn;
  return { reply, changes, blobs, obsolete, holdsSecret, device: copy.device, listDue, starved };
}

/** Pieces of a value that will not be put together any more: the session ended over it, or it grew too large. */
function obsoleteParts(turn: Turn, before: Session | undefined): string[] {
  const named = new Set(partsOf(turn.session.asked));
  for (const { results } of turn.copy.commands) for (const result of results) if (result) addBlobs(named, result);
  return partsOf(before?.asked ?? []).filter((name) => !named.has(name));
}

function addBlobs(named: Set<string>, result: ItemResult): void {
  for (const name of blobsOf(result)) named.add(name);
}

function listFactsDiffer(before: Device, after: Device): boolean {
  return (
    before.state !== after.state ||
    before.name !== after.name ||
    before.unenroll?.state !== after.unenroll?.state ||
    !isDeepStrictEqual(identityOf(before), identityOf(after)) ||
    !isDeepStrictEqual(before.profileProblems, after.profileProblems)
  );
}
