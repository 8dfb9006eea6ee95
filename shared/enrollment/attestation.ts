import type { AttestationSummary } from '../devices/device.ts';
import type { ContextItem } from '../wire/wstep.ts';

/**
 * What a device says of its TPM when it enrolls (MS-MDE2 3.4.4.1.1.1.1): keys, claims, certificates. It is kept beside the
 * device's record and not verified: nothing is decided by it.
 */
export interface Attestation {
  /** The items as they came, by name: base64 for the most part. */
  items: Record<string, string>;
}

/** EnrollmentVersion 5.0 brings the first five, 6.0 the sixth in their place. */
export const ATTESTATION_ITEMS: readonly string[] = [
  'AIKPub',
  'AIKAttestationClaim',
  'AIKCert',
  'AadAIKAttestationClaim',
  'AADPub',
  'AzureAttestationBlob',
];
/** A claim was seen with 1,624 characters; the blob of a service, with certificates in it, has some ten thousand. */
const MAX_ITEM = 32 * 1024;
const MAX_IN_ALL = 64 * 1024;

/**
 * @returns what is kept of it, if anything, and what the record says of it; undefined where the device says nothing of
 *   its TPM
 */
export function readAttestation(
  context: readonly ContextItem[],
): { kept?: Attestation; summary: AttestationSummary } | undefined {
  const first = (name: string) => context.find((item) => item.name === name && item.value !== '')?.value;
  const items: Record<string, string> = {};
  const found: AttestationSummary['items'] = {};
  let room = MAX_IN_ALL;
  for (const name of ATTESTATION_ITEMS) {
    const value = first(name);
    const fits = value !== undefined && value.length <= Math.min(MAX_ITEM, room);
    found[name] = fits ? 'present' : value === undefined ? 'absent' : 'tooLarge';
    if (!fits) continue;
    items[name] = value.toWellFormed();
    room -= value.length;
  }
  const status = first('AttestationStatus')?.slice(0, 512).toWellFormed();
  const hresult = first('AttestationStatusHResult')?.slice(0, 64).toWellFormed();
  const isSilent = status === undefined && Object.values(found).every((each) => each === 'absent');
  const kept = Object.keys(items).length > 0 ? { items } : undefined;
  return isSilent ? undefined : { kept, summary: { items: found, status, hresult } };
}
