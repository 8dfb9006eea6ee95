import { type Command, type ItemResult, isPending, verbOf } from '../commands/command.ts';
import { hresult, installationState, isInstallation, nodeOfPackage } from '../commands/installation.ts';
import { recordLaterResult, recordProgress } from '../commands/settle.ts';
import { isUserScope } from '../wire/node-path.ts';
import type { Asked } from './session.ts';
import type { Turn } from './turn-state.ts';

/**
 * Installations that a device has begun and of which no alert came: an alert is sent once, best effort, and some devices
 * answer 200 and send none. So a later session asks the nodes of the package, once.
 */

/** Before, the nodes may still speak of an earlier installation of the same package. */
const ASKED_AFTER_MS = 10 * 60_000;

type AskedInstallation = Extract<Asked, { kind: 'installation' }>;

/** Asks for what is not over, as far as it fits into the reply. */
export function chooseInstallations(turn: Turn): void {
  for (const command of turn.copy.commands) {
    if (command.state !== 'accepted' || !isDue(turn, command)) continue;
    const asked = command.items.flatMap(({ target }, item) => (isOpen(command, item) ? [{ target, item }] : []));
    const canBeAsked = asked.filter(({ target }) => !isUserScope(target) || turn.session.loginStatus === 'user');
    const next: Command = { ...command, resultAskedAt: turn.input.now.toISOString() };
    if (canBeAsked.length === 0 || !turn.copy.hasRoomFor(next)) continue;
    if (!canBeAsked.every(({ target, item }) => ask(turn, command.id, target, item))) return;
    turn.copy.update(next);
  }
}

function isDue({ session, input }: Turn, { sentAt, queuedAt, resultAskedAt }: Command): boolean {
  if (resultAskedAt !== undefined && resultAskedAt >= session.startedAt) return false;
  return input.now.getTime() - Date.parse(sentAt ?? queuedAt) > ASKED_AFTER_MS;
}

function isOpen(command: Command, place: number): boolean {
  const item = command.items[place];
  return item !== undefined && isPending(command.results[place]) && isInstallation(verbOf(command, item), item.target);
}

/** The error before the state: the state may be the end of it. @returns whether both fitted into the reply */
function ask({ reply, session, input }: Turn, id: string, target: string, item: number): boolean {
  const leaves = ['LastError', 'Status'] as const;
  const cmdIds = reply.commands(
    leaves.map((leaf) => ({ verb: 'Get', items: [{ target: nodeOfPackage(target, leaf) }] })),
  );
  if (!cmdIds) return false;
  const msgRef = Number(input.message.header.msgId);
  leaves.forEach((leaf, index) => {
    session.asked.push({ kind: 'installation', msgRef, cmdId: cmdIds[index] ?? '', id, item, leaf });
  });
  return true;
}

/**
 * Takes what a node of the package says.
 * @returns the question once more while its value may still come
 */
export function noteInstallation(
  turn: Turn,
  asked: AskedInstallation,
  { code, value }: { code: number; value: string | undefined },
): AskedInstallation | undefined {
  const { copy, input } = turn;
  if (code === 200 && value === undefined && !input.message.final) return { ...asked, code };
  const command = copy.command(asked.id);
  const before = command?.results[asked.item];
  if (!command || !before || !isPending(before)) return undefined;
  const said = code === 200 ? value?.trim() : undefined;
  const after =
    asked.leaf === 'LastError'
      ? recordProgress(command, asked.item, { originalError: errorOf(said) })
      : afterStatus(command, { asked, before, code, said }, input.now);
  // What does not fit is asked for again in the next session.
  if (copy.hasRoomFor(after)) copy.update(after);
  return undefined;
}

function errorOf(lastError: string | undefined): string | undefined {
  return lastError === undefined || lastError === '' || Number(lastError) === 0 ? undefined : hresult(lastError);
}

interface Said {
  asked: AskedInstallation;
  before: ItemResult;
  code: number;
  said: string | undefined;
}

function afterStatus(command: Command, { asked, before, code, said }: Said, now: Date): Command {
  if (said === undefined) {
    const note = `The device answers ${code} to the question how far the installation is.`;
    return recordProgress(command, asked.item, { note });
  }
  const { end, words } = installationState(said);
  if (end === 'goesOn') return recordProgress(command, asked.item, { note: words });
  const { target, originalError } = before;
  const note = `Answered ${before.status} at first. ${words}`;
  const status = end === 'done' ? 200 : 500;
  return recordLaterResult(
    command,
    asked.item,
    { target, status, ...(originalError ? { originalError } : {}), note },
    now,
  );
}
