import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** What a page says to be proved by a test names a test that is there. */

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

/** The tests that the tables below "What proves it" name: a file, and after a colon the test in quotation marks. */
function proofsOf(page: string): { file: string; name: string }[] {
  const table = read(page).split('## What proves it')[1]?.split('\n## ')[0] ?? '';
  return [...table.matchAll(/`(test\/[\w./-]+\.ts)`: ((?:"[^"]+"(?:, | and )?)+)/g)].flatMap(
    ([, file = '', names = '']) => [...names.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
  );
}

test.each(['docs/management.md', 'docs/enrollment.md'])('%s names tests by the names that they have', (page) => {
  const proofs = proofsOf(page);
  expect(proofs.length).toBeGreaterThan(5);
  expect(proofs.filter(({ file, name }) => !read(file).includes(name))).toEqual([]);
});
