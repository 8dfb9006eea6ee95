import { RowTooLarge } from './errors.ts';

/** A row as the caller sees it. */
export interface Row<T> {
  partitionKey: string;
  rowKey: string;
  /** the version that was read; a change of the row carries it */
  etag: string;
  value: T;
}

/** A property as the Tables SDK takes it: plain, or with its type where the service would guess another. */
export type Property = string | number | boolean | Uint8Array | { type: 'Int64' | 'Double'; value: string | number };

/** A row as the Tables SDK takes it. */
export interface Entity {
  partitionKey: string;
  rowKey: string;
  [property: string]: Property;
}

/** Limits of Table Storage ("Understanding the Table service data model"); the emulator does not hold the first two. */
const MAX_ROW_BYTES = 1024 * 1024;
const MAX_PROPERTIES = 252;
const MAX_KEY_BYTES = 1024;
/** 64 KiB a property: 32 Ki UTF-16 code units or 64 Ki bytes, with a little room. */
const SLICE_CHARACTERS = 32_000;
const SLICE_BYTES = 64_000;

/** Names which the SDK or the service keeps for itself; two underscores separate our own marks from a name. */
const RESERVED = /^(partitionkey|rowkey|timestamp|etag)$/i;
const NAME = /^(?!.*__)[A-Za-z_][A-Za-z0-9_]{0,199}$/;
/** `<name>`, `<name>__<slice>`, `<name>__json`, `<name>__json<slice>` */
const STORED_NAME = /^(.+?)(?:__(json)?(\d*))?$/;
/** Names the write that made the row as it is, so that a write whose answer was lost can be recognised. */
export const WRITE_ID = 'write__id';

const HALF_SURROGATE = /\p{Surrogate}/u;
const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is not allowed
const ILLEGAL_IN_KEY = /[/\\#?\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const ESCAPED_IN_KEY = /[/\\#?%|\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/gu;

/**
 * Makes any text a legal part of a key, and different texts different parts. What may not stand in a key
 * (`/ \ # ?`, control characters, halves of surrogate pairs) is percent-encoded; so are `%`, which keeps this reversible, and `|`,
 * which keys of several parts use between them.
 */
export function keyPart(text: string): string {
  return text.replace(ESCAPED_IN_KEY, (c) => {
    const code = c.charCodeAt(0).toString(16).toUpperCase();
    return code.length > 2 ? `%u${code}` : `%${code.padStart(2, '0')}`;
  });
}

/** Whether a row can have this key at all: legal characters, at most 1 KiB in UTF-16. */
export function isKey(key: string): boolean {
  return !ILLEGAL_IN_KEY.test(key) && key.length * 2 <= MAX_KEY_BYTES;
}

/**
 * The entity that is stored for a value: strings, numbers and booleans as properties of their own, readable in Storage Explorer;
 * objects and arrays as JSON text; Buffers as binary. Longer than a property may be, they are cut in slices.
 * `undefined` and `null` at the top are left out and so read back as absent.
 *
 * @throws RowTooLarge over 1 MiB, 252 properties or a key of 1 KiB
 * @throws TypeError for what could not be read back as it is: a Date, a bigint, NaN, a function, a name that is not an identifier
 */
export function toEntity(partitionKey: string, rowKey: string, value: object, writeId?: string): Entity {
  checkKey(partitionKey);
  checkKey(rowKey);
  const entity: Entity = { partitionKey, rowKey };
  for (const [name, property] of Object.entries(value)) {
    if (property === undefined || property === null) continue;
    if (!NAME.test(name) || RESERVED.test(name)) throw new TypeError(`A row cannot have a property named ${name}`);
    addProperty(entity, name, property);
  }
  if (writeId !== undefined) entity[WRITE_ID] = writeId;
  checkSize(entity);
  return entity;
}

function checkKey(key: string): void {
  if (key.length * 2 > MAX_KEY_BYTES)
    throw new RowTooLarge(`A key of ${key.length * 2} bytes is over ${MAX_KEY_BYTES}`);
  if (!isKey(key)) throw new TypeError(`${JSON.stringify(key)} cannot be a key; make its parts with keyPart`);
}

function addProperty(entity: Entity, name: string, value: unknown): void {
  if (typeof value === 'boolean') entity[name] = value;
  else if (typeof value === 'number' && !Object.is(value, -0)) entity[name] = numberProperty(name, value);
  // A string with half a surrogate pair does not survive UTF-8, its JSON escape does.
  else if (typeof value === 'string' && !HALF_SURROGATE.test(value)) addSlices(entity, name, textSlices(value));
  else if (value instanceof Uint8Array) addSlices(entity, name, byteSlices(value));
  else addSlices(entity, `${name}__json`, textSlices(toJson(name, value)));
}

function numberProperty(name: string, value: number): Property {
  if (!Number.isFinite(value)) throw new TypeError(`${name} is ${value}, which is no number that can be stored`);
  if (!Number.isSafeInteger(value)) return { type: 'Double', value };
  // The service takes a whole number without a type for 32 bits.
  return value > INT32_MAX || value < INT32_MIN ? { type: 'Int64', value: String(value) } : value;
}

function toJson(name: string, value: unknown): string {
  if (Object.is(value, -0)) return '-0';
  return JSON.stringify(value, function (this: Record<string, unknown>, key, shown) {
    // The replacer is shown what toJSON made of a Date or a Buffer; the object itself is in `this`.
    const original = this[key];
    const lost =
      original instanceof Date ||
      original instanceof Uint8Array ||
      ['bigint', 'function', 'symbol'].includes(typeof original) ||
      (typeof original === 'number' && !Number.isFinite(original));
    if (lost)
      throw new TypeError(`${key || name} is a ${typeof original} that JSON does not bring back: ${String(original)}`);
    return shown;
  });
}

function addSlices(entity: Entity, name: string, slices: Property[]): void {
  const first = name.endsWith('__json') ? name : `${name}__`;
  slices.forEach((slice, i) => {
    entity[i === 0 ? name : `${first}${i}`] = slice;
  });
}

function textSlices(text: string): string[] {
  if (text.length <= SLICE_CHARACTERS) return [text];
  const slices: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + SLICE_CHARACTERS, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end--;
    slices.push(text.slice(start, end));
    start = end;
  }
  return slices;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

function byteSlices(bytes: Uint8Array): Uint8Array[] {
  const slices: Uint8Array[] = [];
  for (let start = 0; start < Math.max(bytes.length, 1); start += SLICE_BYTES) {
    slices.push(bytes.subarray(start, start + SLICE_BYTES));
  }
  return slices;
}

/** The size of an entity in bytes, as the service counts it: keys and names in UTF-16, 8 bytes for each property beside its value. */
export function entityBytes(entity: Entity): number {
  let bytes = 4 + 2 * (entity.partitionKey.length + entity.rowKey.length);
  for (const [name, value] of Object.entries(entity)) {
    if (name === 'partitionKey' || name === 'rowKey') continue;
    bytes += 8 + 2 * name.length + propertyBytes(value);
  }
  return bytes;
}

function propertyBytes(value: Property): number {
  if (typeof value === 'string') return 4 + 2 * value.length;
  if (value instanceof Uint8Array) return 4 + value.length;
  return typeof value === 'boolean' ? 1 : 8;
}

function checkSize(entity: Entity): void {
  const properties = Object.keys(entity).length - 2;
  const row = `Row ${entity.rowKey}`;
  if (properties > MAX_PROPERTIES)
    throw new RowTooLarge(`${row} has ${properties} properties; ${MAX_PROPERTIES} is the most`);
  const bytes = entityBytes(entity);
  if (bytes > MAX_ROW_BYTES) throw new RowTooLarge(`${row} has ${bytes} bytes; ${MAX_ROW_BYTES} is the most`);
}

/** The row that an entity holds, as the SDK gives it: the reverse of `toEntity`. */
export function fromEntity<T>(entity: Record<string, unknown>): Row<T> {
  const value: Record<string, unknown> = {};
  for (const stored of Object.keys(entity)) {
    const [, name = stored, json, slice] = STORED_NAME.exec(stored) ?? [];
    if (stored === WRITE_ID || RESERVED.test(name) || name.includes('.') || slice) continue;
    const first = json ? `${name}__json` : `${name}__`;
    const whole = join(slicesOf(entity, stored, first));
    value[name] = json ? JSON.parse(whole as string) : whole;
  }
  return {
    partitionKey: String(entity['partitionKey']),
    rowKey: String(entity['rowKey']),
    etag: String(entity['etag']),
    value: value as T,
  };
}

function slicesOf(entity: Record<string, unknown>, stored: string, first: string): unknown[] {
  const slices = [entity[stored]];
  for (let i = 1; `${first}${i}` in entity; i++) slices.push(entity[`${first}${i}`]);
  return slices;
}

function join(slices: unknown[]): unknown {
  const [first] = slices;
  if (first instanceof Uint8Array) return Buffer.concat(slices as Uint8Array[]);
  if (typeof first === 'bigint') return Number(first);
  return slices.length === 1 ? first : slices.join('');
}
