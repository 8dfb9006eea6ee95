import type { X509Certificate } from 'node:crypto';
import { nodePath, relation } from '../wire/node-path.ts';
import type { Verb } from './command.ts';

/**
 * Nodes that hold the management itself. A command that removes or redirects them would cut the device off, with no word
 * to the server and past the gate that stands in front of every Unenroll, so it is refused when it is queued.
 */

/** What below `DMClient/Provider/<id>` may be deleted: texts and push, which the management does not rest on. */
const DELETABLE = [
  'HelpPhoneNumber',
  'HelpWebsite',
  'HelpEmailAddress',
  'CustomEnrollmentCompletePage',
  'FirstSyncStatus',
  'Push',
  'SignedEntDMID',
  'AADResourceID',
].map((name) => `DMClient/Provider/*/${name}`);

/** Where the device calls, under which name, and what makes it leave by itself (DMClient CSP). */
const NOT_TO_BE_SET = [
  'ManagementServiceAddress',
  'ManagementServerAddressList',
  'ManagementServerToUpgradeTo',
  'EntDMID',
  'NumberOfDaysAfterLostContactToUnenroll',
].map((name) => `DMClient/Provider/*/${name}`);

const CUTS_OFF = 'would cut the device off from its management';
const INSTEAD = 'to release the device ask for it with POST /api/devices/{id}/unenroll';

/** @returns why a command on a node is refused; undefined where it is not. Reading is never refused. */
export function protectionProblem(verb: Verb, target: string): string | undefined {
  if (verb === 'Get') return undefined;
  const path = nodePath(target);
  if (verb === 'Exec') return undefined;
  return dmClientProblem(verb, path) ?? accountProblem(path) ?? certificateStoreProblem(verb, path);
}

function dmClientProblem(verb: Verb, path: readonly string[]): string | undefined {
  const place = relation(path, 'DMClient/Provider/*');
  if (!place) return undefined;
  const refused = `${verb} of this node ${CUTS_OFF}; ${INSTEAD}`;
  if (place !== 'below') return refused;
  const under = (nodes: readonly string[]) =>
    nodes.some((node) => ['at', 'below'].includes(relation(path, node) ?? ''));
  if (verb === 'Delete') return under(DELETABLE) ? undefined : refused;
  return under(NOT_TO_BE_SET) ? refused : undefined;
}

/** DMAcc CSP: the account that enrollment made, with the address and the credentials of the server. */
function accountProblem(path: readonly string[]): string | undefined {
  return relation(path, 'SyncML/DMAcc')
    ? `the management account is not changed by commands: that ${CUTS_OFF}`
    : undefined;
}

/** CertificateStore CSP: the certificate that the device shows us is in `My`, our authorities in `Root` and `CA`. */
function certificateStoreProblem(verb: Verb, path: readonly string[]): string | undefined {
  const refused = `${verb} here removes the certificate with which the device calls, which ${CUTS_OFF}`;
  if (relation(path, 'CertificateStore/My/WSTEP') && verb === 'Delete') return refused;
  for (const store of ['My/User/*', 'My/System/*']) {
    const place = relation(path, `CertificateStore/${store}`);
    if (place) return refused;
  }
  const whole = ['Root/System', 'CA/System'].some((store) => {
    const place = relation(path, `CertificateStore/${store}`);
    return place === 'at' || place === 'above';
  });
  return whole && verb === 'Delete' ? refused : undefined;
}

/** Stores from which an authority of ours must not go, each with the thumbprint as the name below it. */
const AUTHORITY_STORES = [
  'CertificateStore/Root/System/*',
  'CertificateStore/CA/System/*',
  'RootCATrustedCertificates/Root/*',
  'RootCATrustedCertificates/CA/*',
];

/**
 * @param authorities our root and issuing CAs
 * @returns why a command that removes or overwrites one of them from the device's stores is refused. The CSPs name
 *   certificates by their SHA-1 thumbprint.
 */
export function authorityProblem(
  verb: Verb,
  target: string,
  authorities: readonly X509Certificate[],
): string | undefined {
  if (verb !== 'Delete' && verb !== 'Replace') return undefined;
  const path = nodePath(target);
  const named = authorities.find((certificate) =>
    path.includes(certificate.fingerprint.replaceAll(':', '').toLowerCase()),
  );
  const inStore = AUTHORITY_STORES.some((store) => ['at', 'below'].includes(relation(path, store) ?? ''));
  if (!named || !inStore) return undefined;
  return `is the certificate authority of this management (${named.subject.replace(/\s+/g, ' ')}): to remove it ${CUTS_OFF}`;
}
