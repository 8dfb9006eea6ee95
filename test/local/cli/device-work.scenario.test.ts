import { expect, test } from 'vitest';
import { ACTION_VERBS } from '../../../local/cli/action-verbs.ts';
import { INVENTORY_VERBS } from '../../../local/cli/inventory-verbs.ts';
import { TRACE_VERBS } from '../../../local/cli/trace-verbs.ts';
import { runVerb, UsageError } from '../../../local/cli/verb.ts';
import { useLanyard } from '../../support/lanyard.ts';

const lanyard = useLanyard();
const VERBS = [...ACTION_VERBS, ...INVENTORY_VERBS, ...TRACE_VERBS];

/** Runs a verb as it is typed. @returns what is printed */
function run(name: string, ...args: string[]): Promise<string> {
  const verb = VERBS.find((each) => each.name === name)!;
  return runVerb(verb, [...args, '--url', lanyard().local.enrollUrl, '--folder', lanyard().folder]);
}

test('an action is done as it is typed, with its warnings, and a mistake queues nothing', async () => {
  const { device, id } = await lanyard().enrolledDevice({ name: 'CLI-PC' });
  await device.sync();
  expect(await run('actions')).toMatch(/wipe +kind, confirm\*/);
  await expect(run('action', 'CLI-PC', 'explode')).rejects.toThrow(/There is no action explode.*reboot/);
  await expect(run('action', 'CLI-PC', 'wipe', 'doWipe')).rejects.toThrow(UsageError);
  await expect(run('action', 'CLI-PC', 'wipe', 'confirm=OTHER')).rejects.toThrow('CLI-PC');
  expect(await run('action', 'CLI-PC', 'sync-schedule', 'everyMinutes=90', 'pollOnLogin=false')).toMatch(
    /Replace +3 items +waiting[\s\S]*- It holds for this device/,
  );
  await device.sync();
  const poll = './Vendor/MSFT/DMClient/Provider/Lanyard/Poll';
  expect(device.valueOf(`${poll}/IntervalForRemainingScheduledRetries`)).toBe('90');
  expect((await lanyard().get(`/api/devices/${id}/commands`)).items).toHaveLength(1);
});

test('a trace is switched on, listed, read in words and as XML, and switched off', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  expect(await run('trace show', id)).toContain('Nothing was traced');
  expect(await run('trace on', id, '--hours', '2')).toMatch(/^Traced until \d{4}-/);
  await device.sync();
  const [first] = JSON.parse(await run('trace show', id, '--json'));
  expect(await run('trace show', id)).toContain(first.n);
  const words = await run('trace show', id, first.n);
  expect(words).toMatch(
    /The device to the server:\n {2}The device opens a session by itself\.[\s\S]*The server asks for/,
  );
  expect(words).not.toContain('<SyncML');
  expect(await run('trace show', id, first.n, '--xml')).toContain('<SyncML');
  expect(await run('trace off', id)).toBe('The trace is off.');
});

test('the inventory is shown with its times, and asked for anew', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  await device.sync();
  expect(await run('inventory', id)).toMatch(/firewall +not yet/);
  await run('inventory', id, '--refresh');
  await device.sync();
  const shown = await run('inventory', id);
  expect(shown).toMatch(/firewall +on \(0\) +\d{4}-/);
  expect(shown).toMatch(/programs, read at[\s\S]*Contoso Reader/);
});

test('logs are asked for, listed and opened as it is typed', async () => {
  const { device } = await lanyard().enrolledDevice({ name: 'LOG-PC' });
  expect(await run('logs', 'LOG-PC')).toMatch(/Nothing was uploaded.*collect-logs/);
  await run('action', 'LOG-PC', 'collect-logs');
  const { archive } = await device.sync();
  const listed = await run('logs', 'LOG-PC');
  expect(listed).toContain(archive?.name);
  const [file = ''] = /^[0-9a-f]{12}\b/m.exec(listed) ?? [];
  const [url = ''] = (await run('logs', 'LOG-PC', file)).split('\n');
  expect((await fetch(url)).status).toBe(200);
  await expect(run('logs', 'LOG-PC', 'nothing')).rejects.toThrow(/uploaded no file/);
});
