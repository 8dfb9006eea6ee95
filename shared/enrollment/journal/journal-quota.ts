import { sha256 } from '../../platform/ids.ts';

/** How many refused attempts the journal keeps in an hour: of one address, and in all. */
export const REFUSALS_KEPT_PER_ADDRESS = 20;
export const REFUSALS_KEPT_IN_ALL = 200;

const HOUR_MS = 3_600_000;

/** What was kept in an hour, as storage counts it for all instances. */
export interface Quota {
  /** Hours since 1970. */
  hour: number;
  inAll: number;
  /** By a hash of the address: the journal does not say who called from where. */
  byAddress: Record<string, number>;
}

/** @returns the count with one attempt more; undefined when no more are kept in this hour */
export function quotaAfter(stored: Quota | undefined, hour: number, address: string): Quota | undefined {
  const now = stored?.hour === hour ? stored : { hour, inAll: 0, byAddress: {} };
  const key = hashOf(address);
  const before = now.byAddress[key] ?? 0;
  if (now.inAll >= REFUSALS_KEPT_IN_ALL || before >= REFUSALS_KEPT_PER_ADDRESS) return undefined;
  return { hour, inAll: now.inAll + 1, byAddress: { ...now.byAddress, [key]: before + 1 } };
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

  /** @returns false when the instance has no place left in this hour */
  takePlace(address: string, now: Date): boolean {
    this.#beginHour(now);
    const ofAddress = this.#takenByAddress.get(address) ?? 0;
    if (this.#taken >= REFUSALS_KEPT_IN_ALL || ofAddress >= REFUSALS_KEPT_PER_ADDRESS) return false;
    this.#count(address, 1);
    return true;
  }

  /** The attempt was accepted. One that began in the last hour gives no place back in this one. */
  giveBack(address: string): void {
    this.#count(address, -1);
  }

  /** Storage has said that no more are kept: other instances had their share. */
  isFull(stored: Quota | undefined, address: string, now: Date): void {
    this.#beginHour(now);
    if ((stored?.inAll ?? 0) >= REFUSALS_KEPT_IN_ALL) this.#taken = REFUSALS_KEPT_IN_ALL;
    else this.#takenByAddress.set(address, REFUSALS_KEPT_PER_ADDRESS);
  }

  #beginHour(now: Date): void {
    const hour = Math.floor(now.getTime() / HOUR_MS);
    if (hour === this.#hour) return;
    this.#hour = hour;
    this.#taken = 0;
    this.#takenByAddress = new Map();
  }

  #count(address: string, change: 1 | -1): void {
    const before = this.#takenByAddress.get(address) ?? 0;
    if (before + change < 0) return;
    this.#taken += change;
    this.#takenByAddress.set(address, before + change);
  }
}
