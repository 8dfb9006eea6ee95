import { expect, test } from 'vitest';
import { CertificateAuthorityError } from '../../../shared/certificates/certificate-authority-error.ts';
import { callVault } from '../../../shared/certificates/vault-call.ts';

test('the last try gets the time that is left, which is no whole number of milliseconds', async () => {
  const never = (signal: AbortSignal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const patience = { tries: 3, tryMs: 40, totalMs: 100, pauseMs: 1 };
  const error = await callVault('sign', patience, never).catch((e) => e);
  expect(error).toBeInstanceOf(CertificateAuthorityError);
  expect(error).toMatchObject({ passing: true, message: expect.stringContaining('no answer in time, after 3 tries') });
});
