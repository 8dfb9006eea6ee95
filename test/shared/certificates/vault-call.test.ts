import { expect, test } from 'vitest';
import { CertificateAuthorityError } from '../../../shared/certificates/certificate-authority-error.ts';
import { callVault } from '../../../shared/certificates/vault-call.ts';
import { stoppedTimer } from '../../support/stopped-timer.ts';

const never = (signal: AbortSignal) =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

test('the last try gets the time that is left, which is no whole number of milliseconds', async () => {
  const patience = { tries: 3, tryMs: 40, totalMs: 100, pauseMs: 1 };
  const timer = stoppedTimer();
  const error = await callVault('sign', patience, never, timer).catch((e) => e);
  expect(error).toBeInstanceOf(CertificateAuthorityError);
  expect(error).toMatchObject({ passing: true, message: expect.stringContaining('no answer in time, after 3 tries') });
  // The pauses before it differ by chance, by less than two milliseconds.
  expect(timer.asked).toEqual([40, 40, expect.toSatisfy((last) => last === 16 || last === 17)]);
});

test('there is no further try where no time is left for it', async () => {
  const timer = stoppedTimer();
  const error = await callVault('sign', { tries: 3, tryMs: 60, totalMs: 100, pauseMs: 30 }, never, timer).catch(
    (e) => e,
  );
  expect(error).toMatchObject({ passing: true, message: expect.stringContaining('after 2 tries') });
  expect(timer.asked).toHaveLength(2);
});
