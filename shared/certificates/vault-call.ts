import { type CallTimer, SYSTEM_TIMER } from '../platform/call-timer.ts';
import { CertificateAuthorityError } from './certificate-authority-error.ts';

/** How long a call of the vault may take: a PC or an administrator waits. */
export interface VaultPatience {
  /** requests for one call */
  tries: number;
  /** for one request, in milliseconds */
  tryMs: number;
  /** for all tries and the pauses between them */
  totalMs: number;
  /** before the second try; it doubles with each further one */
  pauseMs: number;
}

/** As for storage: an enrollment has a person in front of it. */
export const SIGN_PATIENCE: VaultPatience = { tries: 3, tryMs: 3_000, totalMs: 8_000, pauseMs: 200 };
/** Making an RSA key takes the vault seconds; several such calls must fit into the two minutes of a function. */
export const ADMIN_PATIENCE: VaultPatience = { tries: 3, tryMs: 10_000, totalMs: 20_000, pauseMs: 500 };

/** The vault answered, and no further try changes the answer. `code` is the most exact one that it gave. */
export class VaultRefused extends CertificateAuthorityError {
  override readonly name = 'VaultRefused';
  readonly status: number;
  readonly code: string;

  constructor(message: string, status: number, code: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Statuses of a service that is busy or broken for the moment. */
const PASSING = new Set([408, 429, 500, 502, 503, 504]);
/** What @azure/identity throws when the identity endpoint gives no token. */
const NO_TOKEN =
  /^(CredentialUnavailableError|AuthenticationError|AggregateAuthenticationError|AuthenticationRequiredError)$/;

/**
 * Carries out one call of the vault within the patience given, trying again where that may help. The SDK's own retries are
 * off: they would wait as long as the vault asks, and the device would not.
 *
 * @param what such as `sign with lanyard-issuing-ca`, for messages
 * @param send makes the request and ends it when the signal says so
 * @throws VaultRefused for an answer that stands; CertificateAuthorityError with `passing` where none came in time
 */
export async function callVault<T>(
  what: string,
  patience: VaultPatience,
  send: (signal: AbortSignal) => Promise<T>,
  timer: CallTimer = SYSTEM_TIMER,
): Promise<T> {
  const started = timer.now();
  for (let n = 1; ; n++) {
    const left = patience.totalMs - (timer.now() - started);
    const signal = timer.timeout(Math.ceil(Math.max(1, Math.min(patience.tryMs, left))));
    try {
      return await Promise.race([send(signal), whenAborted(signal)]);
    } catch (error) {
      const failure = classify(what, error, signal);
      if (failure instanceof CertificateAuthorityError) throw failure;
      const pause = failure.retryAfterMs ?? patience.pauseMs * 2 ** (n - 1) * (0.75 + Math.random() / 2);
      if (n >= patience.tries || timer.now() - started + pause >= patience.totalMs) {
        const tries = n === 1 ? 'one try' : `${n} tries`;
        throw new CertificateAuthorityError(
          `Key Vault does not answer: ${what}, ${failure.reason}, after ${tries}. Try again in a minute.`,
          { passing: true },
        );
      }
      await timer.pause(pause);
    }
  }
}

/** A credential need not listen to the signal. */
function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
}

interface Failure {
  reason: string;
  retryAfterMs?: number;
}

function classify(what: string, error: unknown, signal: AbortSignal): Failure | CertificateAuthorityError {
  const { name = '', code = '', statusCode, response, message = '' } = facts(error);
  if (statusCode !== undefined) {
    if (!PASSING.has(statusCode)) return refused(what, statusCode, exactCode(error) || code);
    const retryAfter = Number(response?.headers?.get?.('retry-after') ?? Number.NaN);
    return { reason: `status ${statusCode}`, ...(retryAfter >= 0 && { retryAfterMs: retryAfter * 1000 }) };
  }
  if (signal.aborted) return { reason: 'no answer in time' };
  if (NO_TOKEN.test(name)) {
    return new CertificateAuthorityError(`Key Vault was not asked to ${what}: no token for the managed identity.`, {
      passing: true,
      cause: error,
    });
  }
  if (name === 'RestError' || /^E[A-Z_]+$/.test(code)) return { reason: code || 'the connection failed' };
  return new CertificateAuthorityError(`Key Vault cannot be used to ${what}: ${message}`, { cause: error });
}

interface ErrorFacts {
  name?: string;
  code?: string;
  message?: string;
  statusCode?: number;
  response?: { headers?: { get?(name: string): string | undefined } };
  details?: { error?: VaultErrorBody };
}
interface VaultErrorBody {
  code?: string;
  innerError?: VaultErrorBody;
  innererror?: VaultErrorBody;
}

function facts(error: unknown): ErrorFacts {
  return typeof error === 'object' && error !== null ? (error as ErrorFacts) : {};
}

/** The innermost code of the answer: `Forbidden` says less than `ForbiddenByRbac` inside it. */
function exactCode(error: unknown): string {
  let body = facts(error).details?.error;
  for (let inner = body; inner; inner = inner.innerError ?? inner.innererror) body = inner.code ? inner : body;
  return body?.code ?? '';
}

const HELP: Record<string, string> = {
  ForbiddenByRbac: 'the identity of this app has no right to it (a new role assignment takes some minutes)',
  ForbiddenByPolicy: 'the identity of this app has no right to it',
  ForbiddenByFirewall: 'the firewall of the vault keeps this app out',
  KeyDisabled: 'the key is disabled: enable the certificate in the vault again, or roll over to a new issuing CA',
  ObjectIsDeletedButRecoverable:
    'a deleted certificate of this name can still be recovered, and devices may hold certificates of its key: ' +
    'run "az keyvault certificate recover", then try again',
};

function refused(what: string, status: number, code: string): VaultRefused {
  // Of a list the SDK gives no more than Forbidden; most often it is the right that is missing.
  const help = HELP[code] ?? (status === 401 || status === 403 ? HELP['ForbiddenByRbac'] : undefined);
  return new VaultRefused(`Key Vault refused to ${what}: ${status} ${code}${help ? `; ${help}` : ''}.`, status, code);
}
