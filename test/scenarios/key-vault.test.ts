import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { AdminApiError } from '../../local/admin-client.ts';
import { readSigningRequest } from '../../shared/certificates/signing-request.ts';
import { OrganisationRoot } from '../shared/certificates/organisation-root.ts';
import { useLanyard } from '../support/lanyard.ts';
import { useVault } from '../vault/use-vault.ts';

/** The CA keys lie in a vault; the apps reach it with their managed identity, as in Azure. */
const vault = useVault();

const lanyard = useLanyard({
  get certificateAuthority() {
    return vault().url;
  },
});

const ROUTE = '/api/certificate-authority';
const state = () => lanyard().get(ROUTE);
const withMasterKey = () => ({ 'x-functions-key': lanyard().local.masterKey });
const change = (method: string, path = '', body?: object) =>
  // biome-ignore lint/suspicious/noExplicitAny: tests read what they need of the JSON
  lanyard().admin.call<any>(method, ROUTE + path, body, withMasterKey());

async function enroll(): Promise<X509Certificate> {
  const { id } = await lanyard().enrolledDevice();
  return new X509Certificate(await leafOf(id));
}

/** The certificate that the newest session or the enrollment of a device shows in its record. */
async function leafOf(id: string): Promise<Buffer> {
  const row = await lanyard().storage.table('devices').get<{ certificates: { der: string }[] }>(id, '0device');
  return Buffer.from(row!.value.certificates.at(-1)!.der, 'base64');
}

/** What the vault was asked while `act` ran, but for the challenges before the first call of a client. */
async function vaultCallsOf(act: () => Promise<unknown>): Promise<string[]> {
  const from = vault().calls.length;
  await act();
  return vault()
    .calls.slice(from)
    .filter(({ operation }) => operation !== 'challenge')
    .map(({ operation, name }) => `${operation} ${name}`);
}

test('a PC enrolls and is managed with a certificate that the vault signed: one call of the vault', async () => {
  const { device } = await lanyard().enrolledDevice();
  expect((await device.sync()).remarks).toEqual([]);
  const calls = await vaultCallsOf(async () => {
    const again = await lanyard().enrolledDevice();
    await again.device.sync();
  });
  expect(calls).toEqual(['keys/sign lanyard-issuing-ca']);
  const { root, issuing, issuers, due } = await state();
  expect(root.subject).toMatch(/^CN=Lanyard Device Root/);
  expect(issuers).toMatchObject([{ subject: issuing.subject, state: 'issuing' }]);
  expect(due).toEqual([]);
});

test('while the vault is away nobody enrolls and nothing is used up; when it is back the same invitation is good', async () => {
  const { user, secret } = await lanyard().invite();
  const server = lanyard().local.enrollUrl;
  const first = await lanyard().newDevice();
  const before = (await lanyard().get('/api/devices')).items.length;
  await vault().unplug();
  const refused = await first.enroll({ server, user, secret }).catch((error: Error) => error);
  expect(String(refused)).toMatch(/0x80180004|CertificateRequest/);
  await expect(change('POST')).rejects.toMatchObject({ status: 503, message: expect.stringContaining('Key Vault') });
  expect((await lanyard().get('/api/devices')).items).toHaveLength(before);
  await vault().plugIn();
  // The invitation is for one device, and another one than the one that failed takes it.
  const second = await lanyard().newDevice();
  const { enrollmentId } = await second.enroll({ server, user, secret });
  expect((await second.sync()).remarks).toEqual([]);
  expect((await lanyard().get('/api/devices')).items).toHaveLength(before + 1);
  expect(enrollmentId).toMatch(/^[0-9a-f-]{36}$/);
});

test('a key that is disabled, and a right that is missing, are named where an administrator looks', async () => {
  vault().fault = ({ operation }) =>
    operation === 'keys/sign' ? { kind: 'status', status: 403, code: 'Forbidden' } : undefined;
  const from = lanyard().logs.length;
  await expect(lanyard().enrolledDevice()).rejects.toThrow();
  const lines = lanyard().logs.slice(from).join('\n');
  expect(lines).toContain('Key Vault refused to sign with lanyard-issuing-ca: 403 Forbidden');
  expect(lines).not.toContain('token-of-');
  vault().fault = ({ operation }) =>
    operation === 'certificates/list' ? { kind: 'status', status: 403, code: 'Forbidden' } : undefined;
  await expect(change('POST')).rejects.toMatchObject({
    status: 502,
    message: expect.stringContaining('has no right to it'),
  });
  vault().fault = undefined;
});

test('after a roll-over new PCs get certificates of the new CA, and those of the old one stay managed', async () => {
  const old = await lanyard().enrolledDevice();
  const [first] = (await state()).issuers;
  expect((await change('POST', '/roll-over')).issuers).toMatchObject([{ state: 'issuing' }, { state: 'settling' }]);
  expect((await enroll()).issuer).toBe(first.subject);
  await expect(change('POST', '/roll-over')).rejects.toMatchObject({ status: 409 });

  lanyard().pass({ minutes: 6 });
  const { issuers, issuing } = await state();
  expect(issuers).toMatchObject([{ state: 'accepted', neededUntil: expect.any(String) }, { state: 'issuing' }]);
  expect(issuing.subject).not.toBe(first.subject);
  const fresh = await lanyard().enrolledDevice();
  expect(new X509Certificate(await leafOf(fresh.id)).issuer).toBe(issuing.subject);
  for (const { device } of [old, fresh]) expect((await device.sync()).remarks).toEqual([]);
});

test("below the organisation's own root PCs enroll and are managed like others", async () => {
  const organisation = new OrganisationRoot(lanyard().now());
  await expect(change('GET', '/signing-request')).rejects.toMatchObject({ status: 404 });
  expect(await change('POST', '/roll-over', { root: 'own' })).toMatchObject({ awaitingOwnRoot: expect.any(String) });
  lanyard().pass({ hours: 25 });
  await lanyard().local.host.fireTimer('certificate-authority-due');
  expect(lanyard().logs.filter((line) => line.includes('A signing request waits for your own root'))).toEqual([
    expect.stringMatching(/"event":"certificate-authority-due".*"todo":"The old CA signs until it is answered: /),
  ]);
  const { signingRequest } = await change('GET', '/signing-request');
  expect(signingRequest).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----\n/);
  const request = Buffer.from(signingRequest.replace(/-----.*-----|\s/g, ''), 'base64');
  const issuing = organisation.issuing(readSigningRequest(request).subjectPublicKeyInfo);
  const pem = (der: Buffer) => new X509Certificate(der).toString();
  const put = (body: string) =>
    lanyard().admin.send('PUT', `${ROUTE}/issuing-certificate`, body, {
      ...withMasterKey(),
      'content-type': 'text/plain',
    });

  const alone = await put(pem(issuing));
  expect(alone.status).toBe(400);
  expect(alone.body).toContain('The root is missing');
  const installed = await put(pem(issuing) + pem(organisation.root()));
  expect(installed.status).toBe(200);

  lanyard().pass({ minutes: 6 });
  const { device, id } = await lanyard().enrolledDevice();
  expect(new X509Certificate(await leafOf(id)).issuer).toBe('CN=Example Device CA');
  expect((await device.sync()).remarks).toEqual([]);
  expect(await state()).toMatchObject({ root: { subject: 'CN=Example Root' } });
  expect(lanyard().logs.join('\n')).not.toContain('-----BEGIN');
});

test('what changes the CA asks for the master key', async () => {
  for (const [method, path] of [
    ['POST', ''],
    ['POST', '/roll-over'],
    ['PUT', '/issuing-certificate'],
    ['DELETE', '/signing-request'],
  ] as const) {
    const refused = lanyard().admin.call(method, ROUTE + path);
    await expect(refused).rejects.toThrow(AdminApiError);
    await expect(refused).rejects.toMatchObject({ status: 401 });
  }
});

test('before the CA ends, the state and a line in the log every day say what to do', async () => {
  const told = () => lanyard().logs.filter((line) => line.includes('"event":"certificate-authority-due"'));
  const before = told();
  await lanyard().local.host.fireTimer('certificate-authority-due');
  expect(told()).toEqual(before);
  lanyard().pass({ days: 365 * 3 - 30 });
  expect((await state()).due).toMatchObject([
    { what: 'issuing', urgency: 'soon', message: expect.stringContaining('Roll over') },
  ]);
  await lanyard().local.host.fireTimer('certificate-authority-due');
  expect(told().slice(before.length)).toEqual([
    expect.stringContaining('The certificate authority is due for a roll-over'),
  ]);
});
