/**
 * Slows down whoever guesses secrets. Looked at only after a secret has failed, so a right one always passes and nobody
 * can be locked out by others. Counters live in the memory of one instance: an 80-bit secret is safe without them, they
 * only keep a flood from costing money.
 */

export const FAILURES_PER_HOUR = 20;
/** Past this many addresses all further ones share one counter, so that a flood of addresses cannot fill the memory. */
export const MAX_COUNTERS = 10_000;
const HOUR_MS = 3_600_000;
const SHARED = '*';

interface Counter {
  failures: number;
  /** When the hour of this counter ends, ms since 1970. */
  until: number;
}

export class Throttle {
  readonly #counters = new Map<string, Counter>();

  /**
   * Counts one refused attempt.
   * @returns the seconds to wait when the address has failed too often, else undefined
   */
  fail(address: string, now: Date): number | undefined {
    const counter = this.#counterOf(address, now.getTime());
    counter.failures += 1;
    if (counter.failures <= FAILURES_PER_HOUR) return undefined;
    return Math.max(1, Math.ceil((counter.until - now.getTime()) / 1_000));
  }

  #counterOf(address: string, at: number): Counter {
    const known = this.#counters.get(address);
    if (known && known.until > at) return known;
    if (this.#counters.size >= MAX_COUNTERS) this.#forgetEnded(at);
    const key = known || this.#counters.size < MAX_COUNTERS ? address : SHARED;
    const existing = this.#counters.get(key);
    const counter = existing && existing.until > at ? existing : { failures: 0, until: at + HOUR_MS };
    this.#counters.set(key, counter);
    return counter;
  }

  #forgetEnded(at: number): void {
    for (const [key, counter] of this.#counters) if (counter.until <= at) this.#counters.delete(key);
  }
}

/** An IPv6 address with brackets and port has 55 characters; the pattern below would take minutes over a header full of colons. */
const MAX_HOP = 64;

/**
 * @param forwardedFor the `X-Forwarded-For` header; its last hop is the platform's own word, those before are the caller's
 * @returns the caller's address without port, an IPv6 address cut to its /64; `unknown` when there is none
 */
export function callerAddress(forwardedFor: string | null): string {
  const hop = forwardedFor?.split(',').at(-1)?.trim() ?? '';
  if (hop.length > MAX_HOP) return 'unknown';
  const ipv6 = /^\[?([0-9a-f:]*:[0-9a-f:.]*:[0-9a-f:.]*)\]?(?::\d+)?$/i.exec(hop)?.[1];
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1];
  if (bracketed ?? ipv6) return networkOf(bracketed ?? ipv6 ?? '');
  return hop.replace(/:\d+$/, '') || 'unknown';
}

/** One subscriber has a whole /64, so its addresses count as one. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped) return mapped;
  const [head = '', tail] = address.toLowerCase().split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const missing = tail === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...Array<string>(Math.max(0, missing)).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
