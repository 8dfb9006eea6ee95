import type { Join, Proof, Unenroll } from '../devices/device.ts';

/**
 * The gate in front of every Unenroll. Unenrolling an Entra-joined PC removes the join as well, and a PC without a local
 * administrator is then locked for good (Microsoft Learn, "Disconnecting from the management infrastructure"). So the
 * command passes only when the join, read in this very session, cannot lock anybody out, when it is shown that somebody
 * can sign in without Entra, or when a person took the risk.
 */
export type GateDecision =
  | { kind: 'open' }
  | { kind: 'readJoin' }
  /** A proof that was asked for is still to be had. */
  | { kind: 'prove'; proof: Proof }
  | { kind: 'held'; reason: string };

/** Joins that an Unenroll leaves as they are. */
const HARMLESS = new Set<Join['kind']>(['none', 'registered', 'domain']);

/**
 * @param joinOfSession the join as the device reported it in the running session; undefined when it was not asked yet
 * @param unenroll the request, with the proofs that were asked for and the acceptance of the risk
 */
export function decideGate(joinOfSession: Join | undefined, unenroll: Unenroll | undefined): GateDecision {
  if (!joinOfSession) return { kind: 'readJoin' };
  if (unenroll?.acceptedRisk) return { kind: 'open' };
  const proofs = proofsOf(unenroll);
  // What somebody asked for is done, whether or not this device needs it.
  const asked = proofs.find(({ state }) => state === 'asked');
  if (asked) return { kind: 'prove', proof: asked };
  if (HARMLESS.has(joinOfSession.kind)) return { kind: 'open' };
  if (proofs.some(({ state }) => state === 'confirmed')) return { kind: 'open' };
  return { kind: 'held', reason: heldBecause(joinOfSession.kind, proofs) };
}

/** @returns what was asked for to show that nobody is locked out, whatever came of it */
export function proofsOf(unenroll: Unenroll | undefined): Proof[] {
  return [unenroll?.localAdministrator, unenroll?.laps].filter((proof) => proof !== undefined);
}

/** What opens the gate, in words. */
export const OPENED_BY =
  'Let a local administrator be made, let LAPS set a new password, or accept the risk by name, to go on.';

function heldBecause(kind: Join['kind'], proofs: readonly Proof[]): string {
  const what =
    kind === 'unknown'
      ? 'It could not be read whether the device is joined to Microsoft Entra.'
      : `The device is ${kind === 'hybrid' ? 'hybrid joined' : 'joined'} to Microsoft Entra, and unenrolling removes that join.`;
  const failed = proofs.map(({ reason }) => ` ${reason}`).join('');
  return `${what} Without a local administrator nobody could sign in any more.${failed} ${OPENED_BY}`;
}
