import { type Command, isFinal } from '../commands/command.ts';
import type { Device, LapsBackup, Proof, Unenroll } from '../devices/device.ts';
import type { Session } from './session.ts';
import type { Turn } from './turn-state.ts';

/** What the gate asked a device to do, and what came of it: taken into the record as soon as the device has said so. */

export function noteProofs(turn: Turn): void {
  const { unenroll } = turn.copy.device;
  if (unenroll?.localAdministrator?.state === 'asked') noteAdministrator(turn, unenroll.localAdministrator);
  if (unenroll?.laps?.state === 'asked') noteLaps(turn, unenroll.laps);
}

type Administrator = NonNullable<Unenroll['localAdministrator']>;
type Laps = NonNullable<Unenroll['laps']>;

/** Both parts answered 200, and nothing else, show that the account is there, is an administrator and has our password. */
function noteAdministrator(turn: Turn, proof: Administrator): void {
  const end = endOf(turn, proof);
  if (end === undefined) return;
  const isMade = end?.state === 'done' && end.results.every((result) => result?.status === 200);
  const { name } = proof;
  const localAdministrator = isMade
    ? settled(turn, proof, 'confirmed', `The device made the local administrator ${name} (200 for account and group).`)
    : settled(turn, proof, 'failed', `The local administrator ${name} was not made: ${whyNotMade(end)}`);
  change(turn, { localAdministrator });
}

/** Accounts CSP: Add only. What exists has a password that is not ours. */
function whyNotMade(end: Command | null): string {
  if (!end) return COMMAND_IS_GONE;
  const [password, group] = end.results;
  if (password?.status === 418) return 'an account of this name exists already. Choose another name.';
  if (password?.status === 500) {
    return 'the device refused (500); the usual cause is a rule for passwords or names on the device.';
  }
  if (password?.status === 200 && group) {
    return `the account was made and is no administrator (${group.status}). Choose another name.`;
  }
  if (end.state === 'unknown')
    return 'the device did not say what came of it, so it may be there. Choose another name.';
  return end.reason ?? `its command is ${end.state}.`;
}

const COMMAND_IS_GONE = 'its command was cancelled.';

/**
 * @returns the command of a proof when it has ended or is answered, null when it is not there any more, undefined while it
 *   goes on
 */
function endOf(turn: Turn, proof: Proof): Command | null | undefined {
  const command = turn.copy.command(proof.command);
  if (command) return isFinal(command.state) || command.state === 'accepted' ? command : undefined;
  return turn.copy.hasMore ? undefined : null;
}

/**
 * LAPS CSP, Actions/ResetPassword and ResetPasswordStatus. The status is that of the last action, so it counts only when
 * it was asked for after the device took this one.
 */
function noteLaps(turn: Turn, proof: Laps): void {
  if (proof.resetAt) {
    noteLapsStatus(turn, proof);
    return;
  }
  const end = endOf(turn, proof);
  if (end === undefined) return;
  const status = end?.results[0]?.status;
  if (status === 200 || status === 202) {
    change(turn, {
      laps: { ...proof, resetAt: turn.input.now.toISOString(), reason: 'LAPS was told to set a new password.' },
    });
    return;
  }
  const why = !end
    ? COMMAND_IS_GONE
    : status
      ? `the device answered ${status}.`
      : (end.reason ?? `its command is ${end.state}.`);
  change(turn, { laps: settled(turn, proof, 'failed', `LAPS set no new password: ${why}`) });
}

export const LAPS_STATUS = 'lapsResetStatus';
export const LAPS_DIRECTORY = 'lapsBackupDirectory';
/** In the order of asking: where the password goes is known before it is confirmed. */
export const LAPS_FACTS = [LAPS_DIRECTORY, LAPS_STATUS] as const;

const E_PENDING = 0x8000000a;

function noteLapsStatus(turn: Turn, proof: Laps): void {
  const { session } = turn;
  const said = session.lapsAsked === proof.command ? session.joinFacts[LAPS_STATUS] : undefined;
  if (!said) return;
  const backup = backupOf(session);
  const value = said.value?.trim() ?? '';
  const code = numberOf(value);
  if (backup === 'none') {
    change(turn, {
      laps: settled(turn, proof, 'failed', 'LAPS keeps the password nowhere (BackupDirectory 0), so nobody knows it.'),
    });
  } else if (code === 0) {
    change(turn, { laps: { ...settled(turn, proof, 'confirmed', confirmedIn(backup)), backup } });
  } else if (code === E_PENDING) {
    change(turn, {
      laps: { ...proof, reason: 'LAPS is setting a new password; the device is asked again at its next session.' },
    });
  } else {
    const why =
      code === undefined ? `the device answered ${said.status} to the question.` : `it ended with ${hresult(code)}.`;
    change(turn, { laps: settled(turn, proof, 'failed', `LAPS set no new password: ${why}`) });
  }
}

function numberOf(value: string): number | undefined {
  if (!/^(-?\d{1,10}|0x[0-9a-f]{1,8})$/i.test(value)) return undefined;
  return Number(value) >>> 0;
}

function hresult(code: number): string {
  return `0x${code.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** LAPS CSP, Policies/BackupDirectory: 0 disabled, 1 Microsoft Entra, 2 Active Directory. It may be set by group policy instead. */
function backupOf(session: Session): LapsBackup | 'none' {
  const value = session.joinFacts[LAPS_DIRECTORY]?.value?.trim();
  if (value === '0') return 'none';
  if (value === '1') return 'entra';
  return value === '2' ? 'directory' : 'unknown';
}

const ENABLED =
  'Look there whether you can read it, and that the account is enabled: the built-in Administrator is usually not.';

function confirmedIn(backup: LapsBackup): string {
  const done = 'LAPS set a new password for the local administrator.';
  if (backup === 'entra') {
    return (
      `${done} It is with the device in Microsoft Entra and is lost when the device is deleted there: ` +
      `copy it before. ${ENABLED}`
    );
  }
  if (backup === 'directory') return `${done} It is with the computer in Active Directory. ${ENABLED}`;
  return `${done} The device does not say where it is kept: in Microsoft Entra or in Active Directory. ${ENABLED}`;
}

function settled<P extends Proof>(turn: Turn, proof: P, state: Proof['state'], reason: string): P {
  return { ...proof, state, reason, settledAt: turn.input.now.toISOString() };
}

function change({ copy }: Turn, proof: Partial<Pick<Unenroll, 'localAdministrator' | 'laps'>>): void {
  if (copy.device.unenroll) copy.device = { ...copy.device, unenroll: { ...copy.device.unenroll, ...proof } };
}

/** @returns whether a command of the gate belongs to the request that stands */
export function isOfRequest({ unenroll, state }: Device, { id }: Pick<Command, 'id'>): boolean {
  return (
    state === 'unenrolling' && [unenroll?.localAdministrator, unenroll?.laps].some((proof) => proof?.command === id)
  );
}
