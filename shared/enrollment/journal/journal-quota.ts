import { sha256 } from '../../platform/ids.ts';

/** How many refused attempts the journal keeps in an hour: of one address, and in all. */
export const REFUSALS_KEPT_PER_ADDRESS = 20;
export const REFUSALS_KEPT_IN_ALL = 200;
/**
 * So much of either number is for one kind at most. What is left is there for the other: strangers cannot crowd out those
 * whose credential was right, and an office that is refused for another reason does not hide who guesses.
 */
const SHARE_OF_ONE_KIND = 0.75;

const HOUR_MS = 3_600_000;

/** Whether the credential of a refused attempt was right. */
export type Kind = 'proved' | 'unproved';

type Counts = Record<Kind, number>;

/** What was kept in an hour, as storage counts it for all instances. */
export interface Quota {
  /** Hours since 1970. */
  hour: number;
  inAll: Counts;
  /** By a hash of the address: the journal does not say who called from where. */
  byAddress: Record<string, Counts>;
}

/** Which of the two numbers is used up. */
export type LimitMet = 'inAll' | 'address';

/** @returns the count with one attempt more, or the limit for which no more of its kind are kept in this hour */
export function quotaAfter(stored: Quota | undefined, hour: number, address: string, kind: Kind): Quota | LimitMet {
  const { inAll, byAddress }: Omit<Quota, 'hour'> = stored?.hour === hour ? stored : { inAll: none(), byAddress: {} };
  const key = hashOf(address);
  const ofAddress = byAddress[key] ?? none();
  if (isUsedUp(inAll, kind, REFUSALS_KEPT_IN_ALL)) return 'inAll';
  if (isUsedUp(ofAddress, kind, REFUSALS_KEPT_PER_ADDRESS)) return 'address';
  return { hour, inAll: oneMore(inAll, kind), byAddress: { ...byAddress, [key]: oneMore(ofAddress, kind) } };
}

function isUsedUp(counts: Counts, kind: Kind, limit: number): boolean {
  return counts.proved + counts.unproved >= limit || counts[kind] >= limit * SHARE_OF_ONE_KIND;
}

function none(): Counts {
  return { proved: 0, unproved: 0 };
}

function oneMore(counts: Counts, kind: Kind): Counts {
  return { ...counts, [kind]: counts[kind] + 1 };
}

function hashOf(address: string): string {
  return sha256(address).toString('hex').slice(0, 16);
}

/**
 * What one instance knows of the count, so that a flood costs no calls. It takes a place when an attempt begins, since many
 * may be on their way before the first of them is refused.
 */
export class InstanceQuota {
  #hour = 0;
  #taken = 0;
  #takenByAddress = new Map<string, number>();
  /** What storage has said of a kind: that no more are kept of an address, or of any. */
  #full = new Set<string>();

  /** @returns false when the instance has no place left in this hour for an attempt whose credential is not proved */
  takePlace(address: string, now: Date): boolean {
    if (!this.hasPlace('unproved', address, now)) return false;
    const ofAddress = this.#takenByAddress.get(address) ?? 0;
    const most = (limit: number) => limit * SHARE_OF_ONE_KIND;
    if (this.#taken >= most(REFUSALS_KEPT_IN_ALL) || ofAddress >= most(REFUSALS_KEPT_PER_ADDRESS)) return false;
    this.#count(address, 1);
    return true;
  }

  /** The attempt was accepted, or its credential right. One that began in the last hour gives no place back in this one. */
  giveBack(address: string): void {
    this.#count(address, -1);
  }

  /** @returns false where storage has said in this hour that no more are kept */
  hasPlace(kind: Kind, address: string, now: Date): boolean {
    this.#beginHour(now);
    return !this.#full.has(kind) && !this.#full.has(`${kind} ${address}`);
  }

  /** Storage has said that no more are kept: other instances had their share. */
  isFull(limit: LimitMet, kind: Kind, address: string, now: Date): void {
    this.#beginHour(now);
    this.#full.add(limit === 'inAll' ? kind : `${kind} ${address}`);
  }

  #beginHour(now: Date): void {
    const hour = Math.floor(now.getTime() / HOUR_MS);
    if (hour === this.#hour) return;
    this.#hour = hour;
    this.#taken = 0;
    this.#takenByAddress = new Map();
    this.#full = new Set();
  }

  #count(address: string, change: 1 | -1): void {
    const before = this.#takenByAddress.get(address) ?? 0;
    if (before + change < 0) return;
    this.#taken += change;
    this.#takenByAddress.set(address, before + change);
  }
}
