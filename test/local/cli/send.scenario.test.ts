import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ADMIN_VERBS } from '../../../local/cli/admin-verbs.ts';
import { runVerb, UsageError } from '../../../local/cli/verb.ts';
import { useLanyard } from '../../support/lanyard.ts';

const lanyard = useLanyard();

/** Runs a verb as it is typed. @returns what is printed */
function run(name: string, ...args: string[]): Promise<string> {
  const verb = ADMIN_VERBS.find((each) => each.name === name)!;
  return runVerb(verb, [...args, '--url', lanyard().local.enrollUrl, '--folder', lanyard().folder]);
}

test('send takes a secret from a file, and says neither then nor later what it is', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const file = join(lanyard().folder, 'password.txt');
  await writeFile(file, 'Pa55-phrase\n');
  const target = './Device/Vendor/MSFT/Policy/Config/Area/Hidden';
  const printed = await run('send', id, 'Replace', target, '--data-file', file, '--secret', '--expires', '2', '--json');
  const [queued] = JSON.parse(printed).items;
  expect(queued).toMatchObject({ state: 'waiting', items: [{ data: '***', secret: true }] });
  expect(Date.parse(queued.expiresAt) - Date.parse(queued.queuedAt)).toBe(2 * 3_600_000);
  await device.sync();
  expect(device.valueOf(target)).toBe('Pa55-phrase');
  expect(await run('show', id)).not.toContain('Pa55-phrase');
});

test('send says what is wrong with its arguments before anything is queued', async () => {
  const { id } = await lanyard().enrolledDevice();
  const send = (...more: string[]) => run('send', id, 'Replace', './A', ...more);
  await expect(send('--data', '1', '--data-file', 'x')).rejects.toThrow(UsageError);
  await expect(send('--data-file', '/no/such/file')).rejects.toThrow('/no/such/file');
  await expect(send('--data', '1', '--expires', 'soon')).rejects.toThrow('--expires');
  expect((await lanyard().get(`/api/devices/${id}/commands`)).items).toEqual([]);
});

test('show counts the parts of an Atomic', async () => {
  const { id } = await lanyard().enrolledDevice();
  const commands = ['A', 'B'].map((name) => ({ verb: 'Delete', target: `./Device/${name}` }));
  await lanyard().post(`/api/devices/${id}/commands`, { verb: 'Atomic', commands });
  expect(await run('show', id)).toMatch(/Atomic +2 items +waiting/);
});
