import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  bitString,
  integer,
  octetString,
  oid,
  printableString,
  sequence,
  set,
  tagged,
  tlv,
} from '../../../local/device/der.ts';

/** Certificates for the tests of the device: made with node:crypto and plain DER. */

export interface Issuer {
  name: string;
  key: KeyObject;
  publicKey: KeyObject;
}

export interface CertificateWish {
  subject: string;
  publicKey: KeyObject;
  issuer: Issuer;
  ca?: boolean;
  /** object identifiers; left out: no extended key usage */
  usages?: string[];
  hosts?: string[];
  notBefore?: Date;
  notAfter?: Date;
}

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
export const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
export const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';

let serial = 1;

export function newIssuer(name: string): Issuer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { name, key: privateKey, publicKey };
}

/** An X.509 v3 certificate, DER. */
export function issue(wish: CertificateWish): Buffer {
  const algorithm = sequence(oid(ECDSA_SHA256));
  const notBefore = wish.notBefore ?? new Date(Date.now() - 600_000);
  const notAfter = wish.notAfter ?? new Date(Date.now() + 365 * 86_400_000);
  const tbs = sequence(
    tagged(0, integer(2)),
    integer(serial++),
    algorithm,
    name(wish.issuer.name),
    sequence(utcTime(notBefore), utcTime(notAfter)),
    name(wish.subject),
    wish.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensions(wish))),
  );
  return sequence(tbs, algorithm, bitString(sign('sha256', tbs, wish.issuer.key)));
}

function extensions(wish: CertificateWish): Buffer[] {
  const list: Buffer[] = [];
  const add = (id: string, value: Buffer) => list.push(sequence(oid(id), octetString(value)));
  if (wish.ca) add('2.5.29.19', sequence(tlv(0x01, Buffer.from([0xff]))));
  if (wish.usages) add('2.5.29.37', sequence(...wish.usages.map(oid)));
  if (wish.hosts) add('2.5.29.17', sequence(...wish.hosts.map(generalName)));
  add('2.5.29.14', octetString(createHash('sha1').update(wish.subject).digest()));
  return list;
}

function generalName(host: string): Buffer {
  if (/^[\d.]+$/.test(host)) return tlv(0x87, Buffer.from(host.split('.').map(Number)));
  return tlv(0x82, Buffer.from(host));
}

const name = (commonName: string): Buffer =>
  sequence(set(sequence(oid('2.5.4.3'), printableString(Buffer.from(commonName)))));

const utcTime = (date: Date): Buffer =>
  tlv(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

export const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;

export const sha1 = (der: Buffer): string => createHash('sha1').update(der).digest('hex').toUpperCase();

/** One DER value: its tag, its content and what follows it. */
export function readTlv(bytes: Buffer): { tag: number; content: Buffer; whole: Buffer; rest: Buffer } {
  const first = bytes[1] as number;
  const digits = first & 0x80 ? first & 0x7f : 0;
  const size = digits ? bytes.readUIntBE(2, digits) : first;
  const start = 2 + digits;
  const end = start + size;
  return {
    tag: bytes[0] as number,
    content: bytes.subarray(start, end),
    whole: bytes.subarray(0, end),
    rest: bytes.subarray(end),
  };
}

/** The values inside a constructed one. */
export function readAll(content: Buffer): ReturnType<typeof readTlv>[] {
  const list: ReturnType<typeof readTlv>[] = [];
  for (let rest = content; rest.length > 0; ) {
    const value = readTlv(rest);
    list.push(value);
    rest = value.rest;
  }
  return list;
}
