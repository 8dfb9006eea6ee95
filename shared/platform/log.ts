import type { InvocationContext } from '@azure/functions';

/** What is known about an event: flat, so that each fact can be searched for. */
export type Facts = Record<string, string | number | boolean | undefined>;

/** Where a function writes what happened. Values that look like secrets are masked, and a message stays on one line. */
export interface Log {
  info(message: string, facts?: Facts): void;
  warn(message: string, facts?: Facts): void;
  error(message: string, facts?: Facts): void;
}

const MASK = '***';
const MAX_LENGTH = 1000;

/** Names of facts that hold a secret whatever it looks like. */
const SECRET_NAME =
  /pass(word|phrase|code)|secret|token|credential|cookie|authorization|nonce|signature|private|connectionstring|(^|[a-z_])(api|account|function|host|master|access|shared)_?key$|^(key|cred|sig|sas|pwd)$/i;

/** Texts that are a secret, or contain one, whatever the fact is called. */
const SECRET_TEXTS: [RegExp, string][] = [
  [/-----BEGIN [^-]*-----[\s\S]*?(-----END [^-]*-----|$)/g, MASK],
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}/gi, `$1 ${MASK}`],
  [/\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*/g, MASK],
  [
    /([?&;\s]|^)(sig|code|AccountKey|SharedAccessSignature|client_secret|password|secret|token)=[^&;\s]+/gi,
    `$1$2=${MASK}`,
  ],
  // An invitation secret in groups; not inside a longer run such as a GUID.
  [/(?<![0-9A-Za-z-])[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}(?![0-9A-Za-z-])/gi, MASK],
];

/** Runs long enough to be a key or a certificate in base64 or base64url. */
const LONG_RUN = /[A-Za-z0-9+/_-]{40,}={0,2}/g;
/** GUIDs and hexadecimal digests (thumbprints) are what people search a log for, and no secrets. */
const IDENTIFIER = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{40,}/gi;

/**
 * A text with everything that looks like a secret masked: keys, tokens, SAS, PEM, credentials of HTTP headers, invitation secrets.
 * A second net: a caller still must not hand bodies and credentials to the log.
 */
export function maskSecrets(text: string): string {
  let masked = text;
  for (const [pattern, replacement] of SECRET_TEXTS) masked = masked.replace(pattern, replacement);
  return masked.replace(LONG_RUN, (run) => (looksRandom(run) ? MASK : run));
}

/**
 * Whether a run is random and not words: in base64 two neighbours out of three are of different kinds (upper case, lower case,
 * digit, other), in names such as those of a CSP node one out of three. Slashes part a path, and are rare in base64.
 */
function looksRandom(run: string): boolean {
  const pieces = run.replace(IDENTIFIER, '').split('/');
  const piece = pieces.reduce((longest, p) => (p.length > longest.length ? p : longest));
  if (piece.length < 20 || !/[a-z]/.test(piece) || !/[A-Z]/.test(piece)) return false;
  const kinds = [...piece].map((c) => (/[a-z]/.test(c) ? 'a' : /[A-Z]/.test(c) ? 'A' : /[0-9]/.test(c) ? '0' : '-'));
  const changes = kinds.filter((kind, i) => i > 0 && kind !== kinds[i - 1]).length;
  return changes / (piece.length - 1) >= 0.4;
}

/** The name and reason of an error as facts, without its stack. */
export function errorFacts(error: unknown): Facts {
  if (error instanceof Error) return { error: error.name, reason: error.message };
  return { error: typeof error, reason: String(error) };
}

/** One line for the log: the message, then the facts as JSON. */
export function logLine(message: string, facts: Facts = {}): string {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined);
  const safe = known.map(([name, value]) => [name, safeValue(name, value)]);
  const text = oneLine(maskSecrets(message));
  return safe.length === 0 ? text : `${text} ${JSON.stringify(Object.fromEntries(safe))}`;
}

function safeValue(name: string, value: Facts[string]): Facts[string] {
  if (SECRET_NAME.test(name) && typeof value !== 'boolean') return MASK;
  return typeof value === 'string' ? oneLine(maskSecrets(value)) : value;
}

/** A caller's text must not begin a line of its own in the log. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  const flat = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
  return flat.length > MAX_LENGTH ? `${flat.slice(0, MAX_LENGTH)}…` : flat;
}

/** The log of one invocation of a function. */
export function logTo(context: InvocationContext): Log {
  return {
    info: (message, facts) => context.info(logLine(message, facts)),
    warn: (message, facts) => context.warn(logLine(message, facts)),
    error: (message, facts) => context.error(logLine(message, facts)),
  };
}
