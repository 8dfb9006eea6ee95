import { X509Certificate } from 'node:crypto';
import { CertificateClient } from '@azure/keyvault-certificates';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ensureAuthority } from '../../../shared/certificates/authority-administration.ts';
import {
  type CertificateAuthority,
  CertificateAuthorityError,
  issuingAuthority,
} from '../../../shared/certificates/certificate-authority.ts';
import { openKeyVault, VAULT_NAMES } from '../../../shared/certificates/key-vault.ts';
import { vaultSigner } from '../../../shared/certificates/key-vault-signer.ts';
import { issueLeaf } from '../../../shared/certificates/leaf.ts';
import { type Fault, type Right, type RunningVault, startVault, type VaultOptions } from '../../vault/vault.ts';
import { newRsaKey, publicKeyOf } from './memory-authority.ts';
import { MemoryRecords } from './memory-records.ts';

/** The real SDK over HTTPS against a vault of this machine, which keeps the contract of Key Vault's REST interface. */

const start = new Date('2026-11-21T10:00:00Z');
const deviceKey = publicKeyOf(newRsaKey());
const ENROLL = 'enroll-app';
/** what the deployment gives the enroll app, and nothing more */
const IDENTITIES: Record<string, Right[]> = { [ENROLL]: ['keys/sign'] };
/** short, since a test waits for each */
const patience = { tries: 3, tryMs: 300, totalMs: 1_000, pauseMs: 1 };

let vault: RunningVault;
let records: MemoryRecords;
beforeEach(() => {
  records = new MemoryRecords(start);
});
afterEach(() => vault.stop());

async function newVault(options: VaultOptions = {}) {
  vault = await startVault({ keyBits: 2048, identities: IDENTITIES, ...options });
}

const adminApp = () => records.with(openKeyVault({ url: vault.url, credential: vault.credential() }));
const hasty = () => records.with(openKeyVault({ url: vault.url, credential: vault.credential(), patience }));
const signer = () => vaultSigner({ url: vault.url, credential: vault.credential(ENROLL), patience });
const enrollApp = (): CertificateAuthority => issuingAuthority(records.authorities, signer(), start);
const issue = (ca: CertificateAuthority) =>
  issueLeaf({ ca, enrollmentId: '0b7f5c1e-93a1-4b58-8b5b-5d1f0d3d9a11', subjectPublicKeyInfo: deviceKey, now: start });

/** What was asked of the vault while `act` ran. */
async function callsOf(act: () => Promise<unknown>): Promise<string[]> {
  const from = vault.calls.length;
  await act();
  return vault.calls.slice(from).map(({ operation, status }) => `${operation} ${status}`);
}

describe('a certificate authority in Key Vault', () => {
  test('has RSA 3072 keys of the vault, and certificates that a device may get', async () => {
    await newVault({ keyBits: undefined });
    await ensureAuthority(adminApp(), start);
    const { root, certificate } = records.authorities[0]!;
    for (const [der, pathLength] of [
      [root, 1],
      [certificate, 0],
    ] as const) {
      const { ca, publicKey, keyUsage, raw } = new X509Certificate(der);
      expect({ ca, keyUsage }).toEqual({ ca: true, keyUsage: ['1.3.6.1.5.5.7.3.2'] });
      expect(publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 3072 });
      expect(raw.includes(Buffer.from([0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, pathLength]))).toBe(true);
    }
    expect(new X509Certificate(certificate).verify(new X509Certificate(root).publicKey)).toBe(true);
    expect(new X509Certificate((await issue(enrollApp())).der).verify(new X509Certificate(certificate).publicKey)).toBe(
      true,
    );
  });

  test('has keys that nobody can export, a new one for each generation, and certificates that the vault does not renew', async () => {
    await newVault();
    await ensureAuthority(adminApp(), start);
    const portal = new CertificateClient(vault.url, vault.credential());
    for (const name of Object.values(VAULT_NAMES)) {
      const { policy } = await portal.getCertificate(name);
      expect(policy, name).toMatchObject({
        issuerName: 'Unknown',
        keyType: 'RSA',
        keySize: 3072,
        exportable: false,
        reuseKey: false,
        subject: expect.stringMatching(/^CN=Lanyard .* [0-9A-F]{8}$/),
        keyUsage: ['keyCertSign', 'cRLSign'],
        enhancedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
        lifetimeActions: [],
      });
    }
  });

  test('is looked at and not changed when it is asked for again', async () => {
    await newVault();
    await ensureAuthority(adminApp(), start);
    const calls = await callsOf(() => ensureAuthority(adminApp(), start));
    expect(calls.filter((call) => /create|sign|update/.test(call))).toEqual([]);
  });

  test('is finished by the next call, at whichever call of the vault the first one died', async () => {
    for (let dies = 1; ; dies += 1) {
      await newVault();
      records = new MemoryRecords(start);
      let left = dies;
      vault.fault = () => (left-- > 0 ? undefined : { kind: 'status', status: 418, code: 'Killed' });
      const died = await ensureAuthority(adminApp(), start).then(
        () => false,
        () => true,
      );
      vault.fault = undefined;
      await ensureAuthority(adminApp(), start);
      expect(records.authorities, `after ${dies} calls`).toHaveLength(1);
      const { keys } = adminApp();
      expect([(await keys.certificates('root')).length, (await keys.certificates('issuing')).length]).toEqual([1, 1]);
      expect((await issue(enrollApp())).der.length).toBeGreaterThan(500);
      if (!died) return expect(dies).toBeGreaterThan(10);
      await vault.stop();
    }
  });

  test('takes an answer that was lost for what it was: the request and the merge are there', async () => {
    await newVault();
    const seen = new Map<string, number>();
    vault.fault = ({ operation, name }) => {
      if (operation !== 'certificates/create') return undefined; // the right for both, create and merge
      const n = (seen.get(name) ?? 0) + 1;
      seen.set(name, n);
      return n === 1 || n === 3 ? { kind: 'lose-answer' } : undefined; // each of them is sent twice
    };
    await ensureAuthority(hasty(), start);
    expect([...seen.values()]).toEqual([4, 4]);
    expect(records.authorities).toHaveLength(1);
  });

  test('is not made anew while a deleted one can be recovered, and goes on when it is', async () => {
    await newVault();
    await ensureAuthority(adminApp(), start);
    const before = records.authorities[0]!;
    records = new MemoryRecords(start);
    vault.objects.softDelete(VAULT_NAMES.root);
    vault.objects.softDelete(VAULT_NAMES.issuing);
    const refused = ensureAuthority(adminApp(), start);
    await expect(refused).rejects.toThrow(CertificateAuthorityError);
    await expect(refused).rejects.toThrow('az keyvault certificate recover');
    vault.objects.recover(VAULT_NAMES.root);
    vault.objects.recover(VAULT_NAMES.issuing);
    await ensureAuthority(adminApp(), start);
    expect(records.authorities[0]).toMatchObject({ certificate: before.certificate, root: before.root });
  });

  test('takes the place of a request that was cancelled in the portal', async () => {
    await newVault();
    const { keys } = adminApp();
    await keys.begin('root');
    vault.objects.operation(VAULT_NAMES.root).status = 'cancelled';
    await ensureAuthority(adminApp(), start);
    expect(records.authorities).toHaveLength(1);
  });
});

describe('the enroll app', () => {
  test('signs with one call, and needs no right but that one', async () => {
    await newVault();
    await ensureAuthority(adminApp(), start);
    const ca = enrollApp();
    expect(await callsOf(() => issue(ca))).toEqual(['challenge 401', 'keys/sign 200']);
    expect(await callsOf(() => issue(ca))).toEqual(['keys/sign 200']);
  });

  test('could not make a CA if it tried', async () => {
    await newVault();
    const place = records.with(openKeyVault({ url: vault.url, credential: vault.credential(ENROLL), patience }));
    await expect(ensureAuthority(place, start)).rejects.toThrow(/403 Forbidden; the identity of this app has no right/);
    expect(vault.calls.filter(({ status }) => status >= 200 && status < 300)).toEqual([]);
  });

  test.each([
    'https://other.vault.localhost/keys/lanyard-issuing-ca/0123456789abcdef',
    'https://evil.example/keys/lanyard-issuing-ca/0123456789abcdef',
    'issuing-ca.key.pem',
  ])('sends no token to the key %s, which is not of its vault', async (key) => {
    await newVault();
    expect(() => signer()(key)).toThrow(`The key '${key}' is not a key of ${vault.url}`);
  });
});

describe('a vault that does not sign', () => {
  const always = (fault: Fault) => () => fault;
  const fails = async (fault: () => Fault | undefined) => {
    await newVault();
    await ensureAuthority(adminApp(), start);
    vault.fault = fault;
    const from = vault.calls.length;
    const error = await issue(enrollApp()).then(
      () => undefined,
      (thrown: unknown) => thrown as CertificateAuthorityError,
    );
    const tries = vault.calls.slice(from).filter(({ operation }) => operation === 'keys/sign').length;
    return { error, tries };
  };

  test.each<[string, Fault, number, string]>([
    ['is throttled without end', { kind: 'throttle' }, 3, 'status 429, after 3 tries'],
    ['asks for more patience than a device has', { kind: 'throttle', retryAfter: 30 }, 1, 'status 429, after one try'],
    ['is broken', { kind: 'status', status: 503, code: 'ServiceUnavailable' }, 3, 'status 503, after 3 tries'],
    ['breaks the connection', { kind: 'drop' }, 3, 'after 3 tries'],
    ['never answers', { kind: 'hang' }, 3, 'no answer in time'],
  ])('because it %s: says so in time, and that it may pass', async (_, fault, tries, reason) => {
    const failed = await fails(always(fault));
    expect(failed.error).toBeInstanceOf(CertificateAuthorityError);
    expect(failed.error?.message).toContain(reason);
    expect(failed.error?.passing).toBe(true);
    expect(failed.tries).toBe(tries);
  });

  test('for a moment, signs at the next try', async () => {
    let left = 2;
    const failed = await fails(() => (left-- > 0 ? { kind: 'throttle', retryAfter: 0 } : undefined));
    expect(failed).toEqual({ error: undefined, tries: 3 });
  });

  test('because it is off the network: says so, and signs when it is back', async () => {
    await newVault();
    await ensureAuthority(adminApp(), start);
    const ca = enrollApp();
    await vault.unplug();
    const refused = issue(ca);
    await expect(refused).rejects.toMatchObject({ passing: true, message: expect.stringContaining('ECONNREFUSED') });
    await vault.plugIn();
    expect((await issue(ca)).der.length).toBeGreaterThan(500);
  });

  test('because the right is missing: says so at once', async () => {
    await newVault({ identities: { [ENROLL]: [] } });
    await ensureAuthority(adminApp(), start);
    const refused = issue(enrollApp());
    await expect(refused).rejects.toMatchObject({
      passing: false,
      message: expect.stringContaining('has no right to it'),
    });
    expect(vault.calls.filter(({ operation }) => operation === 'keys/sign').slice(2)).toHaveLength(1);
  });

  test('because the key is disabled: says so at once', async () => {
    await newVault();
    await ensureAuthority(adminApp(), start);
    vault.objects.version(VAULT_NAMES.issuing, '').enabled = false;
    const refused = issue(enrollApp());
    await expect(refused).rejects.toMatchObject({
      passing: false,
      message: expect.stringContaining('the key is disabled'),
    });
  });

  test('because the identity gives no token: says so in time', async () => {
    await newVault();
    await ensureAuthority(adminApp(), start);
    const never = { getToken: () => new Promise<never>(() => {}) };
    const sign = vaultSigner({ url: vault.url, credential: never, patience });
    const refused = issue(issuingAuthority(records.authorities, sign, start));
    await expect(refused).rejects.toMatchObject({
      passing: true,
      message: expect.stringContaining('no answer in time'),
    });
  });
});
