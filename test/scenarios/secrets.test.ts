import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { useLanyard } from '../support/lanyard.ts';

const lanyard = useLanyard();

test('no log of a whole story holds a secret, a key or a token', async () => {
  const { local } = lanyard();
  const invitation = await lanyard().invite();
  const device = await lanyard().newDevice();
  const { user, secret } = invitation;
  await expect(device.enroll({ server: local.enrollUrl, user, secret: 'WRON-GWRO-NGWR-ONG0' })).rejects.toThrow();
  const { enrollmentId: id } = await device.enroll({ server: local.enrollUrl, user, secret });
  await device.sync();
  await lanyard().queue(id, 'Replace', './Device/Vendor/MSFT/Accounts/Users/kim/Password', {
    data: 'Pa55-phrase-of-hers',
  });
  await device.sync();
  await lanyard().post(`/api/devices/${id}/unenroll`);
  await device.sync();

  const secrets = [
    secret,
    secret.replaceAll('-', ''),
    'WRON-GWRO-NGWR-ONG0',
    'Pa55-phrase-of-hers',
    local.adminKey,
    local.masterKey,
  ];
  const state = await readFile(await stateFile(device.machine.name), 'utf8');
  secrets.push(...[...state.matchAll(/"secret":"([^"]+)"/g)].map(([, found]) => found ?? ''));
  expect(lanyard().logs.length).toBeGreaterThan(3);
  const log = lanyard().logs.join('\n');
  for (const each of secrets) expect(log).not.toContain(each);
  expect(log).not.toMatch(/PRIVATE KEY|BEGIN CERTIFICATE/);
});

test('keys lie in files that only their owner reads', async () => {
  const { folder } = lanyard();
  const files = [
    'admin-key',
    'host-keys.json',
    ...(await readdir(join(folder, 'ca'))).filter((name) => name.includes('key')).map((name) => join('ca', name)),
  ];
  expect(files.length).toBeGreaterThanOrEqual(4);
  for (const file of files) expect([file, (await stat(join(folder, file))).mode & 0o777]).toEqual([file, 0o600]);
});

async function stateFile(name: string): Promise<string> {
  const root = join(lanyard().folder, 'devices');
  const folder = (await readdir(root)).find((entry) => entry.endsWith(name)) ?? '';
  return join(root, folder, 'state.json');
}
