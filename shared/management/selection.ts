import { type Command, needsUser } from '../commands/command.ts';
import { finish } from '../commands/settle.ts';
import { hasLeft } from '../devices/device.ts';
import { hold, isDue, markSent } from '../devices/unenroll.ts';
import type { ServerCommand } from '../wire/syncml-writer.ts';
import { type FactName, factNode, factsDue, JOIN_FACTS } from './facts.ts';
import { decideGate } from './gate.ts';
import type { Turn } from './turn-state.ts';

/**
 * What the device is asked next. An enrollment that is over, or that is to end, is asked nothing but what the gate needs
 * and then Unenroll; every other one gets the server's own readings and its commands in order.
 */
export function chooseCommands(turn: Turn): void {
  const { device } = turn.copy;
  const unenrolls = hasLeft(device) || (device.state === 'unenrolling' && isDue(device.unenroll));
  if (unenrolls) chooseUnenroll(turn);
  else {
    chooseFacts(turn);
    chooseQueued(turn);
  }
  if (turn.reply.commandCount === 0) turn.session.phase = 'closed';
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
  session.phase = 'closed';
  copy.device = markSent(copy.device, input.now);
  cancelWaiting(turn);
}

/** Commands that still wait when the Unenroll has gone out will never be sent. What does not fit now is done later. */
function cancelWaiting(turn: Turn): void {
  const { copy, input } = turn;
  for (const command of copy.commands) {
    if (command.state !== 'waiting' || !copy.canAfford(2)) continue;
    copy.update(finish(command, 'cancelled', input.now, 'The device was unenrolled before it was sent.'));
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

/** In the order of the queue; the first command that does not fit ends the message, so that none overtakes it. */
function chooseQueued(turn: Turn): void {
  for (const command of turn.copy.commands) {
    if (command.state !== 'waiting') continue;
    if (needsUser(command) && turn.session.loginStatus !== 'user') {
      if (turn.copy.canAfford(30)) turn.copy.update({ ...command, waitingFor: 'userSignIn' });
      continue;
    }
    if (!sendCommand(turn, command)) return;
  }
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
