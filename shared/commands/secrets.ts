import type { Command, CommandItem } from './command.ts';
import { fingerprint, type Place, seal, unseal } from './seal.ts';

/** The secret data of commands: sealed while it waits, erased when the command ends, shown to nobody. */

/** What stands in every view where a secret is. */
export const HIDDEN = '***';

function placeOf(deviceId: string, commandId: string, item: number): Place {
  return ['command', deviceId, commandId, item];
}

/** @returns whether any of the items has data that must be sealed before it is stored */
export function holdsSecret(items: readonly CommandItem[]): boolean {
  return items.some((item) => item.secret && item.data !== undefined);
}

/** @returns the items as they are stored: secret data sealed for this place, the rest as it is */
export function sealItems(
  key: Buffer,
  deviceId: string,
  commandId: string,
  items: readonly CommandItem[],
): CommandItem[] {
  return items.map((item, index) => {
    const { data, ...rest } = item;
    if (!item.secret || data === undefined) return item;
    const sealed = seal(key, placeOf(deviceId, commandId, index), Buffer.from(data));
    return { ...rest, sealed: sealed.toString('base64') };
  });
}

/**
 * @param key undefined where there is none: then nothing opens
 * @returns the secret data of a command by the place of the item; undefined for what cannot be opened any more
 */
export function openItems(
  key: Buffer | undefined,
  deviceId: string,
  { id, items }: Pick<Command, 'id' | 'items'>,
): Map<number, string | undefined> {
  const opened = new Map<number, string | undefined>();
  items.forEach(({ sealed }, index) => {
    if (sealed === undefined) return;
    const place = placeOf(deviceId, id, index);
    opened.set(index, key && unseal(key, place, Buffer.from(sealed, 'base64'))?.toString());
  });
  return opened;
}

/** @returns the items without what was sealed: for a command that has ended */
export function eraseSecrets(items: CommandItem[]): CommandItem[] {
  if (!items.some((item) => item.sealed !== undefined)) return items;
  return items.map(({ sealed: _, ...item }) => item);
}

/** @returns the items as they are shown. Of an erased secret it is not known any more whether there was data. */
export function hideSecrets(items: readonly CommandItem[]): CommandItem[] {
  return items.map(({ sealed: _, ...item }) => (item.secret ? { ...item, data: HIDDEN } : item));
}

/** @returns the items with a keyed hash where a secret is, for comparing requests without keeping what was asked */
export function withFingerprints(key: Buffer, items: readonly CommandItem[]): CommandItem[] {
  return items.map((item) =>
    item.secret && item.data !== undefined ? { ...item, data: fingerprint(key, item.data) } : item,
  );
}
