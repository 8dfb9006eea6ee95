import { type Command, needsUser } from '../commands/command.ts';
import { endWithDevice } from '../commands/settle.ts';
import { hasLeft } from '../devices/device.ts';
import { hold, isDue, markSent } from '../devices/unenroll.ts';
import type { ServerCommand } from '../wire/syncml-writer.ts';
import { chooseDefaults } from './device-defaults.ts';
import { type FactName, factNode, factsDue, JOIN_FACTS } from './facts.ts';
import { decideGate } from './gate.ts';
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
  const unenrolls = hasLeft(device) || (device.state === 'unenrolling' && isDue(device.unenroll));
  let triedAll = false;
  if (unenrolls) chooseUnenroll(turn);
  else {
    chooseFacts(turn);
    chooseDefaults(turn);
    triedAll = chooseQueued(turn);
  }
  return turn.reply.commandCount === 0 && triedAll;
}

/** The gate stands here, where the command is sent, whichever way it was asked for. */
function chooseUnenroll(turn: Turn): void {
  if (turn.session.unenrollSent || turn.unenrollReported) {
    cancelWaiting(turn);
    return;
  }
  const { copy, session, input } = turn;
  const gate = decideGate(joinForGate(turn), copy.device.unenroll);
  if (gate.kind === 'readJoin') {
    session.joinAsked = true;
    askFacts(turn, JOIN_FACTS);
  } else if (gate.kind === 'held') {
    if (copy.device.state === 'unenrolling') copy.device = hold(copy.device, gate.reason, input.now);
  } else {
    sendUnenroll(turn);
  }
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
  const due = factsDue(turn.copy.device, turn.input.now);
  if (due.length === 0) return;
  turn.session.factsAsked = true;
  turn.session.joinAsked = true;
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
    if (needsUser(command) && turn.session.loginStatus !== 'user') noteUserIsMissing(turn, command);
    else if (!fitsBesideUnanswered(turn, command) || !sendCommand(turn, command)) return false;
  }
  return true;
}

function noteUserIsMissing({ copy }: Turn, command: Command): void {
  if (command.waitingFor === 'userSignIn' || !copy.hasRoomFor(command)) return;
  copy.update({ ...command, waitingFor: 'userSignIn' });
}

/**
 * Answers to all that is open may come in one message, and one transaction has to take them. So no more is open at a time
 * than one reply carries; a device that answers each message, as it should, never notices.
 */
function fitsBesideUnanswered({ copy, session }: Turn, command: Command): boolean {
  const open = session.asked.flatMap((asked) => (asked.kind === 'command' ? [asked.id] : []));
  if (open.length === 0) return true;
  const bytes = [...new Set(open)].reduce((sum, id) => {
    const sent = copy.command(id);
    return sum + (sent ? commandBytes(sent) : 0);
  }, commandBytes(command));
  return open.length + command.items.length <= MAX_COMMANDS && bytes <= MAX_COMMAND_BYTES;
}

/** Each item goes as a command with a CmdID of its own, so that each has a status of its own. */
function sendCommand(turn: Turn, command: Command): boolean {
  const cmdIds = turn.reply.commands(toServerCommands(command));
  if (!cmdIds) return false;
  const msgRef = Number(turn.input.message.header.msgId);
  cmdIds.forEach((cmdId, item) => {
    const target = command.items[item]?.target ?? '';
    turn.session.asked.push({ kind: 'command', msgRef, cmdId, id: command.id, item, target });
  });
  turn.copy.update({
    ...command,
    state: 'sent',
    sentAt: turn.input.now.toISOString(),
    deliveries: command.deliveries + 1,
    waitingFor: undefined,
  });
  return true;
}

/** @returns the elements under which a command travels. */
export function toServerCommands(command: Pick<Command, 'verb' | 'items'>): ServerCommand[] {
  return command.items.map((item) => ({ verb: command.verb, items: [item] }));
}
