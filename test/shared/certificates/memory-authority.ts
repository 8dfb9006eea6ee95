import { createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import {
  makeIssuingCertificate,
  makeRootCertificate,
  type SigningKey,
} from '../../../shared/certificates/ca-certificates.ts';
import type { CertificateAuthority } from '../../../shared/certificates/certificate-authority.ts';

export interface MemoryAuthority extends CertificateAuthority {
  rootKey: KeyObject;
  issuingKey: KeyObject;
}

export function newRsaKey(modulusLength = 2048): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength }).privateKey;
}

export function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: 'spki', format: 'der' });
}

/**
 * A CA whose keys lie nowhere, as those of a vault do for the callers of the interface. They are small because a test waits
 * for them; the product makes RSA 3072.
 */
export async function memoryAuthority(
  at: Date,
  rootKey = newRsaKey(1024),
  issuingKey = newRsaKey(1024),
): Promise<MemoryAuthority> {
  const signingKey = (key: KeyObject): SigningKey => ({
    subjectPublicKeyInfo: publicKeyOf(key),
    sign: async (tbs) => sign('sha256', tbs, key),
  });
  const rootCertificate = await makeRootCertificate(signingKey(rootKey), at);
  const notAfter = new Date(new X509Certificate(rootCertificate).validTo);
  const signer = { certificate: rootCertificate, notAfter, key: signingKey(rootKey) };
  const issuingCertificate = await makeIssuingCertificate(signer, signingKey(issuingKey), at);
  return { rootCertificate, issuingCertificate, rootKey, issuingKey, sign: signingKey(issuingKey).sign };
}
