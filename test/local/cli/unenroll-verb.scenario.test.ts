import { describe, expect, test } from 'vitest';
import { ADMIN_VERBS } from '../../../local/cli/admin-verbs.ts';
import { runVerb, UsageError } from '../../../local/cli/verb.ts';
import { useLanyard } from '../../support/lanyard.ts';

const lanyard = useLanyard();

/** Runs the verb as it is typed where nobody can be asked. @returns what is printed */
function unenroll(...args: string[]): Promise<string> {
  const verb = ADMIN_VERBS.find(({ name }) => name === 'unenroll')!;
  return runVerb(verb, [...args, '--url', lanyard().local.enrollUrl, '--folder', lanyard().folder, '--actor', 'kim']);
}

const stateOf = async (id: string) => (await lanyard().get(`/api/devices/${id}`)).state;

describe('lanyard unenroll', () => {
  test('shows what would happen and asks for nothing without a yes', async () => {
    const { device, id } = await lanyard().enrolledDevice({ machine: { join: 'joined' } });
    const node = './Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera';
    await lanyard().queue(id, 'Replace', node, { data: '0', format: 'chr' });
    await device.sync();
    const refused = await unenroll(id).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UsageError);
    for (const text of [String(refused), await unenroll(id, '--preview')]) {
      for (const part of ['Windows removes', node, 'joined', 'held', 'recovery key']) expect(text).toContain(part);
    }
    expect(String(refused)).toContain('--yes');
    expect(await stateOf(id)).toBe('enrolled');
  });

  test('asks, makes a local administrator and prints its password once', async () => {
    const { device, id } = await lanyard().enrolledDevice({ machine: { join: 'joined', localAdministrator: false } });
    const text = await unenroll(id, '--yes', '--local-administrator', 'rescue', '--after-queue');
    const password = /^Password: +(\S+)$/m.exec(text)?.[1] ?? '';
    await device.sync();
    expect(device.canSignIn('rescue', password)).toBe(true);
    expect(await stateOf(id)).toBe('unenrolled');
  });

  test('takes the request back', async () => {
    const { id } = await lanyard().enrolledDevice();
    await unenroll(id, '--yes');
    expect(await stateOf(id)).toBe('unenrolling');
    expect(await unenroll(id, '--call-off')).toContain('enrolled');
    expect(await stateOf(id)).toBe('enrolled');
  });

  test('records who takes the risk', async () => {
    const { id } = await lanyard().enrolledDevice();
    await unenroll(id, '--yes', '--accept-risk', 'has an account of its own');
    const { unenroll: request } = await lanyard().get(`/api/devices/${id}`);
    expect(request.acceptedRisk).toMatchObject({ person: 'kim', reason: 'has an account of its own' });
  });

  test('takes one proof at a time', async () => {
    const { id } = await lanyard().enrolledDevice();
    await expect(unenroll(id, '--yes', '--laps', '--local-administrator', 'rescue')).rejects.toThrow(UsageError);
    expect(await stateOf(id)).toBe('enrolled');
  });
});
