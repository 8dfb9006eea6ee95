import { X509Certificate } from 'node:crypto';
import type { PublishedIssuer } from '../certificates/issuers.ts';
import { invalid } from '../platform/body.ts';
import { now } from '../platform/clock.ts';
import { PROFILE_PREFIX, type Profile } from '../profiles/profile.ts';
import { StorageUnavailable } from '../storage/errors.ts';
import type { Row } from '../storage/rows.ts';
import type { Storage } from '../storage/storage.ts';
import { tryWrite } from '../storage/tables.ts';
import { DEFAULT_POLICY, type Policy, policySchema } from './policy.ts';

/** What every message needs and hardly ever changes: one small partition, kept in memory for a minute. */
export interface CatalogueContent {
  policy: Policy;
  /**
   * Why this version cannot read the policy that is stored, so that the default one stands in for it: nothing is to be taken
   * away from anybody for that, and nothing given that the other may have withheld.
   */
  policyUnreadable?: string;
  /** Certificates of all authorities whose leaves are accepted. */
  issuers: X509Certificate[];
  /** Those of them that the enroll app can sign for, oldest first. */
  authorities: PublishedIssuer[];
  /** What devices are to be set to. */
  profiles?: Profile[];
  /** Whether there ever was a refusal of a user or a device: without one, nobody has to look for them. */
  hasRefusals?: boolean;
  /** Since when an issuing key has been waiting for a certificate of the organisation's own root (ISO 8601). */
  awaitingOwnRoot?: string;
}

export interface Catalogue {
  /** @returns the content, at most 60 seconds old; reads storage at most once in that time. */
  read(): Promise<CatalogueContent>;
  /**
   * As `read`; when storage does not answer, what was read last, or the defaults. For answers that everyone gets and that
   * decide nothing: a device is then told what is the matter where it matters.
   */
  readOrLast(): Promise<CatalogueContent>;
  /** Replaces the policy and drops this instance's copy. Others follow within 60 seconds. */
  writePolicy(policy: Policy): Promise<void>;
  /**
   * Makes a CA certificate known to the apps that check leaves, and with root and key to the app that issues them. Repeating
   * it changes nothing.
   */
  publishCertificate(der: Buffer, issues?: { root: Buffer; key: string }): Promise<void>;
  /** Notes that an issuing key waits for the organisation's own root, or with undefined that none does any more. */
  awaitOwnRoot(since: string | undefined): Promise<void>;
  /** Drops this instance's copy, for those who are about to decide on what they read. */
  forget(): void;
}

export const KEPT_FOR_MS = 60_000;
/** After a failure storage is not asked again for so long by those who can do without: each try takes seconds. */
export const SPARED_FOR_MS = 15_000;

export const CATALOGUE_PARTITION = 'catalogue';
/** There once a user or a device is refused; the refusals lie in a partition of their own. */
export const REFUSALS_ROW = 'refusals';
const POLICY_ROW = 'policy';
const CERTIFICATE_PREFIX = 'ca|';
const OWN_ROOT_ROW = 'ownroot';

interface CertificateRow {
  subject: string;
  notAfter: string;
  der: Buffer;
  root?: Buffer;
  key?: string;
  publishedAt?: string;
}

export function openCatalogue(storage: Storage): Catalogue {
  const table = storage.table('catalogue');
  let kept: { content: CatalogueContent; until: number } | undefined;
  let reading: Promise<CatalogueContent> | undefined;
  let last: CatalogueContent = { policy: DEFAULT_POLICY, issuers: [], authorities: [] };
  let sparedUntil = 0;

  async function load(): Promise<CatalogueContent> {
    const rows: Row<unknown>[] = [];
    let from: string | undefined;
    // One page, unless much is in it. Half of the profiles would be worse than none: the other half would be taken away.
    do {
      const page = await table.page(CATALOGUE_PARTITION, { from, limit: 1_000 });
      rows.push(...page.rows);
      from = page.next;
    } while (from);
    return readRows(rows);
  }

  function startReading(): Promise<CatalogueContent> {
    const mine = load()
      .then((content) => {
        last = content;
        if (reading === mine) kept = { content, until: now().getTime() + KEPT_FOR_MS };
        return content;
      })
      .finally(() => {
        if (reading === mine) reading = undefined;
      });
    return mine;
  }

  /** What was read before the change, or is being read while it is made, is not kept. */
  function forget(): void {
    kept = undefined;
    reading = undefined;
    sparedUntil = 0;
  }

  function read(): Promise<CatalogueContent> {
    if (kept && kept.until > now().getTime()) return Promise.resolve(kept.content);
    // One reader for all who wait: a burst of messages on a cold instance asks storage once.
    reading ??= startReading();
    return reading;
  }

  async function readOrLast(): Promise<CatalogueContent> {
    if (sparedUntil > now().getTime()) return last;
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof StorageUnavailable)) throw error;
      sparedUntil = now().getTime() + SPARED_FOR_MS;
      return last;
    }
  }

  return {
    read,
    readOrLast,
    async writePolicy(policy) {
      await table.write(CATALOGUE_PARTITION, [{ kind: 'upsert', rowKey: POLICY_ROW, value: { policy } }]);
      forget();
    },
    async publishCertificate(der, issues) {
      const certificate = new X509Certificate(der);
      const value: CertificateRow = {
        subject: certificate.subject,
        notAfter: new Date(certificate.validTo).toISOString(),
        der,
        ...(issues && { ...issues, publishedAt: now().toISOString() }),
      };
      const rowKey = `${CERTIFICATE_PREFIX}${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`;
      const row = await table.get<CertificateRow>(CATALOGUE_PARTITION, rowKey);
      if (!row) await tryWrite(table, CATALOGUE_PARTITION, [{ kind: 'insert', rowKey, value }]);
      // what was published for checking alone can be published for issuing later
      else if (issues && row.value.key !== issues.key) {
        await tryWrite(table, CATALOGUE_PARTITION, [{ kind: 'replace', rowKey, value, etag: row.etag }]);
      }
      forget();
    },
    async awaitOwnRoot(since) {
      await table.write(CATALOGUE_PARTITION, [{ kind: 'upsert', rowKey: OWN_ROOT_ROW, value: { since: since ?? '' } }]);
      forget();
    },
    forget,
  };
}

function readRows(rows: Row<unknown>[]): CatalogueContent {
  const policyRow = rows.find((row) => row.rowKey === POLICY_ROW) as Row<{ policy: unknown }> | undefined;
  const ownRootRow = rows.find((row) => row.rowKey === OWN_ROOT_ROW) as Row<{ since: string }> | undefined;
  const certificates = rows.filter((row) => row.rowKey.startsWith(CERTIFICATE_PREFIX)) as Row<CertificateRow>[];
  const { data: policy, error } = policySchema.safeParse(policyRow?.value.policy ?? {});
  return {
    // A policy that this version cannot read must not stop devices from calling: the defaults stand in for it.
    policy: policy ?? DEFAULT_POLICY,
    ...(error && { policyUnreadable: invalid(error).detail }),
    issuers: certificates.map((row) => new X509Certificate(row.value.der)),
    authorities: certificates.flatMap(({ value }) => readAuthority(value)).sort(byAge),
    profiles: rows.filter((row) => row.rowKey.startsWith(PROFILE_PREFIX)).map((row) => row.value as Profile),
    ...(rows.some((row) => row.rowKey === REFUSALS_ROW) && { hasRefusals: true }),
    ...(ownRootRow?.value.since && { awaitingOwnRoot: ownRootRow.value.since }),
  };
}

function readAuthority({ der, root, key, publishedAt }: CertificateRow): PublishedIssuer[] {
  if (!root || key === undefined || publishedAt === undefined) return [];
  return [{ certificate: der, root, key, publishedAt: new Date(publishedAt) }];
}

function byAge(a: PublishedIssuer, b: PublishedIssuer): number {
  return a.publishedAt.getTime() - b.publishedAt.getTime();
}
