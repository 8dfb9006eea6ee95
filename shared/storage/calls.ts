import { type CallTimer, SYSTEM_TIMER } from '../platform/call-timer.ts';
import { StorageRefused, StorageUnavailable } from './errors.ts';

/** One HTTP request to storage, as a test or a counter sees it before it leaves. */
export interface Call {
  service: 'table' | 'blob';
  /** `get`, `query`, `insert`, `replace`, `upsert`, `delete`, `transaction`, `createTable`; `read`, `write`, `createOnce`, `delete`, `createContainer` */
  operation: string;
  /** the table or the container */
  name: string;
}

/** Runs before each HTTP request that leaves. What it throws reaches the caller as it is, and the request does not leave. */
export type OnCall = (call: Call) => void | Promise<void>;

/** How long storage is given to answer. */
export interface Patience {
  /** requests for one operation, the first included */
  tries: number;
  /** milliseconds for one request */
  tryMs: number;
  /** milliseconds for the whole operation; none begins after it */
  totalMs: number;
  /** milliseconds before the second request; doubles with each further one */
  pauseMs: number;
}

/** A device waits for its answer: three tries, and an error after 8 seconds at the latest. */
export const PATIENCE: Patience = { tries: 3, tryMs: 3000, totalMs: 8000, pauseMs: 200 };

export interface Caller {
  onCall?: OnCall | undefined;
  patience: Patience;
  /** for tests */
  timer?: CallTimer;
}

/** What came of an operation, and what its caller has to know about the tries before the last. */
export interface Tries {
  /** an earlier try got no answer and may have been carried out all the same */
  unanswered: boolean;
}

interface Failure {
  /** a further try may do better */
  again: boolean;
  /** the service may have carried it out */
  mayHaveRun: boolean;
  retryAfterMs?: number;
  reason: string;
}

/** Errors of a connection that never stood: nothing can have been carried out. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** Statuses of a service that is busy or broken for the moment. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);
/** What @azure/identity throws when the identity endpoint gives no token. */
const NO_TOKEN =
  /^(CredentialUnavailableError|AuthenticationError|AggregateAuthenticationError|AuthenticationRequiredError)$/;

/**
 * Carries out one operation against storage, trying again where that may help. The SDK's own retries are off, so each run of
 * `send` is one HTTP request.
 *
 * @param send makes the request; it is told what happened to the tries before it, and gets a signal that ends it in time
 * @throws StorageUnavailable when no try was answered; otherwise what `send` threw
 */
export async function call<T>(
  caller: Caller,
  what: Call,
  send: (signal: AbortSignal, tries: Tries) => Promise<T>,
): Promise<T> {
  const { tries, tryMs, totalMs, pauseMs } = caller.patience;
  const timer = caller.timer ?? SYSTEM_TIMER;
  const started = timer.now();
  const so: Tries = { unanswered: false };
  for (let n = 1; ; n++) {
    await caller.onCall?.(what);
    const left = totalMs - (timer.now() - started);
    const signal = timer.timeout(Math.ceil(Math.max(1, Math.min(tryMs, left))));
    try {
      return await Promise.race([send(signal, so), whenAborted(signal)]);
    } catch (error) {
      const failure = classify(error, signal);
      if (!failure) throw error;
      so.unanswered ||= failure.mayHaveRun;
      const pause = failure.retryAfterMs ?? pauseMs * 2 ** (n - 1) * (0.75 + Math.random() / 2);
      const spent = timer.now() - started + pause;
      if (!failure.again || n >= tries || spent >= totalMs) throw unavailable(what, failure, n);
      await timer.pause(pause);
    }
  }
}

/** The identity library goes on trying after the signal, for longer than a device waits. */
function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

function unavailable(what: Call, failure: Failure, tries: number): StorageUnavailable {
  const times = tries === 1 ? 'one try' : `${tries} tries`;
  return new StorageUnavailable(
    `Storage does not answer: ${what.operation} in ${what.name}, ${failure.reason}, after ${times}`,
  );
}

/** What a thrown error says about the try; undefined when it is an answer and not an outage. */
function classify(error: unknown, signal: AbortSignal): Failure | undefined {
  const { name, code, statusCode, response } = facts(error);
  if (signal.aborted && statusCode === undefined) return { again: true, mayHaveRun: true, reason: 'no answer in time' };
  if (name !== undefined && NO_TOKEN.test(name))
    return { again: false, mayHaveRun: false, reason: 'no token for the managed identity' };
  if (statusCode !== undefined && !PASSING.has(statusCode)) return undefined;
  if (statusCode !== undefined) {
    const retryAfter = Number(response?.headers?.get?.('retry-after') ?? Number.NaN);
    const failure: Failure = {
      again: true,
      mayHaveRun: code !== 'ServerBusy' && statusCode !== 429,
      reason: `status ${statusCode} ${code ?? ''}`.trim(),
    };
    if (retryAfter >= 0) failure.retryAfterMs = retryAfter * 1000;
    return failure;
  }
  if (name === 'RestError' || (code !== undefined && /^E[A-Z]+$/.test(code))) {
    return { again: true, mayHaveRun: !NOT_CONNECTED.has(code ?? ''), reason: code ?? 'the connection failed' };
  }
  return undefined;
}

interface ErrorFacts {
  name?: string;
  code?: string;
  statusCode?: number;
  message?: string;
  response?: { headers?: { get?(name: string): string | undefined }; parsedBody?: unknown };
}

function facts(error: unknown): ErrorFacts {
  return typeof error === 'object' && error !== null ? (error as ErrorFacts) : {};
}

/** The HTTP status and the service's error code of an error that the SDK threw; undefined for any other error. */
export function answerOf(error: unknown): { status: number; code: string; message: string } | undefined {
  const { statusCode, code, message, response } = facts(error);
  if (typeof statusCode !== 'number') return undefined;
  return { status: statusCode, code: odataCode(response?.parsedBody) ?? code ?? '', message: message ?? '' };
}

function odataCode(body: unknown): string | undefined {
  const error = (body as { odataError?: { code?: string } } | undefined)?.odataError;
  return error?.code;
}

/** The error for an answer that no retry cures: says what was refused and with which code, without URL, headers or body. */
export function refused(what: Call, answer: { status: number; code: string }): StorageRefused {
  const help =
    answer.status === 401 || answer.status === 403
      ? '; the identity of this app has no right to it (a new role assignment takes some minutes)'
      : answer.code === 'TableNotFound' || answer.code === 'ContainerNotFound'
        ? '; it does not exist'
        : '';
  const message = `Storage refused ${what.operation} in ${what.name}: ${answer.status} ${answer.code}${help}`;
  return new StorageRefused(message, answer.status, answer.code);
}
