import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openCursor, sealCursor } from '../../../shared/platform/cursor.ts';

const KEY = Buffer.alloc(32, 1);
const refused = expect.objectContaining({ status: 400, errors: [expect.objectContaining({ field: 'cursor' })] });

test('a cursor brings back any position, and fits into a URL as it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (position) => {
      const cursor = sealCursor(KEY, position);
      expect(cursor).toMatch(/^[\w-]+$/);
      expect(openCursor(KEY, cursor)).toBe(position);
    }),
  );
});

test('a cursor with any byte changed is refused', () => {
  const bytes = Buffer.from(sealCursor(KEY, '~3command|000000000007'), 'base64url');
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes);
    changed[index]! ^= 1;
    expect(() => openCursor(KEY, changed.toString('base64url'))).toThrow(refused);
  }
});

test.each([
  ['of another deployment', sealCursor(Buffer.alloc(32, 2), 'a')],
  ['that is empty', ''],
  ['that is too short', 'AAAA'],
  ['that is no base64url', '%%%%'],
  ['that is cut', sealCursor(KEY, 'abcdef').slice(0, -3)],
  ['that is only a position', Buffer.from('3command|000000000001').toString('base64url')],
])('a cursor %s is refused', (_, cursor) => {
  expect(() => openCursor(KEY, cursor)).toThrow(refused);
});
