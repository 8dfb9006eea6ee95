/** The certificate authority cannot be opened or cannot issue; `message` says what an administrator can do. */
export class CertificateAuthorityError extends Error {
  override readonly name = 'CertificateAuthorityError';
}
