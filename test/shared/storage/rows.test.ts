import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RowTooLarge } from '../../../shared/storage/errors.ts';
import { type Entity, entityBytes, fromEntity, isKey, keyPart, toEntity } from '../../../shared/storage/rows.ts';

/** What the Tables SDK gives back for what it was given: Int64 as bigint, Double as number, an ETag. */
function asRead(entity: Entity): Record<string, unknown> {
  const read = Object.entries(entity).map(([name, value]) => {
    if (typeof value !== 'object' || value instanceof Uint8Array) return [name, value];
    return [name, value.type === 'Int64' ? BigInt(value.value) : value.value];
  });
  return { ...Object.fromEntries(read), etag: 'W/"1"', timestamp: '2026-11-21T00:00:00Z', 'odata.metadata': 'x' };
}

const roundTrip = (value: object) => fromEntity<Record<string, unknown>>(asRead(toEntity('p', 'r', value, 'id'))).value;

/** What JSON can say: a minus in front of 0 it cannot, which a test below holds fast. */
const json = fc
  .jsonValue({ maxDepth: 4 })
  .filter((v) => !JSON.stringify(v).includes('__proto__'))
  .map((v) => JSON.parse(JSON.stringify(v)) as unknown);
const property = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.array(json, { maxLength: 5 }),
  fc.dictionary(
    fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
    json,
    { maxKeys: 5 },
  ),
);
const name = fc
  .stringMatching(/^[A-Za-z][A-Za-z0-9]{0,20}$/)
  .filter((n) => !/^(partitionkey|rowkey|timestamp|etag)$/i.test(n));

describe('a value', () => {
  test('reads back as it was written, whatever it holds', () => {
    fc.assert(
      fc.property(fc.dictionary(name, property, { maxKeys: 20 }), (value) => {
        expect(roundTrip(value)).toEqual({ ...value });
      }),
    );
  });

  test('has -0 at the top and 0 inside an object, where JSON keeps it', () => {
    expect(roundTrip({ a: -0, b: { c: -0 } })).toEqual({ a: -0, b: { c: 0 } });
  });

  test.each([
    ['nothing', {}],
    [
      'numbers at their edges',
      { a: 2 ** 31 - 1, b: 2 ** 31, c: -(2 ** 31) - 1, d: Number.MAX_SAFE_INTEGER, e: Number.MIN_SAFE_INTEGER },
    ],
    ['doubles', { a: 0.1, b: 5e-324, c: Number.MAX_VALUE, d: 2 ** 60, e: -0, f: 1e21 }],
    ['empty ones', { a: '', b: Buffer.alloc(0), c: [], d: {}, e: 0, f: false }],
    ['null inside', { a: [null, { b: null }] }],
    ['half a surrogate pair', { a: 'x\ud800', b: ['\udc00'] }],
    ['text that looks like JSON or like a slice', { a: '{"b":1}', a1: '[', json: 'x' }],
    ['names that differ by an underscore', { a: ['x'], a_: 'y', _a: 1 }],
  ])('reads back: %s', (_, value) => {
    expect(roundTrip(value)).toStrictEqual(value);
  });

  test('leaves out undefined and null', () => {
    expect(roundTrip({ a: undefined, b: null, c: 1 })).toEqual({ c: 1 });
  });

  test('shows strings, numbers and booleans as properties of their own, and objects as JSON', () => {
    const entity = toEntity('p', 'r', { name: 'PC-1', count: 3, joined: true, tags: ['a'], at: 2 ** 40 });
    expect(entity).toEqual({
      partitionKey: 'p',
      rowKey: 'r',
      name: 'PC-1',
      count: 3,
      joined: true,
      tags__json: '["a"]',
      at: { type: 'Int64', value: '1099511627776' },
    });
  });

  test.each([
    ['a date', { a: new Date() }],
    ['a date inside', { a: [{ b: new Date() }] }],
    ['bytes inside', { a: { b: Buffer.from('x') } }],
    ['a bigint', { a: 1n }],
    ['NaN', { a: Number.NaN }],
    ['infinity inside', { a: [Number.POSITIVE_INFINITY] }],
    ['a function', { a: () => 1 }],
    ['a name that is no identifier', { 'a-b': 1 }],
    ['a name of the service', { Timestamp: 1 }],
    ['a name of the SDK', { etag: 'x' }],
    ['a name with our own mark', { a__json: 'x' }],
  ])('that would not read back is refused: %s', (_, value) => {
    expect(() => toEntity('p', 'r', value)).toThrow(TypeError);
  });
});

describe('a long value', () => {
  test.each([31_999, 32_000, 32_001, 64_000, 100_001, 500_000])(
    'of %i characters is cut so that each slice fits a property',
    (n) => {
      const value = { data: 'é'.repeat(n), list: ['a'.repeat(n > 200_000 ? 1 : n)] };
      const entity = toEntity('p', 'r', value);
      for (const slice of Object.values(entity)) expect((slice as string).length * 2).toBeLessThanOrEqual(64 * 1024);
      expect(roundTrip(value)).toEqual(value);
    },
  );

  test('is not cut inside a character of two code units', () => {
    const value = { data: `a${'😀'.repeat(40_000)}` };
    for (const slice of Object.values(toEntity('p', 'r', value))) expect(slice).not.toMatch(/\p{Surrogate}/u);
    expect(roundTrip(value)).toEqual(value);
  });

  test('of bytes is cut as well', () => {
    const value = { data: Buffer.alloc(1_000_000, 'lanyard') };
    for (const slice of Object.values(toEntity('p', 'r', value)))
      expect((slice as Buffer).length).toBeLessThanOrEqual(64 * 1024);
    expect(value.data.equals(roundTrip(value)['data'] as Buffer)).toBe(true);
  });
});

describe('the limits of a row', () => {
  test('1 MiB, with keys and names counted in UTF-16', () => {
    const overhead = entityBytes(toEntity('p', 'r', { data: '' }));
    expect(overhead).toBe(4 + 4 + 8 + 8 + 4);
    expect(() => toEntity('p', 'r', { data: 'x'.repeat(523_900) })).not.toThrow();
    expect(entityBytes(toEntity('p', 'r', { data: 'x'.repeat(523_900) }))).toBe(
      2 * 523_900 + 8 + 12 * 17 + 2 * (4 + 9 * 7 + 7 * 8),
    );
    expect(() => toEntity('p', 'r', { data: 'x'.repeat(524_288) })).toThrow(RowTooLarge);
    expect(() => toEntity('p', 'r', { data: Buffer.alloc(1024 * 1024) })).toThrow(RowTooLarge);
  });

  test('252 properties', () => {
    const of = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, i]));
    expect(() => toEntity('p', 'r', of(251), 'id')).not.toThrow();
    expect(() => toEntity('p', 'r', of(252), 'id')).toThrow(/253 properties/);
  });

  test('1 KiB a key', () => {
    expect(() => toEntity('p', 'k'.repeat(512), {})).not.toThrow();
    expect(() => toEntity('p', 'k'.repeat(513), {})).toThrow(RowTooLarge);
    expect(() => toEntity('k'.repeat(513), 'r', {})).toThrow(RowTooLarge);
  });

  test.each(['a/b', 'a\\b', 'a#b', 'a?b', 'a\tb', 'a\u0085b', '\ud800'])('no key with %j', (key) => {
    expect(isKey(key)).toBe(false);
    expect(() => toEntity('p', key, {})).toThrow(TypeError);
  });
});

describe('a part of a key', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('/', '%', '2', '5', 'F', '\\', '|', '\ud800', '\u0007', 'u', 'D', '8', '0') }),
  );

  test('is legal whatever the text', () => {
    fc.assert(fc.property(text, (t) => isKey(keyPart(t)) && !keyPart(t).includes('|')));
  });

  test('is another one for another text', () => {
    fc.assert(fc.property(text, text, (a, b) => (keyPart(a) === keyPart(b)) === (a === b)));
  });

  test('keeps ordinary names readable', () => {
    expect(keyPart('ada@contoso.com')).toBe('ada@contoso.com');
    expect(keyPart('CONTOSO\\ada 100%')).toBe('CONTOSO%5Cada 100%25');
    expect(keyPart('a|b')).toBe('a%7Cb');
  });
});
