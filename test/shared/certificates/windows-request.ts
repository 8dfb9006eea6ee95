import { createPublicKey, type KeyObject } from 'node:crypto';
import * as der from './der.ts';

export const OIW_SHA1_WITH_RSA = '1.3.14.3.2.29';

export interface RequestOptions {
  key: KeyObject;
  /** the key to sign with, where it is not the one that the request is for */
  signingKey?: KeyObject;
  digest?: string;
  algorithm?: string;
  parameters?: Buffer[];
  version?: Buffer;
  subject?: Buffer;
  publicKey?: Buffer;
  attributes?: Buffer[];
}

const DEVICE_ID = '9A5CE0D2F6C84B6FA91E02A4A3F0D7C1';
/** 64 octets as Windows fills them: the beginning of a GUID, `!`, the device id, NUL. */
export const WINDOWS_COMMON_NAME = `C9BF08A4-5B4A-4F3D-8E12-7F0E93B!${DEVICE_ID.slice(0, 31)}\0`;

/** A PKCS#10 request with everything in it that strict readers choke on; each part can be replaced. */
export function windowsRequest(v: RequestOptions): Buffer {
  const {
    digest = 'sha1',
    algorithm = OIW_SHA1_WITH_RSA,
    parameters = [der.nothing()],
    version = der.integer(0),
    subject = der.sequence(der.commonName(der.printableString(WINDOWS_COMMON_NAME))),
    publicKey = createPublicKey(v.key).export({ type: 'spki', format: 'der' }),
    attributes = [windowsAttributes()],
  } = v;
  const info = der.sequence(version, subject, publicKey, ...attributes);
  const identifier = der.sequence(der.objectIdentifier(algorithm), ...parameters);
  return der.signed(info, v.signingKey ?? v.key, { digest, identifier });
}

/** extensionRequest with one extension whose value is bare ASCII and a NUL instead of DER. */
function windowsAttributes(): Buffer {
  const extension = der.sequence(
    der.objectIdentifier('1.3.6.1.4.1.311.66.1.0'),
    der.octetString(Buffer.from(`${DEVICE_ID}\0`, 'latin1')),
  );
  return der.tlv(0xa0, der.sequence(der.objectIdentifier('1.2.840.113549.1.9.14'), der.set(der.sequence(extension))));
}
