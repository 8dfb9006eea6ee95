import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { HRESULT } from './errors.ts';
import type { CertificateStoreName } from './machine.ts';
import { type Characteristic, childrenOfType, provisioningError, typedValue } from './wap-document.ts';

export interface ProvisionedCertificates {
  store: CertificateStoreName;
  leaf: X509Certificate;
  issuing: X509Certificate[];
  root: X509Certificate;
  /** days */
  renewPeriod: number;
  retryInterval: number;
  remarks: string[];
}

export interface CertificateExpectation {
  enrollmentType: 'Full' | 'Device';
  /** the key that was in the signing request */
  publicKey: KeyObject;
  now: Date;
}

const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
const ANY_EXTENDED_USAGE = '2.5.29.37.0';

/**
 * The CertificateStore of a provisioning document (MS-MDE2 2.2.9.1): one root, at most one CA below it, the client
 * certificate where the enrollment type wants it, and the renewal settings. Store names count letter by letter, node names
 * are the SHA-1 of the DER in upper case, and the chain has to hold at `now`. Errors: 0x8018001E.
 */
export function readCertificates(store: Characteristic, expected: CertificateExpectation): ProvisionedCertificates {
  const unknown = store.children.find((child) => !['Root', 'CA', 'My'].includes(child.type));
  if (unknown) throw refuse(`CertificateStore/${unknown.type} is no store`);
  const [root, ...moreRoots] = certificatesIn(one(store, 'Root'), 'Root', 'System');
  if (!root || moreRoots.length > 0) throw refuse('there must be exactly one root');
  const issuing = store.children.some((child) => child.type === 'CA')
    ? certificatesIn(one(store, 'CA'), 'CA', 'System')
    : [];
  if (issuing.length > 1) throw refuse('at most one intermediate CA is read');
  const my = one(store, 'My');
  const scope = expected.enrollmentType === 'Full' ? 'User' : 'System';
  const [leaf, ...moreLeaves] = certificatesIn(my, 'My', scope, ['WSTEP']);
  if (!leaf || moreLeaves.length > 0) throw refuse('there must be exactly one client certificate');
  if (!sameKey(leaf, expected.publicKey)) throw refuse('the client certificate is not for the key that was asked for');
  checkChain(leaf, issuing, root, expected.now);
  const container = childrenOfType(childrenOfType(my, scope)[0], 'PrivateKeyContainer').length > 0;
  return {
    store: `My\\${scope}`,
    leaf,
    issuing,
    root,
    ...renewal(my),
    remarks: container ? [] : [`My/${scope}/PrivateKeyContainer is missing`],
  };
}

/**
 * The CertificateStore of a renewal (MS-MDE2 3.5.4.1.1.2): the new client certificate; root and CA where they are new.
 * In: PEM of the authorities that the device has. Errors: 0x8018001E.
 */
export function readRenewedCertificate(
  store: Characteristic,
  expected: CertificateExpectation,
  known: { issuing: string; root: string },
): { leaf: X509Certificate; issuing: X509Certificate[]; root: X509Certificate } {
  const given = (type: string) =>
    store.children.some((child) => child.type === type) ? certificatesIn(one(store, type), type, 'System') : [];
  const scope = expected.enrollmentType === 'Full' ? 'User' : 'System';
  const [leaf, ...more] = certificatesIn(one(store, 'My'), 'My', scope);
  if (!leaf || more.length > 0) throw refuse('there must be exactly one client certificate');
  if (!sameKey(leaf, expected.publicKey)) throw refuse('the client certificate is not for the key that was asked for');
  const [newIssuing, newRoot] = [given('CA'), given('Root')];
  const issuing = newIssuing.length > 0 || !known.issuing ? newIssuing : [new X509Certificate(known.issuing)];
  const root = newRoot[0] ?? new X509Certificate(known.root);
  checkChain(leaf, issuing, root, expected.now);
  return { leaf, issuing, root };
}

function one(store: Characteristic, type: string): Characteristic {
  const [first, ...more] = childrenOfType(store, type);
  if (!first || more.length > 0) throw refuse(`CertificateStore/${type} must be there once`);
  return first;
}

function certificatesIn(of: Characteristic, name: string, scope: string, siblings: string[] = []): X509Certificate[] {
  const stranger = of.children.find((child) => child.type !== scope && !siblings.includes(child.type));
  if (stranger) throw refuse(`CertificateStore/${name}/${stranger.type}: only ${scope} belongs here`);
  const scoped = childrenOfType(of, scope);
  if (scoped.length > 1) throw refuse(`CertificateStore/${name}/${scope} is there twice`);
  return (scoped[0]?.children ?? []).filter((child) => child.type !== 'PrivateKeyContainer').map(certificate);
}

function certificate(node: Characteristic): X509Certificate {
  const encoded = node.parms.get('EncodedCertificate')?.value;
  if (!encoded) throw refuse(`${node.type} has no EncodedCertificate`);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) throw refuse(`${node.type}: EncodedCertificate is not plain base64`);
  const der = Buffer.from(encoded, 'base64');
  const sha1 = createHash('sha1').update(der).digest('hex').toUpperCase();
  if (node.type !== sha1) throw refuse(`the node ${node.type} is not named after its certificate (${sha1})`);
  try {
    return new X509Certificate(der);
  } catch {
    throw refuse(`${node.type} holds no certificate`);
  }
}

function sameKey(leaf: X509Certificate, key: KeyObject): boolean {
  const spki = (k: KeyObject) => k.export({ type: 'spki', format: 'der' });
  return spki(leaf.publicKey).equals(spki(key));
}

function checkChain(leaf: X509Certificate, issuing: X509Certificate[], root: X509Certificate, now: Date): void {
  if (leaf.ca) throw refuse('the client certificate is a CA');
  if (!allows(leaf, CLIENT_AUTHENTICATION)) throw refuse('the client certificate is not for client authentication');
  if (!leaf.keyUsage) throw refuse('the client certificate names no extended key usage');
  const chain = [leaf, ...issuing, root];
  for (const [n, subject] of chain.entries()) {
    const issuer = chain[n + 1] ?? root;
    if (!issuer.ca) throw refuse(`${issuer.subject} is no CA`);
    if (!subject.checkIssued(issuer) || !subject.verify(issuer.publicKey)) {
      throw refuse(`${subject.subject} was not issued by ${issuer.subject}`);
    }
    if (!allows(issuer, CLIENT_AUTHENTICATION))
      throw refuse(`${issuer.subject} may not issue for client authentication`);
    if (now < new Date(subject.validFrom) || now > new Date(subject.validTo)) {
      throw refuse(`${subject.subject} is valid from ${subject.validFrom} to ${subject.validTo} only`);
    }
  }
}

// Node calls the extended key usage `keyUsage`; a certificate without it may be used for everything.
function allows(x509: X509Certificate, usage: string): boolean {
  const usages = x509.keyUsage as string[] | undefined;
  return !usages || usages.includes(usage) || usages.includes(ANY_EXTENDED_USAGE);
}

function renewal(my: Characteristic): { renewPeriod: number; retryInterval: number } {
  const renew = childrenOfType(childrenOfType(my, 'WSTEP')[0], 'Renew')[0];
  if (!renew) return { renewPeriod: 42, retryInterval: 7 };
  const read = (name: string, type: 'integer' | 'boolean' | 'string') =>
    typedValue(renew, name, type, HRESULT.provisionCertificateStore);
  const stranger = [...renew.parms.keys()].find((name) => !RENEW_PARMS.includes(name));
  if (stranger) throw refuse(`My/WSTEP/Renew/${stranger} is no node`);
  read('ROBOSupport', 'boolean');
  read('ServerURL', 'string');
  const renewPeriod = Number(read('RenewPeriod', 'integer') ?? 42);
  const retryInterval = Number(read('RetryInterval', 'integer') ?? 7);
  if (renewPeriod < 1 || renewPeriod > 1000) throw refuse('RenewPeriod is not within 1 and 1000 days');
  if (retryInterval < 1 || retryInterval > renewPeriod) throw refuse('RetryInterval is not within 1 and RenewPeriod');
  return { renewPeriod, retryInterval };
}

const RENEW_PARMS = ['ROBOSupport', 'RenewPeriod', 'RetryInterval', 'ServerURL'];

const refuse = (message: string) => provisioningError(HRESULT.provisionCertificateStore, message);
