import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeRootCertificate } from '../../../shared/certificates/ca-certificates.ts';
import { openKeyVault } from '../../../shared/certificates/key-vault.ts';
import { readSigningRequest } from '../../../shared/certificates/signing-request.ts';
import { type RunningVault, startVault } from '../../vault/vault.ts';

let vault: RunningVault;
beforeAll(async () => {
  vault = await startVault();
});
afterAll(() => vault.stop());

test('a root is made', async () => {
  const place = openKeyVault({ url: vault.url, credential: vault.credential() });
  expect(await place.certificates('root')).toEqual([]);
  const pending = await place.begin('root');
  const { subjectPublicKeyInfo } = readSigningRequest(pending.signingRequest);
  const root = await makeRootCertificate({ subjectPublicKeyInfo, sign: place.sign(pending.key) }, new Date());
  await place.complete('root', pending, [root]);
  expect(await place.certificates('root')).toEqual([{ certificate: root, key: pending.key }]);
  expect(new X509Certificate(root).ca).toBe(true);
  console.log(vault.calls.map((c) => `${c.operation} ${c.status}`).join('\n'));
});
