import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROFILE_VERBS } from '../../../local/cli/profile-verbs.ts';
import { runVerb } from '../../../local/cli/verb.ts';
import { useLanyard } from '../../support/lanyard.ts';

const lanyard = useLanyard();

/** Runs a verb as it is typed. @returns what is printed */
function run(name: string, ...args: string[]): Promise<string> {
  const verb = PROFILE_VERBS.find((each) => each.name === name)!;
  return runVerb(verb, [...args, '--url', lanyard().local.enrollUrl, '--folder', lanyard().folder]);
}

test('a profile is made from a form, given to a tag, looked at on a device, and deleted', async () => {
  const { device } = await lanyard().enrolledDevice({ name: 'PC-RING' });
  await device.sync();
  expect(await run('profile templates')).toContain('windows-update');
  expect(await run('profile templates', 'windows-update')).toMatch(/^deferQualityDays +integer +7$/m);
  const made = await run(
    'profile put',
    'ring',
    '--template',
    'windows-update',
    '--set',
    'deferQualityDays=14,drivers=false',
  );
  expect(made).toContain('Assigned to: nobody');
  expect(made).toContain('DeferQualityUpdatesPeriodInDays (int) = 14');
  expect(made).toContain('from 60 seconds on');

  expect(await run('profile assign', 'ring', '--tag', 'first')).toContain('Assigned to: #first');
  expect(await run('tag', 'PC-RING', 'first,berlin')).toBe('PC-RING: berlin, first');
  expect(await run('profile of', 'PC-RING')).toMatch(/^waiting .* ring .*DeferQuality/m);
  await device.sync();
  expect(await run('profile of', 'PC-RING')).toMatch(/^done .* ring .*DeferQuality/m);
  expect(await run('profile failing', 'ring', '--days', '1')).toMatch(/^It holds on every device/);

  expect(await run('profile assign', 'ring', '--tag', 'first', '--remove')).toContain('Assigned to: nobody');
  expect(await run('profile delete', 'ring')).toContain('ring is deleted');
  expect(await run('profile list')).toMatch(/^There are no profiles yet/);
  expect(await run('tag', 'PC-RING')).toBe('PC-RING: no tags');
});

test('a profile from a file keeps its secret to itself, and a conflict is told', async () => {
  const file = join(lanyard().folder, 'wifi.json');
  await writeFile(file, JSON.stringify({ template: 'wifi', input: { ssid: 'Office', password: 'correct horse' } }));
  await run('profile put', 'office', '--file', file, '--all');
  const shown = await run('profile show', 'office');
  expect(shown).toContain('WlanXml (chr) = ***');
  expect(shown).not.toContain('correct horse');
  expect(await run('profile conflicts')).toBe('No profiles contradict each other.');
  await writeFile(file, JSON.stringify({ template: 'wifi', input: { ssid: 'Office', password: 'another horse' } }));
  expect(await run('profile put', 'office-2', '--file', file, '--tag', 'x')).toContain(
    'Conflict (certain) with office over',
  );
  expect(await run('profile conflicts')).toMatch(/^office office-2 +certain/m);
  expect(await run('profile list')).toMatch(/^office +wifi +1 +all +office-2$/m);
});

test.each([
  [['profile put', 'a'], 'Give --template or --file'],
  [['profile put', 'a', '--template', 'firewall', '--set', 'x'], '--set takes name=value'],
  [['profile assign', 'a'], 'Say for whom'],
  [['profile templates', 'none'], 'There is no template none'],
])('%j says what is wrong', async ([name = '', ...args], message) => {
  await expect(run(name, ...args)).rejects.toThrow(message);
});
