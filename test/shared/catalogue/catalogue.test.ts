import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Catalogue, KEPT_FOR_MS, openCatalogue, SPARED_FOR_MS } from '../../../shared/catalogue/catalogue.ts';
import { DEFAULT_POLICY, policySchema } from '../../../shared/catalogue/policy.ts';
import { setClock } from '../../../shared/platform/clock.ts';
import { StorageUnavailable } from '../../../shared/storage/errors.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { memoryAuthority } from '../certificates/memory-authority.ts';

let now = new Date('2026-03-01T12:00:00.000Z');
let storage: MemoryStorage;
let catalogue: Catalogue;

beforeEach(() => {
  now = new Date('2026-03-01T12:00:00.000Z');
  setClock(() => now);
  storage = new MemoryStorage();
  catalogue = openCatalogue(storage);
});
afterEach(() => setClock(undefined));

const pass = (ms: number) => {
  now = new Date(now.getTime() + ms);
};
const reads = () => storage.calls.filter(({ operation }) => operation === 'page').length;
const named = (organisation: string) => policySchema.parse({ organisation });

/** Holds the next read back until it is let go. */
function holdNextRead(): () => void {
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const table = storage.table('catalogue');
  const page = table.page.bind(table);
  table.page = async <T>(...args: Parameters<typeof page>) => {
    table.page = page;
    const result = await page<T>(...args);
    await held;
    return result;
  };
  return letGo;
}

describe('the catalogue', () => {
  test('of a new deployment has the defaults and no issuer', async () => {
    expect(await catalogue.read()).toEqual({ policy: DEFAULT_POLICY, issuers: [], authorities: [], profiles: [] });
  });

  test('is read once in 60 seconds', async () => {
    await catalogue.read();
    pass(KEPT_FOR_MS - 1);
    await catalogue.read();
    expect(reads()).toBe(1);
    pass(1);
    await catalogue.read();
    expect(reads()).toBe(2);
  });

  test('is read once for a burst of messages on a cold instance', async () => {
    await Promise.all(Array.from({ length: 50 }, () => catalogue.read()));
    expect(reads()).toBe(1);
  });

  test('whose read failed is read again by the next message', async () => {
    storage.onCall = () => {
      throw new StorageUnavailable('down');
    };
    await expect(Promise.all([catalogue.read(), catalogue.read()])).rejects.toThrow(StorageUnavailable);
    storage.onCall = undefined;
    expect((await catalogue.read()).policy).toEqual(DEFAULT_POLICY);
  });
});

describe('for answers that must come without storage, the catalogue', () => {
  const down = () => {
    throw new StorageUnavailable('down');
  };

  test('is read as always while storage answers', async () => {
    await catalogue.writePolicy(named('Contoso'));
    await Promise.all([catalogue.readOrLast(), catalogue.read(), catalogue.readOrLast()]);
    expect((await catalogue.readOrLast()).policy.organisation).toBe('Contoso');
    expect(reads()).toBe(1);
  });

  test('is what was read last, and storage is asked again after a while', async () => {
    await catalogue.writePolicy(named('Contoso'));
    await catalogue.readOrLast();
    pass(KEPT_FOR_MS);
    storage.onCall = down;
    for (let call = 0; call < 5; call += 1) {
      expect((await catalogue.readOrLast()).policy.organisation).toBe('Contoso');
    }
    expect(reads()).toBe(2);
    storage.onCall = undefined;
    await openCatalogue(storage).writePolicy(named('Fabrikam'));
    pass(SPARED_FOR_MS);
    expect((await catalogue.readOrLast()).policy.organisation).toBe('Fabrikam');
  });

  test('follows a change that was made meanwhile, which only storage that answers takes', async () => {
    storage.onCall = down;
    await catalogue.readOrLast();
    storage.onCall = undefined;
    await catalogue.writePolicy(named('Contoso'));
    expect((await catalogue.readOrLast()).policy.organisation).toBe('Contoso');
  });

  test('is the defaults on an instance that never read it', async () => {
    storage.onCall = down;
    expect((await catalogue.readOrLast()).policy).toEqual(DEFAULT_POLICY);
  });
});

describe('a change of policy', () => {
  test('is seen at once where it was made, and within 60 seconds elsewhere', async () => {
    const elsewhere = openCatalogue(storage);
    await catalogue.read();
    await elsewhere.read();
    await catalogue.writePolicy(named('Contoso'));
    expect((await catalogue.read()).policy.organisation).toBe('Contoso');
    expect((await elsewhere.read()).policy.organisation).toBe('Lanyard');
    pass(KEPT_FOR_MS);
    expect((await elsewhere.read()).policy.organisation).toBe('Contoso');
  });

  test('is seen at once even when a read was on its way', async () => {
    const letGo = holdNextRead();
    const before = catalogue.read();
    await new Promise(setImmediate);
    await catalogue.writePolicy(named('Contoso'));
    expect((await catalogue.read()).policy.organisation).toBe('Contoso');
    letGo();
    await before;
    expect((await catalogue.read()).policy.organisation).toBe('Contoso');
  });

  test('that this version cannot read leaves the defaults', async () => {
    const value = { policy: { organisation: 7, later: true } };
    await storage.table('catalogue').write('catalogue', [{ kind: 'insert', rowKey: 'policy', value }]);
    const reason = expect.stringMatching(/organisation: .*; later: is not known here/);
    expect(await catalogue.read()).toMatchObject({ policy: DEFAULT_POLICY, policyUnreadable: reason });
  });
});

test('a CA certificate is known to all once it is published, and publishing it again changes nothing', async () => {
  const { issuingCertificate, rootCertificate } = await memoryAuthority(now);
  await catalogue.read();
  for (const der of [issuingCertificate, issuingCertificate, rootCertificate]) await catalogue.publishCertificate(der);
  const { issuers } = await catalogue.read();
  expect(issuers.map(({ raw }) => raw.toString('hex')).sort()).toEqual(
    [issuingCertificate, rootCertificate].map((der) => der.toString('hex')).sort(),
  );
});

test('an issuing CA is known with its root, its key and since when to the app that issues, the oldest first', async () => {
  const first = await memoryAuthority(now);
  const second = await memoryAuthority(now);
  const publish = (ca: typeof first, key: string) =>
    catalogue.publishCertificate(ca.issuingCertificate, { root: ca.rootCertificate, key });
  await catalogue.publishCertificate(second.issuingCertificate); // for checking alone, as before it had a key
  expect((await catalogue.read()).authorities).toEqual([]);
  await publish(first, 'key-1');
  const begun = now;
  pass(1_000);
  await publish(second, 'key-2');
  await publish(first, 'key-1');
  const { issuers, authorities } = await catalogue.read();
  expect(issuers).toHaveLength(2);
  expect(authorities).toEqual([
    { certificate: first.issuingCertificate, root: first.rootCertificate, key: 'key-1', publishedAt: begun },
    { certificate: second.issuingCertificate, root: second.rootCertificate, key: 'key-2', publishedAt: now },
  ]);
});

test('that the own root is awaited stands until it is taken back, and who decides on it reads it afresh', async () => {
  const elsewhere = openCatalogue(storage);
  await elsewhere.read();
  await catalogue.awaitOwnRoot('2026-11-21T10:00:00.000Z');
  expect((await catalogue.read()).awaitingOwnRoot).toBe('2026-11-21T10:00:00.000Z');
  expect((await elsewhere.read()).awaitingOwnRoot).toBeUndefined();
  elsewhere.forget();
  expect((await elsewhere.read()).awaitingOwnRoot).toBe('2026-11-21T10:00:00.000Z');
  await catalogue.awaitOwnRoot(undefined);
  expect((await catalogue.read()).awaitingOwnRoot).toBeUndefined();
});

describe('a policy', () => {
  test.each([
    ['an empty name', { organisation: ' ' }],
    ['a name that is too long', { organisation: 'x'.repeat(61) }],
    ['a name that XML cannot carry', { organisation: 'a\u0001' }],
    ['an interval of no time', { poll: { remaining: { intervalMinutes: 0 } } }],
    ['an interval of more than a week', { poll: { first: { intervalMinutes: 10_081, count: 1 } } }],
    ['half a schedule', { poll: { second: { intervalMinutes: 60 } } }],
    ['an unknown field', { polls: {} }],
    ['an invitation without end', { invitations: { expiresInHours: 0 } }],
    ['no way in', { ways: [] }],
    ['a way in that does not exist', { ways: ['OnPremise', 'Password'] }],
    ['a way in twice', { ways: ['OnPremise', 'OnPremise'] }],
    ['a tenant by its name', { entra: { tenantId: 'contoso.example', audiences: ['a'] } }],
    ['a tenant without an audience', { entra: { tenantId: '6d8769e6-0f8b-418d-b385-1a53968781c9' } }],
    ['terms that are required and empty', { termsOfUse: { required: true } }],
    ['an issuer that is no certificate', { certificates: { issuers: ['-----BEGIN CERTIFICATE-----'] } }],
  ])('with %s is refused', (_, policy) => {
    expect(policySchema.safeParse(policy).success).toBe(false);
  });

  test('fills in what is not said', () => {
    const policy = policySchema.parse({
      poll: { remaining: { intervalMinutes: 1_440 } },
      invitations: { maxDevices: 5 },
    });
    expect(policy).toEqual({
      ...DEFAULT_POLICY,
      poll: { ...DEFAULT_POLICY.poll, remaining: { intervalMinutes: 1_440 } },
      invitations: { ...DEFAULT_POLICY.invitations, maxDevices: 5 },
    });
  });
});
