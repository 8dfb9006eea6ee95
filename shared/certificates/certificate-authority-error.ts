/** The certificate authority cannot be opened or cannot issue; `message` says what an administrator can do. */
export class CertificateAuthorityError extends Error {
  override readonly name: string = 'CertificateAuthorityError';
  /** It may work again in a minute without anybody doing anything: the place of the keys is busy or out of reach. */
  readonly passing: boolean;

  constructor(message: string, options: ErrorOptions & { passing?: boolean } = {}) {
    super(message, options);
    this.passing = options.passing ?? false;
  }
}
