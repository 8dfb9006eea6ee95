import { nodePath, relation } from '../wire/node-path.ts';
import type { Device } from './device.ts';

/**
 * BitLocker CSP: recovery keys go to the directory that the device is joined to, and never to a management server. Of any other
 * device they would be kept nowhere.
 */

export interface EscrowProblem {
  /** `join`: it is not known yet how the device is joined. */
  because: 'refused' | 'join';
  reason: string;
}

const NO_ESCROW =
  'Encryption is not required of this device: it is neither joined to Entra nor hybrid joined, so its recovery key would ' +
  'be kept nowhere, and whoever loses the PIN or the board loses the data.';

/** @returns why a node must not be set to this value on this device; undefined where it may */
export function escrowProblem(
  target: string,
  value: string | undefined,
  { join }: Pick<Device, 'join'>,
): EscrowProblem | undefined {
  if (relation(nodePath(target), 'bitlocker/requiredeviceencryption') !== 'at' || value?.trim() === '0')
    return undefined;
  if (join?.kind === 'joined' || join?.kind === 'hybrid') return undefined;
  if (!join || join.kind === 'unknown') {
    return { because: 'join', reason: 'Waits until the device has said whether it is joined to Entra.' };
  }
  return { because: 'refused', reason: NO_ESCROW };
}
