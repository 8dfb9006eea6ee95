import type { TreeState } from './csp-tree.ts';
import { canonicalPath } from './csp-tree.ts';
import { DeviceError, HRESULT } from './errors.ts';
import type { Join, Machine } from './machine.ts';
import type { DeviceState } from './state.ts';

export const ALLOW_MANUAL_UNENROLLMENT = './Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment';

/**
 * What leaving comes to on this PC. The Entra join goes first, and where that fails the enrollment stays.
 * Out: the data of the 1226 alert: `1` = has left, anything else = has not (text from SyncApplicationVersion 4.0 on).
 */
export function leaveEntra(machine: Machine, syncApplicationVersion: string | undefined): string {
  const joined = machine.join === 'joined' || machine.join === 'hybrid';
  if (!joined || !machine.unjoinFails) return '1';
  return Number.parseInt(syncApplicationVersion ?? '1', 10) >= 4 ? 'AADJ Unregister Failed' : '2';
}

/** A work account is not what anybody signs in to the PC with: it stays, and so does the device's entry in Entra. */
const WITHOUT_ENTRA: Record<Join, Join> = {
  none: 'none',
  registered: 'registered',
  joined: 'none',
  hybrid: 'domain',
  domain: 'domain',
};

/**
 * The clean-up: enrollment, account, policies, installed certificates and the poll schedule go, and the Entra join with them.
 * The state is changed in place; the certificate files are the caller's. How often something ran stays known.
 */
export function cleanUp(state: DeviceState): void {
  const { machine } = state;
  const left = WITHOUT_ENTRA[machine.join];
  if (left !== machine.join && !machine.localAdministrator) state.lockedOut = true;
  if (left !== machine.join) machine.enrollmentType = 'Full';
  machine.join = left;
  state.enrollment = undefined;
  state.session = 0;
  state.notBefore = undefined;
  state.lastSession = undefined;
  state.lastCompleted = undefined;
  state.tree = { ...state.tree, values: keptValues(state.tree), deleted: [] };
}

// Accounts that were made on the PC stay; everything else that the server set belongs to the enrollment.
function keptValues(tree: TreeState): TreeState['values'] {
  const accounts = canonicalPath('./Vendor/MSFT/Accounts');
  return Object.fromEntries(Object.entries(tree.values).filter(([path]) => path.startsWith(`${accounts}/`)));
}

/** May the user press Disconnect? Errors: 0x80070005, when a policy forbids it or the enrollment came with an Entra join. */
export function checkDisconnect(machine: Machine, allowManualUnenrollment: string | undefined): void {
  if (allowManualUnenrollment === '0') {
    throw new DeviceError(
      HRESULT.accessDenied,
      'disconnect',
      'the organisation does not allow disconnecting (AllowManualMDMUnenrollment)',
    );
  }
  if (machine.enrollmentType === 'Device' && (machine.join === 'joined' || machine.join === 'hybrid')) {
    throw new DeviceError(
      HRESULT.accessDenied,
      'disconnect',
      'there is no Disconnect for an enrollment that came with the Entra join',
    );
  }
}
