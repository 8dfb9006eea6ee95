import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AUTHORITY_VERBS } from '../../../local/cli/authority-verbs.ts';
import { runVerb, UsageError } from '../../../local/cli/verb.ts';
import { readSigningRequest } from '../../../shared/certificates/signing-request.ts';
import { OrganisationRoot } from '../../shared/certificates/organisation-root.ts';
import { useLanyard } from '../../support/lanyard.ts';

const lanyard = useLanyard();

/** Runs a verb as it is typed where nobody can be asked. @returns what is printed */
function run(name: string, ...args: string[]): Promise<string> {
  const verb = AUTHORITY_VERBS.find((each) => each.name === `authority ${name}`)!;
  return runVerb(verb, [...args, '--url', lanyard().local.enrollUrl, '--folder', lanyard().folder, '--actor', 'kim']);
}
const asMaster = (name: string, ...args: string[]) => run(name, ...args, '--key', lanyard().local.masterKey);
const state = () => lanyard().get('/api/certificate-authority');

async function fileWith(name: string, content: string | Buffer): Promise<string> {
  const file = join(lanyard().folder, name);
  await writeFile(file, content);
  return file;
}

describe('lanyard authority', () => {
  test('show says which CA signs and until when, with any key', async () => {
    const { root, issuing } = await state();
    const text = await run('show');
    for (const { subject, notAfter } of [root, issuing])
      expect(text).toContain(`${subject}, until ${notAfter.slice(0, 10)}`);
    expect(text).toMatch(/issuing/);
    expect(text).toContain('Nothing is due.');
    expect(JSON.parse(await run('show', '--json'))).toEqual(await state());
  });

  test('what changes it asks for the master key, and says where that is', async () => {
    const before = await state();
    for (const args of [['create'], ['roll-over', '--yes'], ['signing-request'], ['signing-request', '--give-up']]) {
      await expect(run(args[0]!, ...args.slice(1))).rejects.toThrow(/master key.*host-keys\.json.*az functionapp/);
    }
    await expect(run('install', await fileWith('any.pem', 'x'))).rejects.toThrow(/master key/);
    expect(await state()).toEqual(before);
  });

  test('create changes nothing where there is an authority', async () => {
    const before = await state();
    expect(await asMaster('create')).toBe(await run('show'));
    expect(await state()).toEqual(before);
  });

  test('roll-over shows what there is and changes nothing without a yes; then the next CA settles', async () => {
    const { root, issuing, issuers } = await state();
    const refused = await asMaster('roll-over').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(UsageError);
    expect(String(refused)).toContain(issuing.subject);
    expect(String(refused)).toContain(`Make the next issuing CA, below the current root ${root.subject}?`);
    await expect(asMaster('roll-over', '--root', 'new')).rejects.toThrow('below a new device root?');
    await expect(asMaster('roll-over', '--root', 'own')).rejects.toThrow('which your own root is to sign?');
    await expect(asMaster('roll-over', '--root', 'other', '--yes')).rejects.toThrow('--root takes current, new, own');
    expect((await state()).issuers).toEqual(issuers);
    const text = await asMaster('roll-over', '--yes');
    expect(text).toMatch(/ settling /);
    expect(text).toContain(`Made the next issuing CA, below the current root ${root.subject}.`);
    expect((await state()).issuers).toMatchObject([{ state: 'issuing' }, { state: 'settling' }]);
    await expect(asMaster('roll-over', '--yes')).rejects.toMatchObject({ status: 409 });
  });

  test("the organisation's own root signs what signing-request prints, and install takes the answer", async () => {
    lanyard().pass({ minutes: 6 });
    expect(await asMaster('roll-over', '--root', 'own', '--yes')).toContain('waited for your own root since');
    const pem = await asMaster('signing-request');
    expect(pem).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----[\s\S]*-----END CERTIFICATE REQUEST-----$/);
    const file = join(lanyard().folder, 'lanyard.csr');
    expect(await asMaster('signing-request', '--out', file)).toContain('have your root sign it');
    expect((await readFile(file)).toString('latin1').trimEnd()).toBe(pem);
    await expect(asMaster('signing-request', '--out', lanyard().folder)).rejects.toThrow(UsageError);
    const request = readSigningRequest(Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64'));
    const organisation = new OrganisationRoot(lanyard().now());
    const [issuing, root] = [organisation.issuing(request.subjectPublicKeyInfo), organisation.root()];
    const text = (der: Buffer) => new X509Certificate(der).toString().trimEnd();

    const issuingFile = await fileWith('issuing.pem', text(issuing));
    await expect(asMaster('install', issuingFile)).rejects.toThrow('The root is missing');
    await expect(asMaster('install', '/no/such/file')).rejects.toThrow('/no/such/file');
    await expect(asMaster('install', issuingFile, await fileWith('root.cer', root))).rejects.toThrow('both as PEM');
    const shown = await asMaster('install', issuingFile, await fileWith('root.pem', text(root)));
    expect(shown).toContain('CN=Example Device CA');
    // The same in the other form: nothing is left to be changed.
    expect(await asMaster('install', await fileWith('both.der', Buffer.concat([issuing, root])))).toBe(shown);
    lanyard().pass({ minutes: 6 });
    expect(await state()).toMatchObject({ root: { subject: 'CN=Example Root' } });
    expect((await (await lanyard().enrolledDevice()).device.sync()).remarks).toEqual([]);
  });

  test('signing-request --give-up takes the request back', async () => {
    await asMaster('roll-over', '--root', 'own', '--yes');
    expect(await asMaster('signing-request', '--give-up')).not.toContain('waited for your own root');
    await expect(asMaster('signing-request')).rejects.toMatchObject({ status: 404 });
  });
});
