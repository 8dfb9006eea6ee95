import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { filesMatching, openAppFolder } from '../../../local/host/app-folder.ts';
import { applySettingsFile } from '../../../local/host/settings-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'app-folder-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function put(name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
  return file;
}

describe('main', () => {
  test.each([
    ['dist/a.app.js', ['dist/a.app.js']],
    ['./dist/a.app.js', ['dist/a.app.js']],
    ['dist/*.app.js', ['dist/a.app.js', 'dist/b.app.js']],
    ['dist/{a,c}.app.js', ['dist/a.app.js']],
    ['dist/?.js', ['dist/z.js']],
    ['dist/**/*.js', ['dist/a.app.js', 'dist/b.app.js', 'dist/deep/er/c.app.js', 'dist/z.js']],
    ['**/c.app.js', ['dist/deep/er/c.app.js']],
    ['d*/z.js', ['dist/z.js']],
    ['dist/*.mjs', []],
  ])('%s names %o', async (glob, expected) => {
    for (const name of ['a.app.js', 'b.app.js', 'z.js', 'deep/er/c.app.js', 'a.app.jsx']) await put(`dist/${name}`, '');
    await put('node_modules/x/c.app.js', '');
    const found = await filesMatching(folder, glob);
    expect(found.map((file) => path.relative(folder, file).split(path.sep).join('/'))).toEqual(expected);
  });

  test('that is missing, or matches nothing, is named', async () => {
    await put('host.json', '{"version": "2.0"}');
    await put('package.json', '{}');
    await expect(openAppFolder(folder)).rejects.toThrow('package.json has no "main"');
    await put('package.json', '{"main": "dist/*.app.js"}');
    await expect(openAppFolder(folder)).rejects.toThrow('"dist/*.app.js", matches no file. Build the app first.');
  });

  test('names files that are imported one after the other', async () => {
    await put('host.json', '\uFEFF{"version": "2.0", "extensions": {"http": {"routePrefix": "x"}}}');
    await put('package.json', '{"main": "*.mjs", "type": "module"}');
    const name = `order${path.basename(folder)}`;
    await put('1.mjs', `globalThis['${name}'] = 'first';`);
    await put('2.mjs', `globalThis['${name}'] += ', second';`);
    const app = await openAppFolder(folder);
    await app.load();
    expect((globalThis as Record<string, unknown>)[name]).toBe('first, second');
    expect(app.hostJson.extensions?.http?.routePrefix).toBe('x');
  });
});

test('a host.json that is missing or broken is named', async () => {
  await put('package.json', '{"main": "a.js"}');
  await expect(openAppFolder(folder)).rejects.toThrow(/host\.json cannot be read/);
  await put('host.json', '{');
  await expect(openAppFolder(folder)).rejects.toThrow(/host\.json cannot be read/);
});

describe('a settings file', () => {
  test('puts its values into the environment and leaves what is set', async () => {
    const file = await put('s.json', JSON.stringify({ IsEncrypted: false, Values: { A: 'a', B: 'b', C: 3, D: true } }));
    const env = { B: 'before' };
    expect(await applySettingsFile(file, env)).toEqual(['A', 'C', 'D']);
    expect(env).toEqual({ A: 'a', B: 'before', C: '3', D: 'true' });
  });

  test.each([
    ['{"IsEncrypted": true, "Values": {}}', 'is encrypted'],
    ['{"Values": {"A": {"B": 1}}}', '"A" in'],
    ['{"Values": {"A": null}}', '"A" in'],
    ['{"Values": []}', '"Values" in'],
    ['[]', 'is not an object'],
    ['{', 'cannot be read'],
  ])('%s is refused', async (text, reason) => {
    const env = {};
    const file = await put('s.json', text);
    await expect(applySettingsFile(file, env)).rejects.toThrow(reason);
    expect(env).toEqual({});
  });
});
