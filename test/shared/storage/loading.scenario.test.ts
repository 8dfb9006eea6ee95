import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** A module hook that prints which package of Azure each loaded file belongs to. */
const HOOK = `
  import { writeSync } from 'node:fs';
  export async function load(url, context, next) {
    const found = /@azure\\/([a-z-]+)\\/dist/.exec(url);
    if (found) writeSync(1, found[1] + '\\n');
    return next(url, context);
  }`;
const dataUrl = (script: string) => `data:text/javascript,${encodeURIComponent(script)}`;
const REGISTER = dataUrl(`import { register } from 'node:module'; register(${JSON.stringify(dataUrl(HOOK))});`);

/** The Azure packages that a script loads in a process of its own. */
async function loadedBy(script: string): Promise<Set<string>> {
  const args = ['--import', 'tsx', '--import', REGISTER, '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return new Set(stdout.trim().split('\n'));
}

const NOWHERE =
  'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=Zm9v;TableEndpoint=http://127.0.0.1:1/a;BlobEndpoint=http://127.0.0.1:1/a';
const open = (tables: string, blobs: string, act: string) => `
  const { openStorage } = await import('./shared/storage/storage.ts');
  const storage = openStorage({ tables: '${tables}', blobs: '${blobs}', patience: { tries: 1, tryMs: 50 } });
  await (${act}).catch(() => {});
`;

test('a message that touches no blob loads neither blobs nor identity', async () => {
  const loaded = await loadedBy(
    open(NOWHERE, NOWHERE, "storage.blobs('results') && storage.table('devices').page('p')"),
  );
  expect(loaded).toContain('data-tables');
  expect(loaded).not.toContain('storage-blob');
  expect(loaded).not.toContain('identity');
});

test('blobs are loaded by the first one that is touched', async () => {
  const loaded = await loadedBy(open(NOWHERE, NOWHERE, "storage.blobs('results').read('x')"));
  expect(loaded).toContain('storage-blob');
  expect(loaded).not.toContain('identity');
});

test('the identity is loaded with the first token', async () => {
  const act = "storage.table('devices').get('p', 'r')";
  const loaded = await loadedBy(open('https://127.0.0.1:1/a', 'https://127.0.0.1:1/a', act));
  expect(loaded).toContain('identity');
  expect(loaded).not.toContain('storage-blob');
});
