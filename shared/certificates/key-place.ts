import type { Sign } from './certificate-builder.ts';

export type CaKind = 'root' | 'issuing';

/** A CA certificate and the key that it is for. */
export interface CaCertificate {
  /** DER */
  certificate: Buffer;
  /** names the key where it lies: a file name, or the id of one version of a vault's key */
  key: string;
}

/** A key that has been made and waits for its certificate. */
export interface PendingKey {
  /** PKCS#10, DER */
  signingRequest: Buffer;
  key: string;
}

/**
 * Where the keys of the certificate authority lie and its certificates beside them: a folder, or a vault. Keys never leave
 * it. All calls throw CertificateAuthorityError where the place does not answer or refuses.
 */
export interface KeyPlace {
  /** The finished certificates of a kind, oldest first; none that an administrator disabled. */
  certificates(kind: CaKind): Promise<CaCertificate[]>;
  /** The key of a kind that waits for its certificate, if there is one: at most one can. */
  pending(kind: CaKind): Promise<PendingKey | undefined>;
  /** Makes a key of a kind, or gives the one that is waiting. */
  begin(kind: CaKind): Promise<PendingKey>;
  /**
   * Puts a certificate to its waiting key.
   *
   * @param chain DER: the certificate, then what is above it
   * @throws KeyPlaceMoved when the key does not wait for it any more: somebody else was faster
   */
  complete(kind: CaKind, pending: PendingKey, chain: Buffer[]): Promise<void>;
  /** Gives the waiting key up; nothing happens where there is none. */
  cancel(kind: CaKind): Promise<void>;
  /** Signs with a key of this place. */
  sign(key: string): Sign;
}

/** Somebody else changed the place at the same moment; the caller looks again. */
export class KeyPlaceMoved extends Error {
  override readonly name = 'KeyPlaceMoved';
}
