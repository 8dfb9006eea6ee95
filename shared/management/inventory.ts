import type { Device } from '../devices/device.ts';
import {
  INVENTORY_LISTS,
  INVENTORY_VALUES,
  type Inventory,
  type InventoryEntry,
  type InventoryRow,
} from '../devices/inventory.ts';
import { nodePath } from '../wire/node-path.ts';
import type { Item } from '../wire/syncml.ts';
import type { Asked } from './session.ts';
import type { Turn } from './turn-state.ts';

/**
 * When the inventory of a device is read, and what is kept of it. It goes behind everything else, and each list in a
 * message of its own, so that a device which chokes on one loses nothing but that.
 */

const DAY_MS = 86_400_000;
/** An enrollment is left to its beginning: what people wait for then goes first. */
const BEGINS_AFTER_MS = 3_600_000;
/** Sessions in which the same is asked for without any answer, before it waits for its next time. */
const MAX_TRIES = 3;
const MAX_VALUE = 500;
/** Of a list. */
export const MAX_ROWS = 500;
const MAX_CELL = 200;
/** Of a list that comes in several messages, what the row of the session holds until it is whole. */
const MAX_OPEN_CHARACTERS = 150_000;
/** A longer list lies in a blob, so that no message has to read it. */
const INLINE_BYTES = 2_048;

type AskedInventory = Extract<Asked, { kind: 'inventory' }>;

/** Asks for what is due as far as it fits into the reply. */
export function chooseInventory(turn: Turn): void {
  if (turn.input.inventoryDays === undefined) return;
  for (const [name, { node }] of Object.entries(INVENTORY_VALUES)) {
    if (isDue(turn, name) && !ask(turn, name, node)) return;
  }
  if (turn.reply.commandCount > 0) return;
  const list = Object.entries(INVENTORY_LISTS).find(([name]) => isDue(turn, name));
  if (list) ask(turn, list[0], `${list[1].node}?list=StructData`);
}

function isDue({ copy, session, input }: Turn, name: string): boolean {
  const { inventory, enrolledAt } = copy.device;
  const entry = inventory?.entries[name];
  if (entry && entry.askedAt >= session.startedAt) return false;
  const days = input.inventoryDays ?? 0;
  const before = new Date(input.now.getTime() - days * DAY_MS).toISOString();
  const isWanted = inventory?.wantedAt !== undefined && !(entry?.readAt && entry.readAt >= inventory.wantedAt);
  const isEarly = input.now.getTime() - Date.parse(enrolledAt) < BEGINS_AFTER_MS;
  if (isWanted) return !entry || entry.askedAt < (inventory?.wantedAt ?? '') || entry.tries < MAX_TRIES;
  if (days === 0 || isEarly) return false;
  if (!entry) return true;
  return entry.tries > 0 ? entry.tries < MAX_TRIES || entry.askedAt < before : (entry.readAt ?? '') < before;
}

/** @returns whether it fitted into the reply */
function ask(turn: Turn, name: string, target: string): boolean {
  const { reply, session, copy, input } = turn;
  const cmdId = reply.commands([{ verb: 'Get', items: [{ target }] }])?.[0];
  if (cmdId === undefined) return false;
  session.asked.push({ kind: 'inventory', msgRef: Number(input.message.header.msgId), cmdId, name });
  const before = copy.device.inventory?.entries[name];
  note(turn, name, { ...before, askedAt: input.now.toISOString(), tries: (before?.tries ?? 0) + 1 });
  return true;
}

/**
 * Takes what the device says to one of them. A list may come in several messages until the package is whole.
 * @param items all items that came for it in this message
 * @returns the question once more while its answer is not whole
 */
export function noteInventory(
  turn: Turn,
  asked: AskedInventory,
  { code, items }: { code: number; items: readonly Item[] },
): AskedInventory | undefined {
  const list = INVENTORY_LISTS[asked.name];
  const { entries } = turn.copy.device.inventory ?? { entries: {} };
  const { askedAt = turn.input.now.toISOString() } = entries[asked.name] ?? {};
  const read = { askedAt, tries: 0, readAt: turn.input.now.toISOString(), status: code };
  const rows = list ? withRows(asked.rows ?? [], list, items) : undefined;
  const isFull = JSON.stringify(rows ?? []).length > MAX_OPEN_CHARACTERS;
  if (code === 200 && !turn.input.message.final && (rows ? !isFull : items.length === 0)) {
    return { ...asked, code, ...(rows ? { rows } : {}) };
  }
  if (code !== 200) note(turn, asked.name, read);
  // With more to come it is cut where it is.
  else if (rows) note(turn, asked.name, { ...read, ...kept(turn, asked.name, rows, !turn.input.message.final) });
  else note(turn, asked.name, { ...read, value: (items[0]?.data ?? '').trim().slice(0, MAX_VALUE) });
  return undefined;
}

/** Puts the leaves that are wanted into their rows: `<node>/<row>/…/<field>`. One row more than is kept shows that there are more. */
function withRows(
  before: readonly InventoryRow[],
  { node, fields }: { node: string; fields: readonly string[] },
  items: readonly Item[],
): InventoryRow[] {
  const rows = new Map(before.map((row) => [row.id.toLowerCase(), row]));
  const depth = nodePath(node).length;
  for (const { source = '', data = '', moreData } of items) {
    const path = source.split('?')[0]?.split('/') ?? [];
    const names = path.slice(path.length - (nodePath(source).length - depth));
    const [row, field] = [names.length > 1 ? names[0] : undefined, names.at(-1) ?? ''];
    const known = fields.find((each) => each.toLowerCase() === field.toLowerCase());
    if (row === undefined || known === undefined || moreData) continue;
    const id = decoded(row).slice(0, MAX_CELL);
    const key = id.toLowerCase();
    if (!rows.has(key) && rows.size > MAX_ROWS) continue;
    rows.set(key, { ...(rows.get(key) ?? { id }), [known]: data.trim().slice(0, MAX_CELL) } as InventoryRow);
  }
  return [...rows.values()];
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function kept(turn: Turn, name: string, rows: readonly InventoryRow[], isCutShort: boolean): Partial<InventoryEntry> {
  const most = rows.slice(0, MAX_ROWS);
  const cut = isCutShort || rows.length > MAX_ROWS ? { cut: true as const } : {};
  const json = JSON.stringify(most);
  if (Buffer.byteLength(json) <= INLINE_BYTES) return { count: most.length, rows: most, ...cut };
  const blob = `${turn.copy.device.id}/inventory/${name}`;
  turn.blobs.push({ name: blob, data: Buffer.from(json) });
  return { count: most.length, blob, ...cut };
}

function note({ copy }: Turn, name: string, entry: InventoryEntry): void {
  const inventory: Inventory = copy.device.inventory ?? { entries: {} };
  copy.device = {
    ...copy.device,
    inventory: { ...inventory, entries: { ...inventory.entries, [name]: entry } },
  } as Device;
}
