import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { makeIssuingCertificate, makeRootCertificate, type SigningKey } from './ca-certificates.ts';
import { CertificateAuthorityError } from './certificate-authority-error.ts';
import { commonNameOf } from './certification-request.ts';
import { isInDate, type PublishedIssuer, SETTLING_MS } from './issuers.ts';
import { type CaCertificate, type CaKind, type KeyPlace, KeyPlaceMoved, type PendingKey } from './key-place.ts';
import { checkOwnRootChain } from './own-root.ts';
import { readSigningRequest } from './signing-request.ts';

/**
 * How the certificate authority comes into being and is followed by another. The admin app does this and no other; whatever
 * breaks off, the next call goes on from there, and of several calls at once one makes the CA and all find it.
 */

/** Where it stands which issuing CAs there are, for all apps to read. */
export interface IssuerRecords {
  read(): Promise<{ authorities: PublishedIssuer[]; awaitingOwnRoot?: string }>;
  /** Repeating it changes nothing. */
  publish(issuer: { certificate: Buffer; root: Buffer; key: string }): Promise<void>;
  awaitOwnRoot(since: string | undefined): Promise<void>;
}

export interface AuthorityPlace {
  keys: KeyPlace;
  records: IssuerRecords;
}

/** What was asked does not fit the state of the certificate authority; `message` says what does. */
export class AuthorityConflict extends Error {
  override readonly name = 'AuthorityConflict';
}

/** Which root a new issuing CA hangs below. */
export type RootChoice = 'current' | 'new';

const MAX_ATTEMPTS = 5;

/**
 * Makes what is missing of device root and issuing CA, and makes known what nobody was told of. Nothing happens where all is
 * there, nor while a certificate of the organisation's own root is awaited.
 *
 * @throws CertificateAuthorityError; AuthorityConflict where the only CA hangs below the organisation's own root and the records
 * of it are gone, as in a vault that was recovered: another CA would make strangers of all devices
 */
export async function ensureAuthority(place: AuthorityPlace, at: Date): Promise<void> {
  await untilSettled(async () => {
    const { authorities, awaitingOwnRoot } = await place.records.read();
    if (awaitingOwnRoot) return;
    const roots = await place.keys.certificates('root');
    const issuing = await place.keys.certificates('issuing');
    let found = authorities.some((issuer) => isGood(issuer, at));
    let isForgotten = false;
    for (const { certificate, key } of issuing) {
      const root = roots.find((candidate) => isIssuedBy(certificate, candidate.certificate));
      if (!root) {
        // Signed by the organisation's own root, and published when it was installed. The root is in no vault.
        isForgotten ||=
          isInDate(certificate, at) && !authorities.some((known) => known.certificate.equals(certificate));
        continue;
      }
      await place.records.publish({ certificate, key, root: root.certificate });
      found ||= isGood({ certificate, root: root.certificate }, at);
    }
    if (found) return;
    if (isForgotten) throw ownRootForgotten();
    const root = newestGood(roots, at) ?? (await makeRoot(place.keys, roots, at));
    await makeIssuing(place, issuing, root, at);
  });
}

/**
 * Makes a new issuing CA, which signs as soon as all apps know it. The one before stays accepted until its own end. What an
 * earlier call made before it broke off is taken, be it the new root or the issuing CA itself.
 *
 * @param choice below the root that signs now, or below a new one
 * @throws AuthorityConflict where another roll-over is under way, or the root that signs now is not ours
 */
export async function rollOver(place: AuthorityPlace, choice: RootChoice, at: Date): Promise<void> {
  const { authorities, awaitingOwnRoot } = await place.records.read();
  if (awaitingOwnRoot) throw ownRootAwaited();
  refuseTooSoon(authorities, at);
  const issuing = await place.keys.certificates('issuing');
  const roots = await place.keys.certificates('root');
  const unpublished = madeButUnpublished(authorities, issuing, roots, choice, at);
  if (unpublished) return place.records.publish(unpublished);
  try {
    const root =
      choice === 'new'
        ? (unusedRoot(authorities, issuing, roots, at) ?? (await makeRoot(place.keys, roots, at)))
        : currentRoot(authorities, roots, at);
    await makeIssuing(place, issuing, root, at);
  } catch (error) {
    throw error instanceof KeyPlaceMoved ? movedMeanwhile() : error;
  }
}

/**
 * Makes an issuing key and waits for a certificate of the organisation's own root. Repeating it gives the same request.
 *
 * @returns the signing request, PKCS#10, DER
 */
export async function requestOwnRoot(place: AuthorityPlace, at: Date): Promise<Buffer> {
  const { authorities, awaitingOwnRoot } = await place.records.read();
  if (!awaitingOwnRoot) {
    refuseTooSoon(authorities, at);
    await place.records.awaitOwnRoot(at.toISOString());
  }
  return (await pendingIssuingKey(place.keys)).signingRequest;
}

/** The signing request that waits for the organisation's own root; undefined where none does. */
export async function awaitedSigningRequest({ keys, records }: AuthorityPlace): Promise<Buffer | undefined> {
  const { awaitingOwnRoot } = await records.read();
  return awaitingOwnRoot ? (await pendingIssuingKey(keys)).signingRequest : undefined;
}

/** Gives up the request for a certificate of the organisation's own root, and its key. */
export async function giveUpOwnRoot({ keys, records }: AuthorityPlace): Promise<boolean> {
  const { awaitingOwnRoot } = await records.read();
  if (!awaitingOwnRoot) return false;
  await keys.cancel('issuing');
  await records.awaitOwnRoot(undefined);
  return true;
}

/**
 * Installs the issuing certificate that the organisation's root signed. Repeating it with the same certificates changes
 * nothing, and completes what broke off.
 *
 * @param certificates the issuing certificate and its root, in any order
 * @throws OwnRootError with what is wrong with the certificates; AuthorityConflict where nothing waits for them
 */
export async function installOwnRoot(place: AuthorityPlace, certificates: X509Certificate[], at: Date): Promise<void> {
  const { authorities, awaitingOwnRoot } = await place.records.read();
  if (authorities.some(({ certificate }) => certificates.some(({ raw }) => raw.equals(certificate)))) return;
  if (!awaitingOwnRoot)
    throw new AuthorityConflict('No signing request waits for a certificate. Begin a roll-over first.');
  const waiting = await keyOf(place.keys, certificates);
  if (!waiting) throw new AuthorityConflict('The signing request is gone. Ask for it again and have it signed.');
  const { issuing, root } = checkOwnRootChain(certificates, waiting.publicKey, at);
  try {
    if (waiting.pending) await place.keys.complete('issuing', waiting.pending, [issuing.raw, root.raw]);
  } catch (error) {
    throw error instanceof KeyPlaceMoved ? movedMeanwhile() : error;
  }
  await place.records.publish({ certificate: issuing.raw, root: root.raw, key: waiting.key });
  await place.records.awaitOwnRoot(undefined);
}

/** The issuing key that certificates are for: one that waits, or one that has got just this certificate already. */
async function keyOf(
  keys: KeyPlace,
  certificates: X509Certificate[],
): Promise<{ key: string; publicKey: KeyObject; pending?: PendingKey } | undefined> {
  const finished = await keys.certificates('issuing');
  const merged = finished.find(({ certificate }) => certificates.some(({ raw }) => raw.equals(certificate)));
  if (merged) return { key: merged.key, publicKey: new X509Certificate(merged.certificate).publicKey };
  const pending = await keys.pending('issuing');
  if (!pending) return undefined;
  const { subjectPublicKeyInfo } = readSigningRequest(pending.signingRequest);
  const publicKey = createPublicKey({ key: subjectPublicKeyInfo, format: 'der', type: 'spki' });
  return { key: pending.key, publicKey, pending };
}

async function pendingIssuingKey(keys: KeyPlace): Promise<PendingKey> {
  return (await keys.pending('issuing')) ?? (await keys.begin('issuing'));
}

async function makeRoot(keys: KeyPlace, known: CaCertificate[], at: Date): Promise<CaCertificate> {
  const pending = await beginUnlessMoved(keys, 'root', known);
  const certificate = await makeRootCertificate(signingKeyOf(keys, pending), at);
  await keys.complete('root', pending, [certificate]);
  return { certificate, key: pending.key };
}

async function makeIssuing(
  { keys, records }: AuthorityPlace,
  known: CaCertificate[],
  root: CaCertificate,
  at: Date,
): Promise<void> {
  const pending = await beginUnlessMoved(keys, 'issuing', known);
  const { publicKey, validTo } = new X509Certificate(root.certificate);
  const subjectPublicKeyInfo = publicKey.export({ type: 'spki', format: 'der' });
  const rootKey: SigningKey = { subjectPublicKeyInfo, sign: keys.sign(root.key) };
  const signer = { certificate: root.certificate, notAfter: new Date(validTo), key: rootKey };
  const certificate = await makeIssuingCertificate(signer, signingKeyOf(keys, pending), at);
  await keys.complete('issuing', pending, [certificate, root.certificate]);
  await records.publish({ certificate, root: root.certificate, key: pending.key });
}

/**
 * A key that waits, made or taken over from a call that broke off. Who looked before somebody else finished, and asks for a
 * key after that, would make a second CA: so it is looked again once the key is there.
 */
async function beginUnlessMoved(keys: KeyPlace, kind: CaKind, known: CaCertificate[]): Promise<PendingKey> {
  const waiting = await keys.pending(kind);
  const pending = waiting ?? (await keys.begin(kind));
  const found = await keys.certificates(kind);
  if (found.length === known.length) return pending;
  if (!waiting) await keys.cancel(kind);
  throw new KeyPlaceMoved('somebody else finished a CA certificate at the same moment');
}

function signingKeyOf(keys: KeyPlace, { signingRequest, key }: PendingKey): SigningKey {
  const { subjectPublicKeyInfo } = readSigningRequest(signingRequest);
  return { subjectPublicKeyInfo, commonName: commonNameOf(signingRequest), sign: keys.sign(key) };
}

async function untilSettled(act: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof KeyPlaceMoved)) throw error;
      if (attempt < MAX_ATTEMPTS) continue;
      const message = `The certificate authority is being changed by others at this moment: ${error.message}.`;
      throw new CertificateAuthorityError(message, { passing: true, cause: error });
    }
  }
}

/** An issuing CA that is newer than the one that signs, hangs below the root that is asked for, and was never made known. */
function madeButUnpublished(
  authorities: PublishedIssuer[],
  issuing: CaCertificate[],
  roots: CaCertificate[],
  choice: RootChoice,
  at: Date,
): { certificate: Buffer; root: Buffer; key: string } | undefined {
  const current = authorities.at(-1);
  const made = issuing.find(
    ({ certificate }) =>
      current &&
      isNewer(certificate, current.certificate) &&
      !authorities.some((known) => known.certificate.equals(certificate)),
  );
  if (!current || !made) return undefined;
  const root = roots.find(({ certificate }) => isIssuedBy(made.certificate, certificate))?.certificate;
  if (!root || root.equals(current.root) !== (choice === 'current')) return undefined;
  return isGood({ certificate: made.certificate, root }, at) ? { ...made, root } : undefined;
}

/** A root that a call made which broke off: in date, newer than the one that signs, and with nothing below it. */
function unusedRoot(
  authorities: PublishedIssuer[],
  issuing: CaCertificate[],
  roots: CaCertificate[],
  at: Date,
): CaCertificate | undefined {
  const current = roots.find(({ certificate }) => authorities.at(-1)?.root.equals(certificate));
  return roots.findLast(
    ({ certificate }) =>
      isInDate(certificate, at) &&
      (!current || isNewer(certificate, current.certificate)) &&
      !issuing.some((below) => isIssuedBy(below.certificate, certificate)),
  );
}

function currentRoot(authorities: PublishedIssuer[], roots: CaCertificate[], at: Date): CaCertificate {
  const current = authorities.at(-1);
  if (!current) throw new AuthorityConflict('There is no certificate authority yet. POST /api/certificate-authority.');
  const root = roots.find(({ certificate }) => certificate.equals(current.root));
  if (!root) {
    throw new AuthorityConflict(
      "The issuing CA is signed by your organisation's root, or our root was disabled. Ask for root own, or for new.",
    );
  }
  if (!isInDate(root.certificate, at)) throw new AuthorityConflict('The device root has ended. Ask for root new.');
  return root;
}

/** A click too many must not make another CA, and one that does not sign yet needs no successor. */
function refuseTooSoon(authorities: PublishedIssuer[], at: Date): void {
  const newest = authorities.at(-1);
  if (!newest || authorities.length === 1) return;
  const settled = new Date(newest.publishedAt.getTime() + SETTLING_MS);
  if (settled <= at) return;
  throw new AuthorityConflict(`A new issuing CA was made just now and begins to sign at ${settled.toISOString()}.`);
}

function ownRootAwaited(): AuthorityConflict {
  return new AuthorityConflict(
    "A signing request waits for a certificate of your organisation's root. Install that, or delete the request.",
  );
}

function ownRootForgotten(): AuthorityConflict {
  return new AuthorityConflict(
    'There is an issuing CA that a root of your organisation signed, and its records are gone. To go on with it: ' +
      'node lanyard authority create --root own, then node lanyard authority install with the same certificates. ' +
      'To begin anew below a root of Lanyard: node lanyard authority roll-over --root new.',
  );
}

function movedMeanwhile(): AuthorityConflict {
  return new AuthorityConflict('Somebody else changed the certificate authority at this moment. Look, then try again.');
}

function newestGood(roots: CaCertificate[], at: Date): CaCertificate | undefined {
  return roots.findLast(({ certificate }) => isInDate(certificate, at));
}

function isGood({ certificate, root }: Pick<PublishedIssuer, 'certificate' | 'root'>, at: Date): boolean {
  return isInDate(certificate, at) && isInDate(root, at);
}

/** By what stands in them: where they lie, the order of two that were made within a second is not known. */
function isNewer(certificate: Buffer, than: Buffer): boolean {
  return new Date(new X509Certificate(certificate).validFrom) > new Date(new X509Certificate(than).validFrom);
}

function isIssuedBy(certificate: Buffer, root: Buffer): boolean {
  const issuer = new X509Certificate(root);
  const issued = new X509Certificate(certificate);
  return issued.checkIssued(issuer) && issued.verify(issuer.publicKey);
}
