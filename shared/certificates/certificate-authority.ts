import { CertificateAuthorityError } from './certificate-authority-error.ts';
import type { Sign } from './certificate-builder.ts';
import { currentIssuer, type PublishedIssuer } from './issuers.ts';

export { CertificateAuthorityError };

/** The device root and the issuing CA below it. The private keys stay behind `sign`, so that they may lie in a vault. */
export interface CertificateAuthority {
  /** DER; what devices trust */
  rootCertificate: Buffer;
  /** DER; signs the devices' certificates */
  issuingCertificate: Buffer;
  /** Signs the bytes of a TBSCertificate with the issuing key: sha256WithRSAEncryption, the bare signature. */
  sign: Sign;
}

/**
 * The folder of the keys where the setting is `files:<folder>`; undefined where it is the https address of a vault.
 *
 * @throws CertificateAuthorityError where it is neither
 */
export function keyFolderOf(setting: string): string | undefined {
  const folder = /^files:(.*)$/s.exec(setting)?.[1]?.trim();
  if (folder) return folder;
  if (URL.canParse(setting) && new URL(setting).protocol === 'https:') return undefined;
  throw new CertificateAuthorityError(
    `The certificate authority '${setting}' is neither files:<folder> nor the https address of a Key Vault.`,
  );
}

/**
 * The certificate authority that issues now, out of those that the admin app made known. It makes nothing and asks the place
 * of the keys for nothing but signatures.
 *
 * @param issuers oldest first
 * @param signerOf gives the signer of a key
 * @throws CertificateAuthorityError where there is none yet or none is good any more
 */
export function issuingAuthority(
  issuers: PublishedIssuer[],
  signerOf: (key: string) => Sign,
  now: Date,
): CertificateAuthority {
  const current = currentIssuer(issuers, now);
  if (!current) {
    throw new CertificateAuthorityError(
      issuers.length === 0
        ? 'There is no certificate authority yet. POST /api/certificate-authority makes it.'
        : 'The issuing CA or its root has ended. POST /api/certificate-authority/roll-over makes another.',
    );
  }
  return {
    rootCertificate: current.root,
    issuingCertificate: current.certificate,
    sign: signerOf(current.key),
  };
}
