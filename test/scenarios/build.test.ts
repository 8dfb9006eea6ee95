import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildApps } from '../../local/packages/build-apps.ts';

/** What `npm run build` makes. What `npm run package` makes is in production.test.ts. */

let all = '';
beforeAll(async () => {
  all = await mkdtemp(join(tmpdir(), 'lanyard-build-'));
});
afterAll(() => rm(all, { recursive: true, force: true }));

test('all three in one folder, as Core Tools run them on a developer`s machine, register every function', async () => {
  await buildApps(join(all, 'dist'));
  const list = `
    const { openAppFolder } = await import(${JSON.stringify(new URL('../../local/host/app-folder.ts', import.meta.url).href)});
    const { startHost } = await import(${JSON.stringify(new URL('../../local/host/start-host.ts', import.meta.url).href)});
    const app = await openAppFolder(process.argv[1]);
    const host = await startHost({ apps: [{ name: 'app', ...app }], keys: { master: 'm', host: 'h', functions: {} }, listeners: [] });
    console.log(host.functions.map((f) => f.name).join(' '));
    await host.close();`;
  for (const file of ['package.json', 'host.json']) {
    await writeFile(join(all, file), await readFile(new URL(`../../${file}`, import.meta.url)));
  }
  const args = ['--import', 'tsx', '--input-type=module', '-e', list, all];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: join(import.meta.dirname, '../..') });
  expect(stdout.trim().split(' ')).toEqual(
    expect.arrayContaining(['discovery', 'enrollment', 'management', 'devices', 'certificate-authority', 'retention']),
  );
});
