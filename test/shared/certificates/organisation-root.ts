import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import * as der from './der.ts';
import { publicKeyOf } from './memory-authority.ts';

/** What a certificate of an organisation's own CA says. The defaults are those of a good issuing CA. */
export interface Profile {
  subject: string;
  issuer: string;
  /** DER */
  publicKey: Buffer;
  signingKey: KeyObject;
  notBefore: Date;
  notAfter: Date;
  ca: boolean;
  pathLength: number | undefined;
  /** the octets of the BIT STRING with its unused bits; undefined: no key usage */
  keyUsage: { bits: number; unused: number } | undefined;
  /** undefined: no extended key usage */
  purposes: string[] | undefined;
}

export const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
export const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const CERTIFICATE_SIGN = { bits: 0x06, unused: 1 };
export const ROOT_NAME = 'Example Root';

/** The root key of an organisation; an EC key shows that its kind is theirs to choose. */
export function newEcKey(): KeyObject {
  return createPrivateKey(
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
}

/** A certificate by an organisation's own CA, DER. */
export function certificate(v: Profile): Buffer {
  const extensions = [
    extension('2.5.29.19', constraints(v)),
    ...(v.keyUsage ? [extension('2.5.29.15', der.bitString(Buffer.of(v.keyUsage.bits), v.keyUsage.unused))] : []),
    ...(v.purposes ? [extension('2.5.29.37', der.sequence(...v.purposes.map(der.objectIdentifier)))] : []),
  ];
  const algorithm = signature(v.signingKey);
  const tbs = der.sequence(
    der.tlv(0xa0, der.integer(2)),
    der.integer(0x11),
    algorithm.identifier,
    name(v.issuer),
    der.sequence(der.time(v.notBefore), der.time(v.notAfter)),
    name(v.subject),
    v.publicKey,
    der.tlv(0xa3, der.sequence(...extensions)),
  );
  return der.signed(tbs, v.signingKey, algorithm);
}

function constraints({ ca, pathLength }: Profile): Buffer {
  if (!ca) return der.sequence();
  return der.sequence(der.boolean(true), ...(pathLength === undefined ? [] : [der.integer(pathLength)]));
}

function extension(id: string, value: Buffer): Buffer {
  return der.sequence(der.objectIdentifier(id), der.octetString(value));
}

function signature(key: KeyObject) {
  const rsa = key.asymmetricKeyType === 'rsa';
  const oid = der.objectIdentifier(rsa ? '1.2.840.113549.1.1.11' : '1.2.840.10045.4.3.2');
  return { digest: 'sha256', identifier: der.sequence(oid, ...(rsa ? [der.nothing()] : [])) };
}

const name = (commonName: string) => der.sequence(der.commonName(der.utf8String(commonName)));
const years = (n: number, from: Date) => new Date(from.getTime() + n * 365 * 86_400_000);

/** An organisation's root: its certificate, and what it makes of signing requests. */
export class OrganisationRoot {
  readonly key = newEcKey();
  readonly #at: Date;

  constructor(at: Date) {
    this.#at = at;
  }

  root(change: Partial<Profile> = {}): Buffer {
    return certificate({
      subject: ROOT_NAME,
      issuer: ROOT_NAME,
      publicKey: publicKeyOf(this.key),
      signingKey: this.key,
      notBefore: years(-1, this.#at),
      notAfter: years(9, this.#at),
      ca: true,
      pathLength: undefined,
      keyUsage: CERTIFICATE_SIGN,
      purposes: undefined,
      ...change,
    });
  }

  /** The issuing certificate for a public key (SubjectPublicKeyInfo, DER). */
  issuing(publicKey: Buffer, change: Partial<Profile> = {}): Buffer {
    return certificate({
      subject: 'Example Device CA',
      issuer: ROOT_NAME,
      publicKey,
      signingKey: this.key,
      notBefore: years(-0.01, this.#at),
      notAfter: years(4, this.#at),
      ca: true,
      pathLength: 0,
      keyUsage: CERTIFICATE_SIGN,
      purposes: [CLIENT_AUTHENTICATION],
      ...change,
    });
  }
}
