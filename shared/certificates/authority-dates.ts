import { X509Certificate } from 'node:crypto';
import { currentIssuer, type PublishedIssuer, SETTLING_MS } from './issuers.ts';
import { LEAF_VALIDITY_DAYS } from './leaf-validity.ts';
import { sha256Thumbprint } from './thumbprint.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A leaf never outlives its CA, so from a year before its end an issuing CA gives shorter ones; three months are for acting. */
export const ISSUING_DUE_DAYS = LEAF_VALIDITY_DAYS + 90;
/** An issuing CA ends with its root. Below one that ends in less than two years a new one would be due again soon. */
export const ROOT_DUE_DAYS = 2 * 365;

/** Something that an administrator has to do about the certificate authority. */
export interface Due {
  what: 'issuing' | 'root';
  /** `urgent`: devices already get certificates of less than a year, or none */
  urgency: 'soon' | 'urgent';
  /** when the certificate ends */
  ends: Date;
  daysLeft: number;
  /** what to do */
  message: string;
}

/** What is due about the newest issuing CA and its root. @param issuers oldest first */
export function dueActions(issuers: PublishedIssuer[], now: Date): Due[] {
  const newest = issuers.at(-1);
  if (!newest) return [];
  const act = (what: string) => `Roll over to a new ${what}: docs/certificates.md says how.`;
  return [
    due('issuing', newest.certificate, ISSUING_DUE_DAYS, act('issuing CA'), now),
    due('root', newest.root, ROOT_DUE_DAYS, act('root'), now),
  ].filter((each) => each !== undefined);
}

/**
 * @param since when a signing request for the organisation's own root was made, ISO 8601; undefined where none waits
 * @returns the whole days for which it has waited; 0 where none does
 */
export function daysAwaitingOwnRoot(since: string | undefined, now: Date): number {
  return since === undefined ? 0 : Math.floor((now.getTime() - Date.parse(since)) / DAY_MS);
}

function due(what: Due['what'], certificate: Buffer, dueDays: number, message: string, now: Date): Due | undefined {
  const ends = endOf(certificate);
  const daysLeft = Math.floor((ends.getTime() - now.getTime()) / DAY_MS);
  if (daysLeft >= dueDays) return undefined;
  return { what, ends, daysLeft, message, urgency: daysLeft < LEAF_VALIDITY_DAYS ? 'urgent' : 'soon' };
}

/** An issuing CA and what becomes of it. */
export interface IssuerView {
  subject: string;
  /** SHA-256, 64 lower-case hex digits */
  thumbprint: string;
  notAfter: string;
  /** subject of its root */
  root: string;
  /** `issuing` signs; `settling` will in minutes; `accepted` signed once, and devices still have its certificates; `ended` */
  state: 'issuing' | 'settling' | 'accepted' | 'ended';
  /** until when devices may have certificates of it, where that is known */
  neededUntil?: string;
}

/** All issuing CAs, oldest first. */
export function viewIssuers(issuers: PublishedIssuer[], now: Date): IssuerView[] {
  const current = currentIssuer(issuers, now);
  return issuers.map((issuer, index) => {
    const { subject } = new X509Certificate(issuer.certificate);
    const next = issuers[index + 1];
    const view: IssuerView = {
      subject,
      thumbprint: sha256Thumbprint(issuer.certificate),
      notAfter: endOf(issuer.certificate).toISOString(),
      root: new X509Certificate(issuer.root).subject,
      state: stateOf(issuer, current, now),
    };
    return next ? { ...view, neededUntil: lastLeafEnds(issuer, next).toISOString() } : view;
  });
}

function stateOf(issuer: PublishedIssuer, current: PublishedIssuer | undefined, now: Date): IssuerView['state'] {
  if (endOf(issuer.certificate) < now) return 'ended';
  if (issuer === current) return 'issuing';
  return issuer.publishedAt.getTime() + SETTLING_MS > now.getTime() ? 'settling' : 'accepted';
}

/** The last leaf was signed when the next CA took over, and does not outlive its own. */
function lastLeafEnds(issuer: PublishedIssuer, next: PublishedIssuer): Date {
  const last = next.publishedAt.getTime() + SETTLING_MS + LEAF_VALIDITY_DAYS * DAY_MS;
  return new Date(Math.min(last, endOf(issuer.certificate).getTime()));
}

function endOf(certificate: Buffer): Date {
  return new Date(new X509Certificate(certificate).validTo);
}
