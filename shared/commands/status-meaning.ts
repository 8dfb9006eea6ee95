/**
 * What Windows means by a status code of OMA-DM, in words for an administrator (MS-MDM 2.2.5.1; Microsoft Learn, "OMA DM
 * protocol support").
 */
const MEANINGS: Readonly<Record<number, string>> = {
  200: 'The device did it.',
  202: 'The device accepted it and works on it; the result follows later.',
  212: 'The device accepted the credential.',
  213: 'The device took this part and waits for the rest.',
  214: 'The device cancelled it.',
  215: 'The device did not run it, because another part of the same Atomic failed.',
  216: 'The device took it back, because another part of the same Atomic failed.',
  400: 'The device could not read it.',
  401: 'The device did not accept the credential.',
  403: 'The device forbids it.',
  404: 'The device has no such node: its edition or version lacks the setting, or nothing is set.',
  405: 'Not possible with this node: it is read-only, does not take this verb, or belongs to the other scope.',
  406: 'The device does not support this.',
  407: 'The device wants a credential.',
  415: 'The format or type of the data is not what the node takes.',
  418: 'The node exists already.',
  424: 'The data had another size than was said.',
  425: 'The device does not permit it.',
  500: 'The device failed to do it.',
  507: 'The Atomic failed, and nothing of it was kept.',
  516: 'The device could not take back what it had done before another part of the same Atomic failed.',
};

/** The codes that have a meaning here, for tests and documents. */
export const KNOWN_STATUSES: readonly number[] = Object.keys(MEANINGS).map(Number);

/** @returns what a status code says; undefined for one that Windows does not document */
export function statusMeaning(status: number): string | undefined {
  return MEANINGS[status];
}
