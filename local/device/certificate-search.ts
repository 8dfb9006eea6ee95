import { X509Certificate } from 'node:crypto';
import type { CertificateStoreName } from './machine.ts';

/** SSLCLIENTCERTSEARCHCRITERIA, taken apart (w7 APPLICATION: only Subject and Stores are honoured, no wildcards). */
export interface CertificateSearch {
  subjects: string[];
  stores: string[];
}

export interface StoredCertificate {
  store: CertificateStoreName;
  /** PEM */
  certificate: string;
  key: string;
}

/** Several values of one name are joined by this character, itself escaped. */
const SEPARATOR = '\uF000';

/** Parses `Subject=CN%3D…&Stores=My%5CUser`. Out: undefined where the text is not of that form. */
export function parseSearchCriteria(text: string): CertificateSearch | undefined {
  const search: CertificateSearch = { subjects: [], stores: [] };
  for (const pair of text.split('&')) {
    const [name, value, ...more] = pair.split('=');
    if (value === undefined || more.length > 0) return undefined;
    let values: string[];
    try {
      values = decodeURIComponent(value).split(SEPARATOR);
    } catch {
      return undefined;
    }
    if (name === 'Subject') search.subjects.push(...values);
    else if (name === 'Stores') search.stores.push(...values);
  }
  return search.subjects.length > 0 && search.stores.length > 0 ? search : undefined;
}

/** The certificate that the criteria pick: whole subject, named stores; of several, the one that ends last. */
export function findCertificate(search: CertificateSearch, all: StoredCertificate[]): StoredCertificate | undefined {
  const end = (entry: StoredCertificate) => new Date(new X509Certificate(entry.certificate).validTo).getTime();
  return all
    .filter((entry) => search.stores.includes(entry.store))
    .filter((entry) => search.subjects.some((subject) => sameName(subject, entry.certificate)))
    .sort((a, b) => end(b) - end(a))[0];
}

function sameName(subject: string, certificate: string): boolean {
  const wanted = subject.split(',').map((part) => part.trim());
  const is = new X509Certificate(certificate).subject.split('\n');
  return wanted.join('\n') === is.join('\n') || wanted.reverse().join('\n') === is.join('\n');
}
