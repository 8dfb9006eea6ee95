import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import {
  AuthorityConflict,
  awaitedSigningRequest,
  ensureAuthority,
  giveUpOwnRoot,
  installOwnRoot,
  requestOwnRoot,
  rollOver,
} from '../../../shared/certificates/authority-administration.ts';
import { issuingAuthority } from '../../../shared/certificates/certificate-authority.ts';
import { openFileKeyPlace } from '../../../shared/certificates/file-key-place.ts';
import type { KeyPlace } from '../../../shared/certificates/key-place.ts';
import { openKeyVault } from '../../../shared/certificates/key-vault.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { OwnRootError } from '../../../shared/certificates/own-root.ts';
import { readSigningRequest } from '../../../shared/certificates/signing-request.ts';
import { setClock } from '../../../shared/platform/clock.ts';
import { putAuthorityKeys } from '../../support/key-pool.ts';
import { type RunningVault, startVault } from '../../vault/vault.ts';
import { newRsaKey, publicKeyOf } from './memory-authority.ts';
import { MemoryRecords } from './memory-records.ts';
import { OrganisationRoot } from './organisation-root.ts';

/** One suite for both places of keys: what an administrator may do is the same. */

interface Deployment {
  /** an instance of the admin app, with nothing in its memory */
  instance(): KeyPlace;
  stop(): Promise<void>;
}

async function inFolder(): Promise<Deployment> {
  const folder = await mkdtemp(join(tmpdir(), 'lanyard-administration-'));
  await putAuthorityKeys(join(folder, 'ca'));
  return {
    instance: () => openFileKeyPlace(join(folder, 'ca')),
    stop: () => rm(folder, { recursive: true }),
  };
}

async function inVault(): Promise<Deployment> {
  const vault: RunningVault = await startVault({ keyBits: 2048 });
  return {
    instance: () => openKeyVault({ url: vault.url, credential: vault.credential() }),
    stop: () => vault.stop(),
  };
}

const start = new Date('2026-11-21T10:00:00Z');
const later = (days: number) => new Date(start.getTime() + days * 86_400_000);
const deviceKey = publicKeyOf(newRsaKey());
const enrollmentId = '0b7f5c1e-93a1-4b58-8b5b-5d1f0d3d9a11';

describe.each([
  ['a folder', inFolder],
  ['a vault', inVault],
])('a certificate authority in %s', (_, open) => {
  let deployment: Deployment;
  let records: MemoryRecords;
  const place = () => records.with(deployment.instance());
  const leafAt = async (now: Date) => {
    const ca = issuingAuthority(records.authorities, deployment.instance().sign, now);
    return new X509Certificate((await issueLeaf({ ca, enrollmentId, subjectPublicKeyInfo: deviceKey, now })).der);
  };
  const at = (now: Date) => {
    records.now = now;
    setClock(() => now);
    return now;
  };

  beforeEach(async () => {
    deployment = await open();
    records = new MemoryRecords(start);
    setClock(() => start);
    return async () => {
      setClock(undefined);
      await deployment.stop();
    };
  });
  afterAll(() => setClock(undefined));

  test('is made once, however often and by however many it is asked for', async () => {
    await Promise.all([1, 2, 3, 4].map(() => ensureAuthority(place(), start)));
    await ensureAuthority(place(), later(1));
    expect(records.authorities).toHaveLength(1);
    expect(await deployment.instance().certificates('root')).toHaveLength(1);
    expect(await deployment.instance().certificates('issuing')).toHaveLength(1);
    const [issuer] = records.authorities;
    const [root, issuing] = [new X509Certificate(issuer!.root), new X509Certificate(issuer!.certificate)];
    expect(root.subject).toMatch(/^CN=Lanyard Device Root [0-9A-F]{8}$/);
    expect(issuing.subject).toMatch(/^CN=Lanyard Device Issuing CA [0-9A-F]{8}$/);
    expect((await leafAt(start)).verify(issuing.publicKey)).toBe(true);
  });

  test('is followed by another, which signs when all apps know it, while the first stays known', async () => {
    await ensureAuthority(place(), start);
    const first = await leafAt(start);
    const day = at(later(1_400));
    await rollOver(place(), 'current', day);
    expect(records.authorities).toHaveLength(2);
    const [old, next] = records.authorities.map(({ certificate }) => new X509Certificate(certificate));
    expect(records.authorities[1]!.root).toEqual(records.authorities[0]!.root);
    expect((await leafAt(day)).verify(old!.publicKey)).toBe(true);
    const settled = await leafAt(new Date(day.getTime() + 5 * 60_000));
    expect(settled.verify(next!.publicKey)).toBe(true);
    expect(first.verify(old!.publicKey)).toBe(true);
    await ensureAuthority(place(), later(1_401));
    expect(records.authorities).toHaveLength(2);
  });

  test('gets a new root with its successor when that is asked for', async () => {
    await ensureAuthority(place(), start);
    await rollOver(place(), 'new', at(later(3_000)));
    const [old, next] = records.authorities;
    expect(next!.root.equals(old!.root)).toBe(false);
    const root = new X509Certificate(next!.root);
    expect(new X509Certificate(next!.certificate).verify(root.publicKey)).toBe(true);
    expect(new Date(root.validTo).getUTCFullYear()).toBe(later(3_000).getUTCFullYear() + 10);
  });

  /** An instance that dies before it puts the certificate to the issuing key. */
  const dying = () => {
    const keys = deployment.instance();
    const complete: KeyPlace['complete'] = (kind, ...rest) =>
      kind === 'issuing' ? Promise.reject(new Error('cut off')) : keys.complete(kind, ...rest);
    return records.with(Object.assign(Object.create(keys) as KeyPlace, { complete }));
  };

  test('gets one new root with its successor, however often that breaks off', async () => {
    await ensureAuthority(place(), start);
    const day = at(later(3_000));
    for (const _ of [1, 2]) await expect(rollOver(dying(), 'new', day)).rejects.toThrow('cut off');
    await rollOver(place(), 'new', day);
    const roots = await deployment.instance().certificates('root');
    expect(roots).toHaveLength(2);
    expect(new Set(records.authorities.map(({ root }) => root.toString('hex')))).toEqual(
      new Set(roots.map(({ certificate }) => certificate.toString('hex'))),
    );
    at(later(3_001));
    await rollOver(place(), 'new', later(3_001));
    expect(await deployment.instance().certificates('root')).toHaveLength(3);
  });

  test('goes on below the root that signs, where a new root was begun and is not wanted any more', async () => {
    await ensureAuthority(place(), start);
    const day = at(later(1_400));
    await expect(rollOver(dying(), 'new', day)).rejects.toThrow('cut off');
    await rollOver(place(), 'current', day);
    expect(records.authorities[1]!.root).toEqual(records.authorities[0]!.root);
  });

  test.each(['current', 'new'] as const)(
    'makes known what a roll-over below the %s root made and nobody was told of',
    async (choice) => {
      await ensureAuthority(place(), start);
      const day = at(later(3_000));
      const unpublished = place();
      unpublished.records = Object.assign(Object.create(records) as MemoryRecords, {
        publish: () => Promise.reject(new Error('cut off')),
      });
      await expect(rollOver(unpublished, choice, day)).rejects.toThrow('cut off');
      await rollOver(place(), choice, day);
      expect(await deployment.instance().certificates('issuing')).toHaveLength(2);
      expect(await deployment.instance().certificates('root')).toHaveLength(choice === 'new' ? 2 : 1);
      expect(records.authorities).toHaveLength(2);
      const sameRoot = records.authorities[1]!.root.equals(records.authorities[0]!.root);
      expect(sameRoot).toBe(choice === 'current');
    },
  );

  test('is not rolled over twice by a click too many', async () => {
    await ensureAuthority(place(), start);
    const day = at(later(1_400));
    const results = await Promise.allSettled([1, 2, 3].map(() => rollOver(place(), 'current', day)));
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    expect(refused.every((reason) => reason instanceof AuthorityConflict)).toBe(true);
    expect(records.authorities).toHaveLength(2);
    await expect(rollOver(place(), 'current', day)).rejects.toThrow('A new issuing CA was made just now');
  });

  test('makes another by itself when all have ended', async () => {
    await ensureAuthority(place(), start);
    const after = at(later(365 * 11));
    await ensureAuthority(place(), after);
    expect((await leafAt(after)).validTo).toBeDefined();
    expect(records.authorities).toHaveLength(2);
  });

  describe("below the organisation's own root", () => {
    const organisation = new OrganisationRoot(start);
    const ownRoot = organisation.root();
    const sign = (request: Buffer) => organisation.issuing(readSigningRequest(request).subjectPublicKeyInfo);
    const chain = (...ders: Buffer[]) => ders.map((der) => new X509Certificate(der));

    test('issues as soon as the certificate is there, and the root goes to devices', async () => {
      await ensureAuthority(place(), start);
      const request = await requestOwnRoot(place(), start);
      expect(await requestOwnRoot(place(), start)).toEqual(request);
      expect(await awaitedSigningRequest(place())).toEqual(request);
      await ensureAuthority(place(), start);
      await expect(rollOver(place(), 'current', start)).rejects.toThrow('Install that, or delete the request');
      const issuing = sign(request);
      await installOwnRoot(place(), chain(issuing, ownRoot), start);
      await installOwnRoot(place(), chain(issuing, ownRoot), start);
      expect(records.authorities).toHaveLength(2);
      expect(records.authorities[1]).toMatchObject({ certificate: issuing, root: ownRoot });
      expect(records.awaitingOwnRoot).toBeUndefined();
      const leaf = await leafAt(later(1));
      expect(leaf.issuer).toBe('CN=Example Device CA');
      expect(leaf.verify(new X509Certificate(issuing).publicKey)).toBe(true);
      await expect(rollOver(place(), 'current', later(2))).rejects.toThrow("signed by your organisation's root");
    });

    test('keeps waiting after a certificate that does not fit', async () => {
      await ensureAuthority(place(), start);
      const request = await requestOwnRoot(place(), start);
      const stranger = organisation.issuing(deviceKey);
      const wrong = installOwnRoot(place(), chain(stranger, ownRoot), start);
      await expect(wrong).rejects.toThrow(OwnRootError);
      await installOwnRoot(place(), chain(ownRoot, sign(request)), start);
      expect(records.authorities).toHaveLength(2);
    });

    test('completes an installation that broke off after the certificate was in its place', async () => {
      await ensureAuthority(place(), start);
      const issuing = sign(await requestOwnRoot(place(), start));
      const broken = place();
      broken.records = {
        ...broken.records,
        read: () => records.read(),
        publish: () => Promise.reject(new Error('killed')),
      };
      const certificates = chain(issuing, ownRoot);
      await expect(installOwnRoot(broken, certificates, start)).rejects.toThrow('killed');
      await installOwnRoot(place(), certificates, start);
      expect(records.authorities[1]).toMatchObject({ certificate: issuing });
      expect((await leafAt(later(1))).issuer).toBe('CN=Example Device CA');
    });

    test('goes on with our own root when the request is given up', async () => {
      await ensureAuthority(place(), start);
      const request = await requestOwnRoot(place(), start);
      expect(await giveUpOwnRoot(place())).toBe(true);
      expect(await giveUpOwnRoot(place())).toBe(false);
      expect(await awaitedSigningRequest(place())).toBeUndefined();
      const late = installOwnRoot(place(), chain(sign(request), ownRoot), start);
      await expect(late).rejects.toThrow('No signing request waits');
      await rollOver(place(), 'current', start);
      expect(records.authorities).toHaveLength(2);
    });
  });
});

test('in a vault, a deployment can begin with the own root and never has another', async () => {
  const organisation = new OrganisationRoot(start);
  const deployment = await inVault();
  const records = new MemoryRecords(start);
  const place = records.with(deployment.instance());
  const request = await requestOwnRoot(place, start);
  await ensureAuthority(place, start);
  expect(records.authorities).toEqual([]);
  const issuing = organisation.issuing(readSigningRequest(request).subjectPublicKeyInfo);
  await installOwnRoot(
    place,
    [issuing, organisation.root()].map((der) => new X509Certificate(der)),
    start,
  );
  await ensureAuthority(place, start);
  expect(records.authorities).toHaveLength(1);
  expect(await place.keys.certificates('root')).toEqual([]);
  await deployment.stop();
});

describe("a vault that came back with a CA below the organisation's own root, when all records of it are gone", () => {
  let deployment: Deployment;
  let records: MemoryRecords;
  /** The issuing certificate and its root, as they were installed. */
  let certificates: X509Certificate[];
  const place = () => records.with(deployment.instance());
  const issuerAt = async (now: Date) => {
    const ca = issuingAuthority(records.authorities, deployment.instance().sign, now);
    const leaf = await issueLeaf({ ca, enrollmentId, subjectPublicKeyInfo: deviceKey, now });
    return { leaf: new X509Certificate(leaf.der), issuer: new X509Certificate(ca.issuingCertificate) };
  };

  beforeEach(async () => {
    const organisation = new OrganisationRoot(start);
    deployment = await inVault();
    records = new MemoryRecords(start);
    const { subjectPublicKeyInfo } = readSigningRequest(await requestOwnRoot(place(), start));
    certificates = [organisation.issuing(subjectPublicKeyInfo), organisation.root()].map(
      (der) => new X509Certificate(der),
    );
    await installOwnRoot(place(), certificates, start);
    records = new MemoryRecords(later(1));
    return () => deployment.stop();
  });

  test('gets no other authority in its place, and it is said how it is known again', async () => {
    const made = ensureAuthority(place(), later(1));
    await expect(made).rejects.toThrow(AuthorityConflict);
    await expect(made).rejects.toThrow(/authority create --root own.*authority install/);
    expect(records.authorities).toEqual([]);
    expect(await place().keys.certificates('root')).toEqual([]);
  });

  test('is the same authority again with the same certificates', async () => {
    await requestOwnRoot(place(), later(1));
    await installOwnRoot(place(), certificates, later(1));
    await ensureAuthority(place(), later(1));
    expect(records.authorities).toHaveLength(1);
    expect(records.awaitingOwnRoot).toBeUndefined();
    const { leaf, issuer } = await issuerAt(later(2));
    expect(issuer.raw).toEqual(certificates[0]!.raw);
    expect(leaf.verify(certificates[0]!.publicKey)).toBe(true);
  });

  test('has a root of Lanyard where that is asked for by name', async () => {
    await rollOver(place(), 'new', later(1));
    await ensureAuthority(place(), later(1));
    expect(records.authorities).toHaveLength(1);
    expect((await issuerAt(later(2))).issuer.subject).toContain('Lanyard');
  });
});
