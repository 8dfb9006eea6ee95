import { now } from '../platform/clock.ts';
import { CertificateAuthorityError } from './certificate-authority-error.ts';
import { openKeyFolder } from './file-keys.ts';

export { CertificateAuthorityError };

/** The device root and the issuing CA below it. The private keys stay behind `sign`, so that they may lie in a vault. */
export interface CertificateAuthority {
  /** DER; what devices trust */
  rootCertificate: Buffer;
  /** DER; signs the devices' certificates */
  issuingCertificate: Buffer;
  /** Signs the bytes of a TBSCertificate with the issuing key: sha256WithRSAEncryption, the bare signature. */
  sign(tbs: Buffer): Promise<Buffer>;
}

const FILES = 'files:';

/**
 * Opens the certificate authority that the setting names; where there is none yet, it is made.
 *
 * @param setting `files:<folder>`: keys and certificates as PEM files in a folder of this machine
 * @throws CertificateAuthorityError with what is wrong and what to do: another setting, a file that is missing, corrupt
 *   or does not belong to the others, a folder that cannot be written
 */
export async function openCertificateAuthority(setting: string): Promise<CertificateAuthority> {
  const folder = setting.startsWith(FILES) ? setting.slice(FILES.length).trim() : '';
  if (!folder)
    throw new CertificateAuthorityError(`The certificate authority '${setting}' is not of the form files:<folder>.`);
  return openKeyFolder(folder, now());
}
