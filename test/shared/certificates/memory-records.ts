import type { AuthorityPlace, IssuerRecords } from '../../../shared/certificates/authority-administration.ts';
import type { PublishedIssuer } from '../../../shared/certificates/issuers.ts';
import type { KeyPlace } from '../../../shared/certificates/key-place.ts';

/** The records that all instances of a deployment share, as the catalogue keeps them. */
export class MemoryRecords implements IssuerRecords {
  readonly authorities: PublishedIssuer[] = [];
  awaitingOwnRoot: string | undefined;
  /** the time at which things are published */
  now: Date;

  constructor(now: Date) {
    this.now = now;
  }

  async read() {
    const { awaitingOwnRoot } = this;
    return { authorities: [...this.authorities], ...(awaitingOwnRoot && { awaitingOwnRoot }) };
  }

  async publish(issuer: { certificate: Buffer; root: Buffer; key: string }): Promise<void> {
    if (this.authorities.some(({ certificate }) => certificate.equals(issuer.certificate))) return;
    this.authorities.push({ ...issuer, publishedAt: this.now });
  }

  async awaitOwnRoot(since: string | undefined): Promise<void> {
    this.awaitingOwnRoot = since;
  }

  /** An instance of the admin app that has these records and a place of keys. */
  with(keys: KeyPlace): AuthorityPlace {
    return { keys, records: this };
  }
}
