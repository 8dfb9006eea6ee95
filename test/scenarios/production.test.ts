import { afterEach, describe, expect, test } from 'vitest';
import { finishDeployment } from '../../local/azure/finish-deployment.ts';
import { discoverRequest } from '../../local/device/discovery.ts';
import type { WindowsDevice } from '../../local/device/windows-device.ts';
import { APPS, type AppName } from '../../local/packages/build-apps.ts';
import { template } from '../infra/bicep.ts';
import { CLIENT_IDS, settingsOf, useProduction, vaultRightsOf } from '../support/production.ts';
import { send } from '../support/wire.ts';

/**
 * The packages as Azure runs them, from the last step of the deployment on: the life of a PC with the rights of the templates
 * and no others; then one service after the other is pulled and comes back, while the same processes go on.
 */

const production = useProduction();
const trusted = () => ({ ca: production().host.tlsRoot });
const enrollUrl = () => production().url.enroll;
const withMasterKey = () => ({ 'x-functions-key': production().host.keys.master });

const DISCOVERY = '/EnrollmentServer/Discovery.svc';
const LARGE = './Device/Vendor/MSFT/Policy/Config/Experience/Large';
const SOFTWARE = { verb: 'Get', target: './DevDetail/SwV' };

/** Secrets that went over the wire, for a look into what the apps logged. */
const secrets: string[] = [];
async function invite(user?: string) {
  const invitation = await production().invite(user);
  secrets.push(invitation.secret);
  return invitation;
}

test('the apps get the settings that the templates set, and no others', () => {
  const names = ({ text }: { text: string }, variable: string) => {
    const body = new RegExp(`^var ${variable} = \\{\\n([\\s\\S]*?)^\\}`, 'm').exec(text)?.[1] ?? '';
    return [...body.matchAll(/^ {2}(\w+): /gm)].map(([, name = '']) => name);
  };
  const set = [
    ...names(template('infra/main.bicep'), 'commonSettings'),
    ...names(template('infra/modules/function-app.bicep'), 'platformSettings'),
    // WEBSITE_SITE_NAME is the platform's own.
    ...['LANYARD_APP', 'LANYARD_CLIENT_CERT', 'WEBSITE_SITE_NAME'],
  ];
  const given = (app: AppName) => Object.keys(settingsOf(app, production())).sort();
  expect(given('manage')).toEqual(set.toSorted());
  expect(given('enroll')).toEqual([...set, 'LANYARD_CA'].toSorted());
  expect(given('admin')).toEqual([...set, 'LANYARD_CA', 'LANYARD_FIRST_CA'].toSorted());
});

test('the last step of a deployment makes the authority in the vault, lets the enroll app sign, and finds all as it should be', async () => {
  const { services, url, vaultRights, host } = production();
  const printed: string[] = [];
  const done = await finishDeployment({
    env: {
      AZURE_RESOURCE_GROUP: 'rg-lanyard-test',
      LANYARD_ADMIN_APP: 'lanyard-admin-test',
      LANYARD_URL: url.admin,
      LANYARD_VAULT: 'lanyard',
      LANYARD_SIGNER_ROLE: 'signer',
      LANYARD_ENROLL_PRINCIPAL: CLIENT_IDS.enroll,
      LANYARD_ENROLL_URL: url.enroll,
      LANYARD_ENROLL_APP_URL: url.enroll,
      LANYARD_DOMAIN_VERIFICATION: 'A1B2',
      LANYARD_ENTRA_DISCOVERY_URL: `${url.enroll}/entra/EnrollmentServer/Discovery.svc`,
      LANYARD_ENTRA_TERMS_URL: `${url.enroll}/entra/TermsOfUse`,
      LANYARD_ENTRA_REDIRECT_URL: `${url.enroll}/EnrollmentServer/SignIn/Callback`,
      LANYARD_MANAGE_APP: 'lanyard-manage-test',
      LANYARD_MANAGE_APP_URL: url.manage,
    },
    platform: 'linux',
    async az(args) {
      if (args[1] === 'keys') return `${host.keys.master}\n`;
      if (args[0] === 'account') return '{}';
      if (args[1] === 'config') return '[{ "name": "LANYARD_DEVICE_AUTH", "value": "certificate" }]';
      if (args[0] === 'resource')
        return '{ "properties": { "clientCertEnabled": true, "clientCertMode": "Required" } }';
      const parameter = (name: string) =>
        args.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
      expect([parameter('vault'), parameter('signerRole')]).toEqual(['lanyard', 'signer']);
      vaultRights[parameter('principalId')] = vaultRightsOf('signer', parameter('issuingKey'));
      return '';
    },
    send: (method, address, headers, body) => send(address, { method, headers, body, ...trusted() }),
    wait: () => Promise.reject(new Error('Nothing has to be waited for here.')),
    print: (line) => printed.push(line),
    printError: (line) => printed.push(line),
  });
  expect(printed.join('\n').match(/^ {2}ok .*/gm)).toHaveLength(7);
  expect(done).toBe(true);
  const { root, issuing } = await production().get('/api/certificate-authority');
  expect([root.subject, issuing.subject]).toEqual([
    expect.stringMatching(/^CN=Lanyard Device Root/),
    expect.stringMatching(/^CN=Lanyard Device Issuing CA/),
  ]);
  expect(new Set(services.vault.calls.map(({ caller }) => caller))).toEqual(new Set(['', CLIENT_IDS.admin]));
});

test('a PC enrolls, is managed and leaves; of the vault it takes one signature of the issuing key', async () => {
  const { admin, services } = production();
  const { user, secret } = await invite();
  const device = await production().newPc();
  const from = services.vault.calls.length;
  const { enrollmentId, remarks } = await device.enroll({ server: enrollUrl(), user, secret });
  expect(remarks).toEqual([]);
  expect((await device.sync()).remarks).toEqual([]);
  const asked = services.vault.calls.slice(from).filter(({ operation }) => operation !== 'challenge');
  const sign = { operation: 'keys/sign', name: 'lanyard-issuing-ca', caller: CLIENT_IDS.enroll, status: 200 };
  expect(asked).toEqual([sign]);
  await admin.call('POST', `/api/devices/${enrollmentId}/commands`, SOFTWARE);
  await device.sync();
  const command = await production().get(`/api/devices/${enrollmentId}/commands/000000000001`);
  expect(command).toMatchObject({ state: 'done', status: 200 });
  await admin.call('POST', `/api/devices/${enrollmentId}/unenroll`, {});
  expect(await device.sync()).toMatchObject({ unenrolled: true });
  expect(await production().get(`/api/devices/${enrollmentId}`)).toMatchObject({ state: 'unenrolled' });
  expect(new Set(production().host.askedFor.filter(Boolean))).toEqual(new Set(Object.values(CLIENT_IDS)));
});

describe('an app answers its own addresses alone', () => {
  const paths: Record<AppName, [string, string]> = {
    enroll: ['GET', DISCOVERY],
    manage: ['POST', '/ManagementServer/MDM.svc'],
    admin: ['GET', '/api/devices'],
  };
  const answers: Record<AppName, number> = { enroll: 200, manage: 403, admin: 401 };

  test.each(APPS.flatMap((app) => APPS.map((other) => [app, other] as const)))(
    '%s asked for %s',
    async (app, other) => {
      const [method, path] = paths[other];
      const reply = await send(`${production().url[app]}${path}`, { method, ...trusted() });
      // Without a client certificate the platform refuses everything at the manage app.
      expect(reply.status).toBe(app === 'manage' ? 403 : app === other ? answers[app] : 404);
    },
  );
});

/** What is left of an enrollment that failed: nothing. */
async function expectNothingOf(user: string, devices: number): Promise<void> {
  expect((await production().get('/api/devices')).items).toHaveLength(devices);
  const { items } = await production().get(`/api/invitations?user=${user}`);
  expect(items).toMatchObject([{ state: 'open', devices: [] }]);
}

/** An enrollment that fails. @returns what the PC shows */
const failing = (device: WindowsDevice, { user, secret }: { user: string; secret: string }, server = enrollUrl()) =>
  device.enroll({ server, user, secret }).then(
    () => expect.unreachable('the PC enrolled'),
    (error: unknown) => error,
  );

/** The answer of the management app, as the PC sees it, while a service that it needs is away. */
const AWAY = { hresult: expect.any(String), message: expect.stringContaining('HTTP 503'), retryAfter: 120 };

async function expectUnavailable(call: Promise<{ status: number; headers: object; body: string }>): Promise<void> {
  const { status, headers, body } = await call;
  expect([status, headers]).toEqual([
    503,
    expect.objectContaining({ 'content-type': 'application/problem+json; charset=utf-8', 'retry-after': '60' }),
  ]);
  expect(JSON.parse(body)).toMatchObject({ status: 503, detail: expect.stringContaining('Try again in a minute') });
}

describe('while a service is away', () => {
  /** What was pulled in a test that failed must not fail the others. */
  let plugIn: (() => Promise<void>)[] = [];
  afterEach(() => back());
  async function pull(...names: (keyof ReturnType<typeof production>['services'])[]): Promise<void> {
    for (const name of names) {
      const { [name]: pulled } = production().services;
      await pulled.unplug();
      plugIn.push(() => pulled.plugIn());
    }
  }
  async function back(): Promise<void> {
    await Promise.all(plugIn.map((each) => each()));
    plugIn = [];
  }
  const call = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    production().admin.send(method, path, body && JSON.stringify(body), headers);

  test('the vault: nobody enrolls, nothing is used up, and who is enrolled notices nothing', async () => {
    const enrolled = await production().enrolledPc();
    const invitation = await invite('vault@example.org');
    const pc = await production().newPc();
    const { length } = (await production().get('/api/devices')).items;
    await pull('vault');
    const shown = (await failing(pc, invitation)) as { traceId: string };
    expect(shown).toMatchObject({ hresult: '0x80180004', step: 'token', traceId: expect.any(String) });
    const attempt = await production().get(`/api/enrollment-attempts/${shown.traceId}`);
    expect(attempt).toMatchObject({ cause: 'authorityUnreachable', user: 'vault@example.org' });
    await expectNothingOf('vault@example.org', length);
    await expectUnavailable(call('POST', '/api/certificate-authority', {}, withMasterKey()));
    await enrolled.device.sync();
    await back();
    const { enrollmentId } = await pc.enroll({ server: enrollUrl(), ...invitation });
    expect((await pc.sync()).remarks).toEqual([]);
    const { items } = await production().get('/api/invitations?user=vault@example.org');
    expect(items).toMatchObject([{ state: 'usedUp', devices: [{ enrollmentId }] }]);
  });

  test('the tables: each app says so in the words of whom it speaks to, discovery answers, and nothing is lost', async () => {
    const { device, id } = await production().enrolledPc();
    await production().admin.call('POST', `/api/devices/${id}/commands`, SOFTWARE);
    const invitation = await invite('tables@example.org');
    const pc = await production().newPc();
    const { length } = (await production().get('/api/devices')).items;
    await pull('tables');
    const shown = await failing(pc, invitation);
    expect(shown).toMatchObject({
      hresult: '0x80180005',
      step: 'token',
      traceId: expect.stringMatching(/^[\w-]{10,}$/),
    });
    const body = discoverRequest(pc.machine, invitation.user, `${enrollUrl()}${DISCOVERY}`);
    const discovered = await send(`${enrollUrl()}${DISCOVERY}`, { body, ...trusted() });
    expect([discovered.status, discovered.body]).toEqual([200, expect.stringContaining('<EnrollmentServiceUrl>')]);
    await expect(device.sync()).rejects.toMatchObject(AWAY);
    await expectUnavailable(call('GET', '/api/devices'));
    await expectUnavailable(call('POST', `/api/devices/${id}/commands`, SOFTWARE));
    await expectUnavailable(call('POST', '/api/invitations', { user: 'tables@example.org' }));
    await back();
    await expectNothingOf('tables@example.org', length);
    expect((await device.sync()).commandsRun.filter(({ target }) => target === SOFTWARE.target)).toHaveLength(1);
    const { items } = await production().get(`/api/devices/${id}/commands`);
    expect(items).toMatchObject([{ id: '000000000001', state: 'done' }]);
    await pc.enroll({ server: enrollUrl(), ...invitation });
    expect((await pc.sync()).remarks).toEqual([]);
  });

  test('the blobs: what needs one waits, and everything else goes on', async () => {
    const { device, id } = await production().enrolledPc();
    const commands = `/api/devices/${id}/commands`;
    await production().admin.call('POST', commands, [
      { verb: 'Replace', target: LARGE, data: 'a'.repeat(20_000) },
      { verb: 'Get', target: LARGE },
    ]);
    const secret = { verb: 'Replace', target: `${LARGE}Hidden`, data: 'x1y2', secret: true };
    await pull('blobs');
    // Its result is too large for a row.
    await expect(device.sync()).rejects.toMatchObject(AWAY);
    // The key for secret data lies in a blob, and was not read yet.
    await expectUnavailable(call('POST', commands, secret));
    expect((await production().get(commands)).items).toHaveLength(2);
    const other = await production().enrolledPc();
    await production().admin.call('POST', `/api/devices/${other.id}/commands`, SOFTWARE);
    await other.device.sync();
    expect(await production().get(`/api/devices/${other.id}/commands/000000000001`)).toMatchObject({ state: 'done' });
    await back();
    await device.sync();
    const result = await production().get(`${commands}/000000000002`);
    expect(result).toMatchObject({ state: 'done', results: [{ size: 20_000, href: expect.any(String) }] });
    const { href } = result.results[0];
    expect((await call('GET', href)).body).toContain('a'.repeat(20_000));
    expect((await call('POST', commands, secret)).status).toBe(201);
    await device.sync();
    expect(device.valueOf(`${LARGE}Hidden`)).toBe('x1y2');
    await pull('blobs');
    await expectUnavailable(call('GET', href));
    // A list shows the beginning of a result, which needs no blob; the key that was read is kept.
    expect((await production().get(commands)).items).toHaveLength(3);
    expect((await call('POST', commands, secret)).status).toBe(201);
  });

  test('the host accounts: only a first use of the app`s own key fails, and once read it is kept', async () => {
    const asked = (user: string) => call('POST', '/api/invitations', { user }, { 'idempotency-key': user });
    await pull('hostBlobs');
    await expectUnavailable(asked('once@example.org'));
    expect((await production().get('/api/invitations?user=once@example.org')).items).toEqual([]);
    await production().enrolledPc();
    await back();
    const made = await asked('once@example.org');
    expect(made.status).toBe(201);
    expect((await asked('once@example.org')).body).toBe(made.body);
    await pull('hostBlobs');
    expect((await asked('twice@example.org')).status).toBe(201);
  });

  test('all of it: an instance that starts meanwhile answers too, and works as soon as they are back', async () => {
    const invitation = await invite('cold@example.org');
    const pc = await production().newPc();
    await pull('vault', 'tables', 'blobs', 'hostBlobs');
    const server = await production().startAnother('enroll');
    expect(await failing(pc, invitation, server)).toMatchObject({ hresult: '0x80180005', step: 'token' });
    await back();
    await pc.enroll({ server, ...invitation });
    expect((await pc.sync()).remarks).toEqual([]);
  });
});

describe('the rights of the templates', () => {
  test('are all that the life of a PC needs', async () => {
    const { admin, url } = production();
    await admin.call('PUT', '/api/settings', { organisation: 'Contoso' });
    const { device, id } = await production().enrolledPc();
    await admin.call('POST', `/api/devices/${id}/commands`, [
      SOFTWARE,
      {
        verb: 'Replace',
        target: './Device/Vendor/MSFT/Policy/Config/Experience/AllowCortana',
        data: '0',
        format: 'int',
      },
      { verb: 'Replace', target: `${LARGE}Hidden`, data: 'x1y2', secret: true },
      { verb: 'Replace', target: LARGE, data: 'a'.repeat(20_000) },
      { verb: 'Get', target: LARGE },
    ]);
    await device.sync();
    for (const command of ['000000000001', '000000000005']) {
      expect(await production().get(`/api/devices/${id}/commands/${command}`)).toMatchObject({ state: 'done' });
    }
    // Too early by ten months: that is found out by reading the device, as a renewal that is granted does.
    await expect(device.renew()).rejects.toThrow(/NotEligibleToRenew/);
    // A wrong secret, and then the same PC set up anew: its old enrollment gives way, with a command that still waits.
    await admin.call('POST', `/api/devices/${id}/commands`, SOFTWARE);
    const fresh = await production().newPc({ ...device.machine });
    await failing(fresh, { user: 'kim@example.org', secret: 'AAAA-AAAA-AAAA-AAAA' });
    const { enrollmentId } = await fresh.enroll({ server: enrollUrl(), ...(await invite()) });
    expect(await production().get(`/api/devices/${id}`)).toMatchObject({ state: 'superseded' });
    await fresh.sync();
    await admin.call('POST', `/api/devices/${enrollmentId}/unenroll`, {});
    await fresh.sync();
    const timers = ['retention', 'silent-devices', 'expired-commands', 'expiring-certificates'];
    for (const timer of [...timers, 'first-certificate-authority']) {
      const headers = { ...withMasterKey(), 'content-type': 'application/json' };
      const reply = await send(`${url.admin}/admin/functions/${timer}`, { body: '{}', headers, ...trusted() });
      expect(reply.status).toBe(202);
    }
    await production().get('/api/devices');
    expect(production().refused()).toEqual([]);
    expect(production().services.vault.calls.filter(({ status }) => status === 403)).toEqual([]);
  });

  test('are asked by all three apps', () => {
    const seen = production().done();
    for (const [app, acts] of Object.entries({
      enroll: ['add devices', 'read catalogue', 'delete devicelist'],
      manage: ['update devices', 'delete devices', 'update results', 'read keys'],
      admin: ['update catalogue'],
    })) {
      for (const act of acts) expect(seen).toContain(`${app} ${act}`);
    }
  });

  test('are missed, one by one', async () => {
    const { admin, rights, vaultRights } = production();
    const { device, id } = await production().enrolledPc();
    const { devices = new Set<string>() } = rights[CLIENT_IDS.manage] ?? {};
    const less = new Set([...devices].filter((verb) => verb !== 'delete'));
    rights[CLIENT_IDS.manage] = { ...rights[CLIENT_IDS.manage], devices: less };
    await admin.call('POST', `/api/devices/${id}/commands`, SOFTWARE);
    await expect(device.sync()).rejects.toThrow();
    // By now the timers have run, too.
    expect(new Set(production().refused())).toEqual(new Set(['manage delete devices']));
    vaultRights[CLIENT_IDS.enroll] = vaultRightsOf('signer', 'lanyard-device-root');
    const shown = await failing(await production().newPc(), await invite());
    expect(shown).toMatchObject({ hresult: '0x80180004' });
  });
});

test('no app has logged a secret, a key or a token', () => {
  const { apps, host } = production();
  const said = apps.map((app) => app.output()).join('\n');
  expect(said).toContain('authorityUnreachable');
  for (const secret of [
    ...secrets,
    host.keys.master,
    host.keys.host,
    'x1y2',
    'Bearer ',
    'eyJ',
    '.c2ln',
    'PRIVATE KEY',
  ]) {
    expect(said).not.toContain(secret);
  }
});
