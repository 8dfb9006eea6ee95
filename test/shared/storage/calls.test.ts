import { describe, expect, test } from 'vitest';
import { type Call, call, PATIENCE, refused } from '../../../shared/storage/calls.ts';
import { StorageUnavailable } from '../../../shared/storage/errors.ts';
import { stoppedTimer } from '../../support/stopped-timer.ts';

const what: Call = { service: 'table', operation: 'get', name: 'devices' };
const patience = { tries: 3, tryMs: 50, totalMs: 1000, pauseMs: 1 };

/** Runs an operation that fails with each of these in turn and then succeeds. */
async function run(failures: unknown[], over: Partial<typeof patience> = {}) {
  let tries = 0;
  const unanswered: boolean[] = [];
  const outcome = await call({ patience: { ...patience, ...over } }, what, async (_signal, so) => {
    unanswered.push(so.unanswered);
    if (tries++ < failures.length) throw failures[tries - 1];
    return 'done';
  }).catch((error) => error);
  return { outcome, tries, unanswered };
}

const network = (code: string) => Object.assign(new Error('network'), { name: 'RestError', code });
const status = (statusCode: number, code = '', headers: Record<string, string> = {}) =>
  Object.assign(new Error('answer'), {
    name: 'RestError',
    statusCode,
    code,
    response: { headers: new Headers(headers) },
  });

describe('an operation is tried again', () => {
  test.each([
    ['a connection that breaks', network('ECONNRESET'), true],
    ['a connection that is refused', network('ECONNREFUSED'), false],
    ['a name that is not found', network('ENOTFOUND'), false],
    ['an answer that is cut', network('PARSE_ERROR'), true],
    ['an internal error', status(500, 'InternalError'), true],
    ['a busy server', status(503, 'ServerBusy'), false],
    ['throttling', status(429), false],
  ])('after %s', async (_, failure, mayHaveRun) => {
    expect(await run([failure, failure])).toEqual({
      outcome: 'done',
      tries: 3,
      unanswered: [false, mayHaveRun, mayHaveRun],
    });
  });

  test('but not for ever', async () => {
    const { outcome, tries } = await run(Array(9).fill(status(503, 'ServerBusy')));
    expect(outcome).toBeInstanceOf(StorageUnavailable);
    expect(outcome.message).toBe('Storage does not answer: get in devices, status 503 ServerBusy, after 3 tries');
    expect(tries).toBe(3);
  });

  test('not when the service asks for a longer pause than there is time', async () => {
    const { outcome, tries } = await run([status(503, 'ServerBusy', { 'retry-after': '30' })]);
    expect(outcome).toBeInstanceOf(StorageUnavailable);
    expect(tries).toBe(1);
  });

  test.each([
    ['a conflict', status(409, 'EntityAlreadyExists')],
    ['a missing right', status(403, 'AuthorizationPermissionMismatch')],
    ['a mistake of our own', new TypeError('undefined is not a function')],
  ])('not after %s, which stays as it is', async (_, failure) => {
    expect(await run([failure])).toEqual({ outcome: failure, tries: 1, unanswered: [false] });
  });

  test('not when there is no token: the identity library has tried itself', async () => {
    const { outcome, tries } = await run([
      Object.assign(new Error('secret detail'), { name: 'CredentialUnavailableError' }),
    ]);
    expect(outcome).toBeInstanceOf(StorageUnavailable);
    expect(outcome.message).not.toContain('secret detail');
    expect(tries).toBe(1);
  });
});

test('a try that is not answered is ended, and the whole with it', async () => {
  const never = (signal: AbortSignal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const caller = { patience: { tries: 3, tryMs: 20, totalMs: 300, pauseMs: 1 }, timer: stoppedTimer() };
  await expect(call(caller, what, never)).rejects.toThrow(/no answer in time, after 3 tries/);
});

test('the last try gets the time that is left, which is no whole number of milliseconds', async () => {
  const never = (signal: AbortSignal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  const timer = stoppedTimer();
  const caller = { patience: { tries: 3, tryMs: 40, totalMs: 100, pauseMs: 1 }, timer };
  const error = await call(caller, what, never).catch((e) => e);
  expect(error).toBeInstanceOf(StorageUnavailable);
  expect((error as Error).message).toContain('no answer in time, after 3 tries');
  // The pauses before it differ by chance, by less than two milliseconds.
  expect(timer.asked).toEqual([40, 40, expect.toSatisfy((last) => last === 16 || last === 17)]);
});

test('a try that does not listen when it is ended is not waited for: the identity library goes on trying', async () => {
  const deaf = () => new Promise(() => {});
  const caller = { patience: { tries: 2, tryMs: 20, totalMs: 300, pauseMs: 1 }, timer: stoppedTimer() };
  const error = await call(caller, what, deaf).catch((e) => e);
  expect(error).toBeInstanceOf(StorageUnavailable);
  expect((error as Error).message).toContain('no answer in time, after 2 tries');
});

test('a device has its answer in under ten seconds', () => {
  const pauses = (PATIENCE.pauseMs + 2 * PATIENCE.pauseMs) * 1.25;
  expect(Math.min(PATIENCE.totalMs, PATIENCE.tries * PATIENCE.tryMs + pauses)).toBeLessThanOrEqual(8000);
});

test('each request is announced before it leaves, and what the listener throws stops it', async () => {
  const seen: Call[] = [];
  let sent = 0;
  const stop = new Error('cut');
  const onCall = (c: Call) => {
    if (seen.push(c) === 2) throw stop;
  };
  const send = async () => {
    sent++;
    throw network('ECONNRESET');
  };
  await expect(call({ patience, onCall }, what, send)).rejects.toBe(stop);
  expect(seen).toEqual([what, what]);
  expect(sent).toBe(1);
});

test('what is refused for good says what to look at', () => {
  expect(refused(what, { status: 403, code: 'AuthorizationPermissionMismatch' }).message).toMatch(
    /get in devices: 403 .*no right/,
  );
  expect(refused(what, { status: 404, code: 'TableNotFound' }).message).toMatch(/does not exist/);
});
