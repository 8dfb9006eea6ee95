import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningAzurite, startAzurite } from '../../../local/azurite.ts';
import { newGuid } from '../../../shared/platform/ids.ts';
import { UploadContainers } from '../../../shared/storage/upload-container.ts';

let azurite: RunningAzurite;
let uploads: UploadContainers;
let container: string;

beforeAll(async () => {
  azurite = await startAzurite({ inMemory: true });
  uploads = new UploadContainers({ blobs: azurite.connectionString });
});
afterAll(() => azurite.stop());
beforeEach(() => {
  container = `logs-${newGuid()}`;
});

const at = (url: string, name: string) => {
  const address = new URL(url);
  address.pathname += `/${name}`;
  return address;
};
const put = async (url: URL | string, body = 'zip') =>
  (await fetch(url, { method: 'PUT', headers: { 'x-ms-blob-type': 'BlockBlob' }, body })).status;

describe('the address for an upload', () => {
  test('is for one container, to add and write, from a quarter of an hour ago for 7 days', async () => {
    const now = new Date();
    const { url, expiresAt } = await uploads.openForUpload(container, now);
    const { pathname, searchParams } = new URL(url);
    expect(pathname.endsWith(`/${container}`)).toBe(true);
    expect(searchParams.get('sr')).toBe('c');
    expect(searchParams.get('sp')).toBe('aw');
    const [starts, ends] = ['st', 'se'].map((name) => Date.parse(searchParams.get(name) ?? ''));
    const second = (ms: number) => Math.floor(ms / 1000);
    expect(second(starts ?? 0)).toBe(second(now.getTime()) - 15 * 60);
    expect(second(ends ?? 0) - second(starts ?? 0)).toBe(7 * 24 * 3600);
    expect(second(Date.parse(expiresAt))).toBe(second(ends ?? 0));
  });

  test('takes a blob, and neither reads nor lists nor deletes', async () => {
    const { url } = await uploads.openForUpload(container, new Date());
    const file = at(url, 'DiagLogs-PC-1.zip');
    expect(await put(file)).toBe(201);
    expect((await fetch(file)).status).toBe(403);
    expect((await fetch(file, { method: 'DELETE' })).status).toBe(403);
    expect((await fetch(`${url}&restype=container&comp=list`)).status).toBe(403);
  });

  test('opens no other container, not even under its own signature', async () => {
    const { url } = await uploads.openForUpload(container, new Date());
    await uploads.openForUpload(`${container}-b`, new Date());
    expect(await put(at(url.replace(container, `${container}-b`), 'a.zip'))).toBe(403);
  });

  test.each([
    ['that was signed 8 days ago', -8, (url: string) => url],
    ['whose rights were changed', 0, (url: string) => url.replace('sp=aw', 'sp=racwdl')],
    ['whose end was put off', 0, (url: string) => url.replace(/se=20\d\d/, 'se=2099')],
  ])('opens nothing: one %s', async (_, days, change) => {
    const { url } = await uploads.openForUpload(container, new Date(Date.now() + days * 86_400_000));
    expect(change(url) === url).toBe(days !== 0);
    expect(await put(at(change(url), 'a.zip'))).toBe(403);
  });

  test('can be had again for the same container', async () => {
    const first = await uploads.openForUpload(container, new Date());
    expect(await put(at(first.url, 'a.zip'))).toBe(201);
    const second = await uploads.openForUpload(container, new Date());
    expect(await put(at(second.url, 'b.zip'))).toBe(201);
  });
});

test('what was uploaded is listed with size and time, of the wanted containers and since the wanted day', async () => {
  const { url } = await uploads.openForUpload(container, new Date());
  await put(at(url, 'a.zip'), '12345');
  await put(at((await uploads.openForUpload(`x${container}`, new Date())).url, 'b.zip'));
  const dayAgo = new Date(Date.now() - 86_400_000);
  expect(await uploads.list(container, dayAgo)).toEqual([
    { container, name: 'a.zip', size: 5, uploadedAt: expect.stringMatching(/^20\d\d-/) },
  ]);
  expect(await uploads.list(container, new Date(Date.now() + 86_400_000))).toEqual([]);
});

test('the address for reading opens one blob for 15 minutes, as a file to save', async () => {
  const now = new Date();
  const { url } = await uploads.openForUpload(container, now);
  for (const name of ['a.zip', 'b.zip']) await put(at(url, name), name);
  const { url: link, expiresAt } = await uploads.signForReading({ container, name: 'a.zip' }, now);
  expect(Date.parse(expiresAt) - now.getTime()).toBe(15 * 60_000);
  const reply = await fetch(link);
  expect([reply.status, await reply.text()]).toEqual([200, 'a.zip']);
  expect(reply.headers.get('content-disposition')).toBe('attachment');
  expect((await fetch(link.replace('/a.zip', '/b.zip'))).status).toBe(403);
  expect(await put(link)).toBe(403);
  const old = await uploads.signForReading({ container, name: 'a.zip' }, new Date(now.getTime() - 3_600_000));
  expect((await fetch(old.url)).status).toBe(403);
});
