import { generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import {
  bitString,
  boolean,
  commonName,
  integer,
  nothing,
  objectIdentifier,
  octetString,
  sequence,
  signed,
  time,
  tlv,
  utf8String,
} from '../shared/certificates/der.ts';

/** Certificates of users as a Windows CA issues them for smart cards, made by hand so that wrong ones can be made too. */

export interface UserWish {
  /** Names in the subject's alternative names. */
  principalNames?: string[];
  addresses?: string[];
  /** Purposes; none: the extension is left out. */
  purposes?: string[];
  notBefore?: Date;
  notAfter?: Date;
  ca?: boolean;
  keys?: { privateKey: KeyObject; publicKey: KeyObject };
}

const DAY = 86_400_000;
export const SMART_CARD_LOGON = '1.3.6.1.4.1.311.20.2.2';
export const CLIENT_AUTHENTICATION = '1.3.6.1.5.5.7.3.2';
let serial = 1;

export class UserAuthority {
  readonly name: string;
  readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  readonly pem: string;

  constructor(name: string, dates: { notBefore?: Date; notAfter?: Date } = {}) {
    this.name = name;
    this.pem = new X509Certificate(this.#issue(name, { ca: true, keys: this.keys, ...dates })).toString();
  }

  /** A user's certificate (DER) and its key (PEM). */
  issue(wish: UserWish = {}): { certificate: Buffer; key: string; wish: UserWish } {
    const keys = wish.keys ?? generateKeyPairSync('rsa', { modulusLength: 2048 });
    const own = { principalNames: ['kim@example.org'], purposes: [SMART_CARD_LOGON, CLIENT_AUTHENTICATION], ...wish };
    return {
      certificate: this.#issue('Kim', { ...own, keys }),
      key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      wish: { ...wish, keys },
    };
  }

  #issue(subject: string, wish: UserWish & { keys: { publicKey: KeyObject } }): Buffer {
    const now = Date.now();
    const { notBefore = new Date(now - DAY), notAfter = new Date(now + 365 * DAY) } = wish;
    serial += 1;
    const toBeSigned = sequence(
      tlv(0xa0, integer(2)),
      integer(1, serial >> 8, serial & 255),
      sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing()),
      sequence(commonName(utf8String(this.name))),
      sequence(time(notBefore), time(notAfter)),
      sequence(commonName(utf8String(subject))),
      wish.keys.publicKey.export({ type: 'spki', format: 'der' }),
      tlv(0xa3, sequence(...extensionsOf(wish))),
    );
    return signed(toBeSigned, this.keys.privateKey);
  }
}

function extensionsOf({ ca = false, purposes = [], principalNames = [], addresses = [] }: UserWish): Buffer[] {
  const extension = (identifier: string, value: Buffer, critical = false) =>
    sequence(objectIdentifier(identifier), ...(critical ? [boolean(true)] : []), octetString(value));
  const principal = (name: string) =>
    tlv(0xa0, objectIdentifier('1.3.6.1.4.1.311.20.2.3'), tlv(0xa0, utf8String(name)));
  const names = [...principalNames.map(principal), ...addresses.map((address) => tlv(0x81, Buffer.from(address)))];
  return [
    extension('2.5.29.19', ca ? sequence(boolean(true)) : sequence(), true),
    ...(ca ? [extension('2.5.29.15', bitString(Buffer.of(0x06), 1), true)] : []),
    ...(purposes.length > 0 ? [extension('2.5.29.37', sequence(...purposes.map(objectIdentifier)))] : []),
    ...(names.length > 0 ? [extension('2.5.29.17', sequence(...names))] : []),
  ];
}
