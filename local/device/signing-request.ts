import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { bitString, integer, nullValue, octetString, oid, printableString, sequence, set, tagged } from './der.ts';
import { DeviceError, HRESULT } from './errors.ts';

/** sha1WithRSASignature of the OIW: what Windows signs with when no hash was negotiated (MS-MDE2 3.3, seen in real requests). */
export const OIW_SHA1_WITH_RSA = '1.3.14.3.2.29';
export const SHA256 = '2.16.840.1.101.3.4.2.1';

interface SignatureAlgorithm {
  hash: string;
  signature: string;
}

const SIGNATURE_ALGORITHMS: Record<string, SignatureAlgorithm> = {
  [OIW_SHA1_WITH_RSA]: { hash: 'sha1', signature: OIW_SHA1_WITH_RSA },
  '1.3.14.3.2.26': { hash: 'sha1', signature: OIW_SHA1_WITH_RSA },
  [SHA256]: { hash: 'sha256', signature: '1.2.840.113549.1.1.11' },
  '2.16.840.1.101.3.4.2.2': { hash: 'sha384', signature: '1.2.840.113549.1.1.12' },
  '2.16.840.1.101.3.4.2.3': { hash: 'sha512', signature: '1.2.840.113549.1.1.13' },
};

/**
 * The PKCS#10 (RFC 2986) as Windows builds it, with what no standard allows and every server must read: the subject is one
 * CN of 64 octets, PrintableString with `!` and NUL in it, and the value of the one requested extension is the bare
 * DeviceID and a NUL, no ASN.1 around it.
 * In: the RSA key, the 32 characters of the DeviceID, any GUID, the hash OID of the policy. Out: DER.
 * Errors: 0x80180027 for a hash that the device does not know.
 */
export function signingRequest(v: { key: KeyObject; deviceId: string; guid: string; hashOid: string }): Buffer {
  const algorithm = SIGNATURE_ALGORITHMS[v.hashOid];
  if (!algorithm) {
    throw new DeviceError(HRESULT.privateKeyCreation, 'signing request', `unknown hash algorithm ${v.hashOid}`);
  }
  const publicKey = createPublicKey(v.key).export({ type: 'spki', format: 'der' });
  const info = sequence(integer(0), subject(v.guid, v.deviceId), publicKey, tagged(0, extensionRequest(v.deviceId)));
  return sequence(info, sequence(oid(algorithm.signature), nullValue()), bitString(sign(algorithm.hash, info, v.key)));
}

function subject(guid: string, deviceId: string): Buffer {
  const end = `!${deviceId}\0`;
  const text = guid.slice(0, 64 - end.length) + end;
  return sequence(set(sequence(oid('2.5.4.3'), printableString(Buffer.from(text, 'latin1')))));
}

function extensionRequest(deviceId: string): Buffer {
  const extension = sequence(oid('1.3.6.1.4.1.311.66.1.0'), octetString(Buffer.from(`${deviceId}\0`, 'latin1')));
  return sequence(oid('1.2.840.113549.1.9.14'), set(sequence(extension)));
}
