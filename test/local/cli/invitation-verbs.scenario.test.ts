import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEVICE_VERBS } from '../../../local/cli/device-verbs.ts';
import { INVITATION_VERBS } from '../../../local/cli/invitation-verbs.ts';
import { runVerb } from '../../../local/cli/verb.ts';
import { useLanyard } from '../../support/lanyard.ts';

const lanyard = useLanyard();

/** Runs a verb as it is typed. @returns what is printed */
function run(name: string, ...args: string[]): Promise<string> {
  const verb = [...INVITATION_VERBS, ...DEVICE_VERBS].find((each) => each.name === name)!;
  const folder = lanyard().folder;
  const where = name.startsWith('device') ? [] : ['--url', lanyard().local.enrollUrl];
  return runVerb(verb, [...args, ...where, '--folder', folder]);
}

describe('lanyard invite', () => {
  test('prints the page, the link, the secret and a mail that says the same', async () => {
    const text = await run('invite', 'kim@example.org', '--ownership', 'personal', '--hours', '5');
    const line = (name: string) => new RegExp(`^${name} +(\\S+)`, 'm').exec(text)?.[1] ?? '';
    const [address, fragment = ''] = line('Page').split('#');
    const token = JSON.parse(Buffer.from(fragment, 'base64url').toString());
    expect(address).toBe(`${lanyard().local.enrollUrl}/join`);
    expect(token).toMatchObject({ user: 'kim@example.org', secret: line('Secret'), ownership: 'personal' });
    expect(line('Link')).toMatch(/^ms-device-enrollment:\?mode=mdm&.*&ownership=2$/);
    const mail = text.slice(text.indexOf('--- a mail to copy ---'));
    for (const part of [line('Page'), 'kim@example.org', line('Secret'), lanyard().local.enrollUrl, 'Microsoft Edge']) {
      expect(mail).toContain(part);
    }
    // Mail programs drop it, and then nobody knows what was there.
    expect(mail).not.toContain('ms-device-enrollment');
  });

  test('lets a PC enroll by the link', async () => {
    const { deepLink, secret } = JSON.parse(await run('invite', 'lee@example.org', '--json'));
    const printed = await run('device enroll', '--link', deepLink, '--secret', secret, '--name', 'PC-LINK');
    expect(printed).toContain('Enrolled as');
  });

  test.each([
    [['--hours', 'two'], /whole number/],
    [['--until', 'soon'], /expiresAt/],
    [['--until', '2020-01-01'], /past/],
    [['--ownership', 'mine'], /ownership/],
    [['--device', 'PC-1'], /GUID/],
  ])('says what is wrong with %j', async (args, message) => {
    await expect(run('invite', 'kim@example.org', ...args)).rejects.toThrow(message);
  });
});

describe('lanyard package', () => {
  const fileOf = (name: string) => join(lanyard().folder, name);

  test('writes a file that nobody else can read, and by which a PC enrolls', async () => {
    const out = fileOf('customizations.xml');
    const day = new Date(lanyard().now().getTime() + 3 * 86_400_000).toISOString().slice(0, 10);
    const text = await run('package', 'bulk@example.org', '--devices', '2', '--until', day, '--out', out);
    expect(text).toContain(`2 PCs may enroll with it until ${day}T23:59:59.000Z`);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    const [, id] = /Enrolled as (\S+)\./.exec(await run('device enroll', '--package', out, '--name', 'PC-BULK')) ?? [];
    expect(await lanyard().get(`/api/devices/${id}`)).toMatchObject({
      enrollmentType: 'Device',
      admission: { bulk: true },
    });
  });

  test('writes over nothing', async () => {
    const out = fileOf('tls-root.pem');
    const before = await readFile(out, 'utf8');
    await expect(run('package', 'bulk@example.org', '--devices', '2', '--out', out)).rejects.toThrow(/already/);
    expect(await readFile(out, 'utf8')).toBe(before);
  });

  test('leaves no file behind when there is no invitation', async () => {
    const out = fileOf('refused.xml');
    await expect(run('package', 'nobody', '--devices', '2', '--out', out)).rejects.toThrow(/user@domain/);
    expect(existsSync(out)).toBe(false);
  });
});
