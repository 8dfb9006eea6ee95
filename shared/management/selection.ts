import { type Command, isFinal, needsUser, sentVerbOf } from '../commands/command.ts';
import { endWithDevice, expire, finish, isExpired, isSuspect } from '../commands/settle.ts';
import { hasLeft, type Proof } from '../devices/device.ts';
import { goesBehindQueue, hold, isDue, markSent } from '../devices/unenroll.ts';
import { decideGate } from '../unenroll/gate.ts';
import type { ServerCommand } from '../wire/syncml-writer.ts';
import { chooseDefaults } from './device-defaults.ts';
import { type FactName, factNode, factsDue, JOIN_FACTS } from './facts.ts';
import { chooseInstallations } from './installations.ts';
import { chooseInventory } from './inventory.ts';
import { chooseProfiles } from './profiles.ts';
import { isOfRequest, LAPS_FACTS, LAPS_STATUS } from './proofs.ts';
import { choosePush } from './push.ts';
import { MAX_COMMANDS } from './reply-builder.ts';
import type { Turn } from './turn-state.ts';
import { commandBytes, MAX_COMMAND_BYTES } from './working-copy.ts';

/**
 * What the device is asked next. An enrollment that is over, or that is to end, is asked nothing but what the gate needs
 * and then Unenroll; every other one gets the server's own readings and its commands in order.
 * @returns true when the device is asked nothing because no command that was read can be sent; one behind them may be
 */
export function chooseCommands(turn: Turn): boolean {
  const { device } = turn.copy;
  // The device has a newer enrollment under the same PROVIDER-ID, and an Unenroll would end that one.
  if (device.supersededBecause === 'return') return false;
  const unenrolls = hasLeft(device) || (device.state === 'unenrolling' && isDue(device.unenroll));
  let triedAll = false;
  if (!unenrolls || hasBusyQueue(turn)) {
    chooseFacts(turn);
    chooseInstallations(turn);
    // What is to leave is given nothing that would only have to be taken away again.
    if (!unenrolls) {
      chooseDefaults(turn);
      choosePush(turn);
    }
    triedAll = chooseQueued(turn);
    if (!unenrolls) {
      chooseProfiles(turn);
      chooseInventory(turn);
    }
  }
  // What was left of the queue may have expired just now.
  if (unenrolls && turn.reply.commandCount === 0 && !hasBusyQueue(turn))
    return chooseUnenroll(turn) && turn.copy.hasMore;
  return turn.reply.commandCount === 0 && triedAll;
}

/** An Unenroll that goes behind the queue waits until each command before it has ended. */
function hasBusyQueue({ copy }: Turn): boolean {
  const isBusy = copy.hasMore || copy.commands.some(({ gate, state }) => !gate && !isFinal(state));
  return copy.device.state === 'unenrolling' && goesBehindQueue(copy.device) && isBusy;
}

/**
 * The gate stands here, where the command is sent, whichever way it was asked for.
 * @returns true when it needs a command beyond those that were read
 */
function chooseUnenroll(turn: Turn): boolean {
  if (turn.session.unenrollSent || turn.unenrollReported) {
    cancelWaiting(turn);
    return false;
  }
  const { copy, session, input } = turn;
  const gate = decideGate(joinForGate(turn), copy.device.unenroll);
  if (gate.kind === 'readJoin') {
    session.joinAsked = true;
    askFacts(turn, JOIN_FACTS);
  } else if (gate.kind === 'prove') {
    return seekProof(turn, gate.proof);
  } else if (gate.kind === 'held') {
    if (copy.device.state === 'unenrolling') copy.device = hold(copy.device, gate.reason, input.now);
  } else {
    sendUnenroll(turn);
  }
  return false;
}

/** Sends the proof's command, alone, and asks what came of it. @returns true when the command was not read yet */
function seekProof(turn: Turn, proof: Proof): boolean {
  const { copy, session } = turn;
  const laps = copy.device.unenroll?.laps;
  if (proof.command === laps?.command && laps.resetAt) {
    if (session.lapsAsked === proof.command) return false;
    session.lapsAsked = proof.command;
    session.joinFacts = { ...session.joinFacts, [LAPS_STATUS]: undefined };
    askFacts(turn, LAPS_FACTS);
    return false;
  }
  const command = copy.command(proof.command);
  if (command?.state === 'waiting') passOrSend(turn, command);
  return command === undefined;
}

/** A device that was asked about its join and did not answer has an unknown one. */
function joinForGate(turn: Turn): Turn['session']['join'] {
  if (turn.session.join || !turn.session.joinAsked) return turn.session.join;
  return { kind: 'unknown', readAt: turn.input.now.toISOString() };
}

/** MS-MDE2 2.2.9.3, DMClient CSP: Exec of Unenroll with our PROVIDER-ID as data, the last command of its message. */
function sendUnenroll(turn: Turn): void {
  const { copy, session, reply, input } = turn;
  const provider = copy.device.providerId;
  const target = `./Device/Vendor/MSFT/DMClient/Provider/${provider}/Unenroll`;
  const sent = reply.commands([{ verb: 'Exec', items: [{ target, data: provider, format: 'chr' }] }]);
  const cmdId = sent?.[0];
  if (cmdId === undefined) return;
  session.asked.push({ kind: 'unenroll', msgRef: Number(input.message.header.msgId), cmdId });
  session.unenrollSent = true;
  copy.device = markSent(copy.device, input.now);
  cancelWaiting(turn);
}

/** Commands that still wait when the Unenroll has gone out will never be sent. What does not fit now is done later. */
function cancelWaiting(turn: Turn): void {
  const { copy, input } = turn;
  for (const command of copy.commands) {
    if (command.state !== 'waiting' || !copy.hasRoomFor(command)) continue;
    copy.update(endWithDevice(command, input.now));
  }
}

function chooseFacts(turn: Turn): void {
  if (turn.session.factsAsked) return;
  const { copy, input } = turn;
  const due = factsDue(copy.device, input.now);
  if (due.length === 0) return;
  turn.session.factsAsked = true;
  turn.session.joinAsked = true;
  const { times = 0 } = copy.device.factsAsked ?? {};
  copy.device = { ...copy.device, factsAsked: { at: input.now.toISOString(), times: times + 1 } };
  askFacts(turn, due);
}

function askFacts(turn: Turn, names: readonly FactName[]): void {
  for (const name of names) {
    const target = factNode(name, turn.copy.device.providerId);
    const cmdId = turn.reply.commands([{ verb: 'Get', items: [{ target }] }])?.[0];
    if (cmdId === undefined) continue;
    turn.session.asked.push({ kind: 'fact', msgRef: Number(turn.input.message.header.msgId), cmdId, name });
  }
}

/**
 * In the order of the queue; the first command that does not fit ends the message, so that none overtakes it.
 * @returns whether all commands that were read had their turn
 */
function chooseQueued(turn: Turn): boolean {
  for (const command of turn.copy.commands) {
    if (command.state !== 'waiting') continue;
    if (command.gate) dropUnlessAsked(turn, command);
    else if (!passOrSend(turn, command)) return false;
  }
  return true;
}

/** A command of the gate goes only there, and ends with the request that it was for. */
function dropUnlessAsked(turn: Turn, command: Command): void {
  if (isOfRequest(turn.copy.device, command)) return;
  noteEnd(turn, finish(command, 'cancelled', turn.input.now, 'The unenroll that it was for does not stand any more.'));
}

/** @returns whether the command behind it has its turn in this message */
function passOrSend(turn: Turn, command: Command): boolean {
  const { input, session, reply } = turn;
  if (isExpired(command, input.now)) return noteEnd(turn, expire(command, input.now));
  const isHeld = session.heldForUser?.includes(command.id) ?? false;
  if (isHeld || (needsUser(command) && session.loginStatus !== 'user')) return noteUserIsMissing(turn, command);
  const elements = serverCommandsOf(turn, command);
  if (elements === 'notNow') return true;
  if (elements === 'unreadable') return noteEnd(turn, finish(command, 'rejected', input.now, UNREADABLE));
  // What a device may have choked on takes no other command with it.
  if (isSuspect(command) && reply.commandCount > 0) return false;
  if (!fitsBesideUnanswered(turn, command) || !sendCommand(turn, command, elements)) return false;
  if (isSuspect(command)) reply.close();
  return !isSuspect(command);
}

const UNREADABLE = 'Its secret data cannot be decrypted any more: the data key was replaced. Queue it again.';

function noteUserIsMissing({ copy }: Turn, command: Command): true {
  if (command.waitingFor === 'userSignIn' || !copy.hasRoomFor(command)) return true;
  copy.update({ ...command, waitingFor: 'userSignIn' });
  return true;
}

/** What does not fit into this transaction ends in a later one. */
function noteEnd({ copy }: Turn, ended: Command): true {
  if (copy.hasRoomFor(ended)) copy.update(ended);
  return true;
}

/**
 * Answers to all that is open may come in one message, and one transaction has to take them. So no more is open at a time
 * than one reply carries; a device that answers each message, as it should, never notices.
 */
function fitsBesideUnanswered({ copy, session }: Turn, command: Command): boolean {
  const open = session.asked.flatMap((asked) =>
    asked.kind === 'atomic' || (asked.kind === 'command' && !asked.accepted) ? [asked.id] : [],
  );
  if (open.length === 0) return true;
  const bytes = [...new Set(open)].reduce((sum, id) => {
    const sent = copy.command(id);
    return sum + (sent ? commandBytes(sent) : 0);
  }, commandBytes(command));
  const more = command.items.length + (command.verb === 'Atomic' ? 1 : 0);
  return open.length + more <= MAX_COMMANDS && bytes <= MAX_COMMAND_BYTES;
}

/** An item that is to be sent, and its place in the command. */
interface Element {
  item: number;
  command: ServerCommand;
}

/**
 * Each item goes as a command with a CmdID of its own, so that each has a status of its own. What was answered is not sent
 * again.
 * @returns `unreadable` when secret data cannot be decrypted, `notNow` when the key could not be read at this moment
 */
function serverCommandsOf({ input }: Turn, command: Command): Element[] | 'unreadable' | 'notNow' {
  const elements: Element[] = [];
  for (const [index, { sealed, target, data, format, type, ...item }] of command.items.entries()) {
    if (command.results[index]) continue;
    const secrets = input.secrets?.get(command.id);
    if (sealed !== undefined && !secrets) return 'notNow';
    const plain = sealed === undefined ? data : secrets?.get(index);
    if (sealed !== undefined && plain === undefined) return 'unreadable';
    const verb = sentVerbOf(command, { target, ...item });
    elements.push({ item: index, command: { verb, items: [{ target, data: plain, format, type }] } });
    if (command.stepwise) break;
  }
  return elements;
}

/** @returns whether it fitted into the reply */
function sendCommand(turn: Turn, command: Command, elements: readonly Element[]): boolean {
  const { reply, session, copy, input } = turn;
  const commands = elements.map((element) => element.command);
  const msgRef = Number(input.message.header.msgId);
  const { id } = command;
  const atomic = command.verb === 'Atomic' ? reply.atomic(commands) : undefined;
  const cmdIds = command.verb === 'Atomic' ? atomic?.inner : reply.commands(commands);
  if (!cmdIds) return false;
  if (atomic) session.asked.push({ kind: 'atomic', msgRef, cmdId: atomic.cmdId, id });
  elements.forEach(({ item }, index) => {
    const target = command.items[item]?.target ?? '';
    session.asked.push({ kind: 'command', msgRef, cmdId: cmdIds[index] ?? '', id, item, target });
  });
  if (command.items.some(({ sealed }) => sealed !== undefined)) turn.secretSent = true;
  copy.update({
    ...command,
    state: 'sent',
    sentAt: input.now.toISOString(),
    // The next step of the same delivery is none of its own.
    deliveries: command.deliveries + (command.stepwise && command.results.length > 0 ? 0 : 1),
    waitingFor: undefined,
  });
  return true;
}
