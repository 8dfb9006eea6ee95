import type { Join, Unenroll } from '../devices/device.ts';

/**
 * The gate in front of every Unenroll. Unenrolling an Entra-joined PC removes the join as well, and a PC without a local
 * administrator is then locked for good (Microsoft Learn, "Disconnecting from the management infrastructure"). So the
 * command passes only when the join, read in this very session, cannot lock anybody out, or when a person took the risk.
 */
export type GateDecision = { kind: 'open' } | { kind: 'readJoin' } | { kind: 'held'; reason: string };

/** Joins that an Unenroll leaves as they are. */
const HARMLESS = new Set<Join['kind']>(['none', 'registered', 'domain']);

/**
 * @param joinOfSession the join as the device reported it in the running session; undefined when it was not asked yet
 * @param unenroll the request, with the acceptance of the risk if there is one
 */
export function decideGate(joinOfSession: Join | undefined, unenroll: Unenroll | undefined): GateDecision {
  if (unenroll?.acceptedRisk) return { kind: 'open' };
  if (!joinOfSession) return { kind: 'readJoin' };
  if (HARMLESS.has(joinOfSession.kind)) return { kind: 'open' };
  return { kind: 'held', reason: heldBecause(joinOfSession.kind) };
}

function heldBecause(kind: Join['kind']): string {
  const what =
    kind === 'unknown'
      ? 'It could not be read whether the device is joined to Microsoft Entra.'
      : `The device is ${kind === 'hybrid' ? 'hybrid joined' : 'joined'} to Microsoft Entra, and unenrolling removes that join.`;
  return `${what} Without a local administrator nobody could sign in any more. Accept the risk by name to go on.`;
}
