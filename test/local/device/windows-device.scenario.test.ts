import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type DeviceOptions, PowerCut, WindowsDevice } from '../../../local/device/windows-device.ts';
import { issue, newIssuer, pem } from './certificates.ts';
import { discoverResponse, faultDocument, policiesResponse } from './documents.ts';
import {
  command,
  keyOf,
  type ScriptedServer,
  signingRequestIn,
  startScriptedServer,
  syncml,
} from './scripted-server.ts';

let server: ScriptedServer;
let folder: string;
const account = { user: 'ann@contoso.example', secret: 'K7Q2-M9XD-3FHT-8WPA' };
const reboot = './Device/Vendor/MSFT/Reboot/RebootNow';
const unenroll = './Device/Vendor/MSFT/DMClient/Provider/Test/Unenroll';

beforeEach(async () => {
  server = await startScriptedServer();
  folder = await mkdtemp(join(tmpdir(), 'device-'));
});

afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

const newDevice = (options: Partial<DeviceOptions> = {}) =>
  WindowsDevice.create({ folder: join(folder, 'pc'), name: 'PC-1', trust: server.trust, ...options });

async function enrolled(options: Partial<DeviceOptions> = {}): Promise<WindowsDevice> {
  const device = await newDevice(options);
  await device.enroll({ server: server.origin, ...account });
  server.received.length = 0;
  if (options.network) options.network.requests = 0;
  return device;
}

/** The server plays these commands in its first reply and then ends the session. */
const play = (...commands: string[]) => {
  server.management = [(m) => syncml(m, { commands: commands.join('') }), (m) => syncml(m)];
};

const failure = (act: Promise<unknown>) =>
  act.then(
    () => expect.unreachable('it worked'),
    (error) => error,
  );

describe('enrollment', () => {
  test('goes through probe, discovery, policy and token, and is kept in the folder', async () => {
    const device = await newDevice();
    const enrollment = await device.enroll({ server: server.origin, ...account });
    expect(enrollment.exchanged.map((step) => [step.step, step.status])).toEqual([
      ['probe', 200],
      ['discover', 200],
      ['policies', 200],
      ['token', 200],
    ]);
    expect(enrollment.remarks).toEqual([]);
    expect(server.received.map((r) => `${r.method} ${r.url}`)).toEqual([
      'GET /EnrollmentServer/Discovery.svc',
      'POST /EnrollmentServer/Discovery.svc',
      'POST /EnrollmentServer/Policy.svc',
      'POST /EnrollmentServer/Enrollment.svc',
    ]);
    const again = await WindowsDevice.open({ folder: join(folder, 'pc') });
    expect(again.show()).toMatchObject({ name: 'PC-1', enrolled: true, providerId: 'Test', user: account.user });
    for (const file of ['client-key.pem', 'state.json']) {
      expect((await stat(join(folder, 'pc', file))).mode & 0o777).toBe(0o600);
    }
  });

  test('speaks as the native client does', async () => {
    const device = await newDevice();
    await device.enroll({ server: server.origin, ...account });
    const [probe, discover, , token] = server.received;
    expect(probe?.headers).toMatchObject({
      'user-agent': 'ENROLLClient',
      'cache-control': 'no-cache',
      pragma: 'no-cache',
    });
    expect(discover?.headers['content-type']).toBe('application/soap+xml; charset=utf-8');
    expect(discover?.body).toContain('<a:MessageID>urn:uuid:748132ec-a575-4329-b01b-6171a9cf8478</a:MessageID>');
    expect(discover?.body).not.toContain('Security');
    expect(token?.body).toContain('<wsse:Password wsse:Type="');
    const names = [...(token?.body.matchAll(/ContextItem Name="(\w+)"/g) ?? [])].map((match) => match[1]);
    expect(names.filter((name) => name !== 'MAC')).toEqual(
      (
        'UXInitiated HWDevID Locale TargetedUserLoggedIn OSEdition DeviceName DeviceID EnrollmentType DeviceType OSVersion ' +
        'ApplicationVersion NotInOobe Manufacturer DeviceModel SerialNumber RequestVersion AttestationStatus AttestationStatusHResult'
      ).split(' '),
    );
    expect(names.filter((name) => name === 'MAC')).toHaveLength(13);
  });

  test('asks for a certificate in the way of Windows: 64 octets of subject, a bare extension value, a good signature', async () => {
    const device = await newDevice();
    await device.enroll({ server: server.origin, ...account });
    const csr = signingRequestIn(server.received[3]?.body ?? '');
    const file = join(folder, 'csr.der');
    await writeFile(file, csr);
    const text = execFileSync('openssl', ['req', '-inform', 'DER', '-in', file, '-verify', '-noout', '-text'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    expect(text).toContain('sha256WithRSAEncryption');
    expect(text).toContain('Public-Key: (2048 bit)');
    expect(text).toContain('1.3.6.1.4.1.311.66.1.0');
    const { deviceId } = device.machine;
    const at = csr.indexOf(`!${deviceId}\0`);
    expect(csr.subarray(at - 32, at - 30)).toEqual(Buffer.from([0x13, 64]));
    expect(csr.indexOf(Buffer.concat([Buffer.from([0x04, 33]), Buffer.from(`${deviceId}\0`)]))).toBeGreaterThan(at);
  });

  test('signs with SHA-1 under the old identifier where nothing was negotiated', async () => {
    server.instead.set('/EnrollmentServer/Discovery.svc', (r) =>
      r.method === 'GET'
        ? {}
        : {
            body: discoverResponse(server.origin).replace(
              /<EnrollmentVersion>.*<\/EnrollmentVersion>|<EnrollmentPolicyServiceUrl>.*<\/EnrollmentPolicyServiceUrl>/g,
              '',
            ),
          },
    );
    const device = await newDevice();
    await device.enroll({ server: server.origin, ...account });
    const token = server.received.at(-1)?.body ?? '';
    expect(signingRequestIn(token).includes(Buffer.from('300906052b0e03021d0500', 'hex'))).toBe(true);
    expect(server.received.map((r) => r.url)).not.toContain('/EnrollmentServer/Policy.svc');
  });

  test('fails as on a PC when the server refuses, and nothing is kept', async () => {
    server.instead.set('/EnrollmentServer/Enrollment.svc', () => ({
      status: 500,
      body: faultDocument({ errorType: 'DeviceCapReached', reason: 'too many', traceId: 'trace-1' }),
    }));
    const device = await newDevice();
    expect(await failure(device.enroll({ server: server.origin, ...account }))).toMatchObject({
      hresult: '0x80180013',
      step: 'token',
      traceId: 'trace-1',
    });
    expect(device.show().enrolled).toBe(false);
    expect(await readdir(join(folder, 'pc'))).toEqual(['state.json']);
  });

  test.each(['/EnrollmentServer/Policy.svc', '/EnrollmentServer/Enrollment.svc'])(
    'refuses a chunked reply of %s',
    async (path) => {
      server.instead.set(path, () => ({ body: 'x'.repeat(100), chunked: true }));
      const device = await newDevice();
      const error = await failure(device.enroll({ server: server.origin, ...account }));
      expect(error).toMatchObject({ hresult: '0x80192F78', message: expect.stringContaining('chunked') });
    },
  );

  test('needs a server that it trusts', async () => {
    const other = newIssuer('Another root');
    const root = pem(issue({ subject: other.name, publicKey: other.publicKey, issuer: other, ca: true }));
    const device = await newDevice({ trust: [root] });
    expect(await failure(device.enroll({ server: server.origin, ...account }))).toMatchObject({
      hresult: '0x80180012',
    });
    expect(server.received).toEqual([]);
  });

  test('waits as long as a busy server says, in seconds only', async () => {
    const device = await newDevice();
    for (const [header, seconds] of [
      ['120', 120],
      ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
    ] as const) {
      server.instead.set('/EnrollmentServer/Enrollment.svc', () => ({
        status: 503,
        headers: { 'Retry-After': header },
      }));
      expect(await failure(device.enroll({ server: server.origin, ...account }))).toMatchObject({
        retryAfter: seconds,
      });
    }
  });

  test('sends the same bytes again when the reply of the token request was lost', async () => {
    const network = { loseReplyOf: [4] };
    const device = await newDevice({ network });
    await device.enroll({ server: server.origin, ...account });
    const tokens = server.received.filter((r) => r.url.endsWith('Enrollment.svc'));
    expect(tokens).toHaveLength(2);
    expect(tokens[1]?.body).toBe(tokens[0]?.body);
  });

  test('keeps nothing of a document that it refuses, and can try again', async () => {
    server.edit = (document) => document.replace('</wap', '<characteristic type="Policy"/></wap');
    const device = await newDevice();
    expect(await failure(device.enroll({ server: server.origin, ...account }))).toMatchObject({ event: { id: 56 } });
    expect(await readdir(join(folder, 'pc'))).toEqual(['state.json']);
    server.edit = (document) => document;
    await device.enroll({ server: server.origin, ...account });
    expect(await failure(device.enroll({ server: server.origin, ...account }))).toMatchObject({
      hresult: '0x8018000A',
    });
  });

  const federated = (r: { method: string }) =>
    r.method === 'GET'
      ? {}
      : {
          body: discoverResponse(server.origin)
            .replace('OnPremise', 'Federated')
            .replace(
              '</DiscoverResult>',
              `<AuthenticationServiceUrl>${server.origin}/sign-in</AuthenticationServiceUrl></DiscoverResult>`,
            ),
        };

  test('takes the token of the sign-in page where the server is Federated', async () => {
    server.instead.set('/EnrollmentServer/Discovery.svc', federated);
    const device = await newDevice();
    expect(await failure(device.enroll({ server: server.origin, ...account }))).toMatchObject({
      hresult: '0x8018000F',
    });
    const pages: string[] = [];
    const signIn = async (page: string) => `token-${pages.push(page)}`;
    await device.enroll({ server: server.origin, ...account, signIn });
    expect(pages).toEqual([expect.stringContaining('/sign-in?appru=ms-app%3A%2F%2F')]);
    const token = Buffer.from('token-1').toString('base64');
    expect(server.received.at(-1)?.body).toMatch(new RegExp(`DeviceEnrollmentUserToken"[^>]*>${token}<`));
  });

  test('with a token of Entra neither probes nor opens a page', async () => {
    server.instead.set('/EnrollmentServer/Discovery.svc', federated);
    const device = await newDevice();
    await device.enroll({ server: server.origin, ...account, entraToken: 'eyJ.a.b' });
    expect(server.received[0]?.method).toBe('POST');
    expect(server.received.at(-1)?.body).toContain('ValueType="urn:ietf:params:oauth:token-type:jwt"');
  });

  test('makes the key that the policy asks for', async () => {
    server.instead.set('/EnrollmentServer/Policy.svc', () => ({
      body: policiesResponse().replace('>2048<', '>3072<'),
    }));
    const device = await newDevice();
    const { remarks } = await device.enroll({ server: server.origin, ...account });
    expect(keyOf(signingRequestIn(server.received.at(-1)?.body ?? '')).asymmetricKeyDetails?.modulusLength).toBe(3072);
    expect(remarks).toEqual(['policies: Content-Type is ""']);
  });

  test('can send from an address of its own', async () => {
    const device = await newDevice({ localAddress: '127.0.0.5' });
    await device.enroll({ server: server.origin, ...account });
    expect(new Set(server.received.map((r) => r.from))).toEqual(new Set(['127.0.0.5']));
  });
});

describe('a management session', () => {
  test('opens as the native client does and ends when the server has nothing to do', async () => {
    const device = await enrolled();
    server.management = [(m) => syncml(m)];
    const report = await device.sync();
    expect(report).toMatchObject({ sessionId: '1', messages: 1, commandsRun: [], remarks: [], challenges: 0 });
    const [first] = server.sessions();
    expect(first?.url).toBe('/ManagementServer/MDM.svc?mode=Maintenance&Platform=WoA');
    expect(first?.headers).toMatchObject({
      'content-type': 'application/vnd.syncml.dm+xml',
      'user-agent': 'MSFT OMA DM Client/1.2.0.1',
    });
    expect(first?.certificate).toBe('0b5f3f0e-6f0c-4a4e-9f33-3f6d9b9a1c11');
    const { deviceId } = device.machine;
    expect(first?.body).toBe(
      `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID><MsgID>1</MsgID>` +
        `<Target><LocURI>${server.origin}/ManagementServer/MDM.svc</LocURI></Target><Source><LocURI>${deviceId}</LocURI></Source></SyncHdr>` +
        `<SyncBody><Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta>` +
        `<Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data></Item></Alert><Replace><CmdID>4</CmdID>` +
        `<Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>${deviceId}</Data></Item>` +
        `<Item><Source><LocURI>./DevInfo/Man</LocURI></Source><Data>Contoso</Data></Item>` +
        `<Item><Source><LocURI>./DevInfo/Mod</LocURI></Source><Data>Contoso Book 14</Data></Item>` +
        `<Item><Source><LocURI>./DevInfo/DmV</LocURI></Source><Data>1.3</Data></Item>` +
        `<Item><Source><LocURI>./DevInfo/Lang</LocURI></Source><Data>en-US</Data></Item></Replace><Final/></SyncBody></SyncML>`,
    );
  });

  test('answers commands, each with its status, and keeps what was set', async () => {
    const device = await enrolled();
    const policy = './Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera';
    play(
      command(
        'Get',
        50,
        { target: './DevDetail/SwV' },
        { target: './DevDetail/LrgObj' },
        { target: './DevDetail/None' },
      ),
      command('Replace', 51, { target: policy, data: '0', format: 'int' }),
      command('Exec', 52, { target: reboot }),
    );
    const report = await device.sync();
    expect(report.commandsRun).toEqual([
      { verb: 'Get', target: './DevDetail/SwV', status: 200 },
      { verb: 'Get', target: './DevDetail/LrgObj', status: 200 },
      { verb: 'Get', target: './DevDetail/None', status: 404 },
      { verb: 'Replace', target: policy, status: 200 },
      { verb: 'Exec', target: reboot, status: 200 },
    ]);
    const second = server.sessions()[1]?.body ?? '';
    expect(second).toContain(
      '<SyncBody><Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status>',
    );
    expect(second).toContain(
      '<CmdRef>50</CmdRef><Cmd>Get</Cmd><TargetRef>./DevDetail/None</TargetRef><Data>404</Data>',
    );
    expect(second).toContain(
      '<Results><CmdID>5</CmdID><MsgRef>1</MsgRef><CmdRef>50</CmdRef><Item><Source><LocURI>./DevDetail/SwV</LocURI></Source>' +
        '<Data>10.0.26200.9278</Data></Item><Item><Source><LocURI>./DevDetail/LrgObj</LocURI></Source>' +
        '<Meta><Format xmlns="syncml:metinf">bool</Format></Meta><Data>false</Data></Item></Results>',
    );
    const again = await WindowsDevice.open({ folder: join(folder, 'pc') });
    expect(again.valueOf(policy)).toBe('0');
    expect(again.execCounts).toEqual({ './Vendor/MSFT/Reboot/RebootNow': 1 });
  });

  test('numbers its sessions, and begins anew after another enrollment', async () => {
    const device = await enrolled();
    server.management = [(m) => syncml(m)];
    expect([(await device.sync()).sessionId, (await device.sync()).sessionId]).toEqual(['1', '2']);
    await device.unenroll();
    await device.enroll({ server: server.origin, ...account });
    expect((await device.sync()).sessionId).toBe('1');
  });

  test('says in the address when no user is there', async () => {
    const device = await enrolled();
    play(
      command('Replace', 50, {
        target: './User/Vendor/MSFT/Policy/Config/Education/AllowGraphingCalculator',
        data: '0',
        format: 'int',
      }),
    );
    const report = await device.sync({ loginStatus: 'none' });
    expect(report.commandsRun[0]?.status).toBe(500);
    expect(server.sessions()[0]?.url).toContain('?mode=Machine&');
  });

  test('answers a challenge in the same session and sends its credential from then on', async () => {
    const device = await enrolled();
    const nonce = Buffer.from('0123456789abcdef').toString('base64');
    server.management = [
      (m) => syncml(m, { chal: nonce }),
      (m) => syncml(m, { commands: command('Get', 50, { target: './DevInfo/DevId' }) }),
      (m) => syncml(m),
    ];
    const report = await device.sync();
    expect(report).toMatchObject({ messages: 3, challenges: 1, remarks: [] });
    const [first, second, third] = server.sessions().map((r) => r.body);
    expect(first).not.toMatch(/<Cred>|<LocName>/);
    const md5 = (data: string | Buffer) => createHash('md5').update(data).digest('base64');
    const name = '0b5f3f0e-6f0c-4a4e-9f33-3f6d9b9a1c11';
    const digest = md5(`${md5(`${name}:device-secret`)}:0123456789abcdef`);
    for (const body of [second, third]) {
      expect(body).toContain(
        `<LocName>${name}</LocName></Source><Cred><Meta><Format xmlns="syncml:metinf">b64</Format>`,
      );
      expect(body).toContain(`<Data>${digest}</Data></Cred>`);
    }
    expect(second).toContain('<MsgID>2</MsgID>');
    expect(second).toContain(
      '<SyncBody><Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status><Alert><CmdID>2</CmdID><Data>1201',
    );
  });

  test('stops sending its credential after 212', async () => {
    const device = await enrolled();
    server.management = [
      (m) => syncml(m, { chal: 'AAAAAAAAAAAAAAAAAAAAAA==' }),
      (m) => syncml(m, { code: 212, commands: command('Get', 50, { target: './DevInfo/DevId' }) }),
      (m) => syncml(m),
    ];
    await device.sync();
    expect(server.sessions()[2]?.body).not.toContain('<Cred>');
  });

  test('gives up when the server challenges for ever', async () => {
    const device = await enrolled();
    server.management = [(m) => syncml(m, { chal: 'AAAAAAAAAAAAAAAAAAAAAA==' })];
    expect(await failure(device.sync())).toMatchObject({ hresult: '0x80190191' });
    expect(server.sessions()).toHaveLength(3);
  });

  test.each([
    ['chunked', { chunked: true, body: '<SyncML xmlns="SYNCML:SYNCML1.2"/>' }, { hresult: '0x80192F78' }],
    ['HTTP 403', { status: 403 }, { hresult: '0x80190193' }],
    ['of another type', { type: 'text/html', body: '<html/>' }, { rule: 'content-type' }],
  ])('fails when the reply is %s', async (_, reply, expected) => {
    const device = await enrolled();
    server.management = [() => reply];
    expect(await failure(device.sync())).toMatchObject(expected);
  });

  test('is put off by a Retry-After', async () => {
    const now = new Date();
    const device = await enrolled({ now: () => now });
    expect(device.nextPoll()).toEqual(now);
    server.management = [() => ({ status: 429, headers: { 'Retry-After': '86400' } })];
    expect(await failure(device.sync())).toMatchObject({ hresult: '0x801901AD' });
    expect(device.nextPoll()).toEqual(new Date(now.getTime() + 86_400_000));
    server.management = [(m) => syncml(m)];
    await device.sync();
    expect(device.nextPoll()).toEqual(new Date(now.getTime() + 15 * 60_000));
  });

  test('shows the certificate that the search criteria name, and no other one of its store', async () => {
    const other = newIssuer('Another MDM');
    const certificate = pem(issue({ subject: 'someone-else', publicKey: other.publicKey, issuer: other }));
    const key = other.key.export({ type: 'pkcs8', format: 'pem' }) as string;
    const device = await enrolled({ machine: { otherCertificates: [{ store: 'My\\User', certificate, key }] } });
    server.management = [(m) => syncml(m)];
    await device.sync();
    expect(server.sessions()[0]?.certificate).toBe('0b5f3f0e-6f0c-4a4e-9f33-3f6d9b9a1c11');
  });
});

test('without search criteria a device shows no certificate at all', async () => {
  server.edit = (document) => document.replace(/<parm name="SSLCLIENTCERTSEARCHCRITERIA"[^>]*>/, '');
  const device = await enrolled();
  server.management = [(m) => syncml(m)];
  await device.sync();
  expect(server.sessions()[0]?.certificate).toBeUndefined();
});

describe('on a bad network', () => {
  test('a lost reply brings the same bytes again, and commands run once', async () => {
    const network = { loseReplyOf: [1], requests: 0 };
    const device = await enrolled({ network });
    const ready = (m: string) => syncml(m, { commands: command('Exec', 50, { target: reboot }) });
    server.management = [ready, ready, (m) => syncml(m)];
    network.requests = 0;
    await device.sync();
    const [first, second] = server.sessions();
    expect(second?.body).toBe(first?.body);
    expect(device.execCounts).toEqual({ './Vendor/MSFT/Reboot/RebootNow': 1 });
  });

  test('a reply that is lost twice ends the session', async () => {
    const device = await enrolled({ network: { loseReplyOf: [1, 2] } }).catch((error) => error);
    expect(device).toMatchObject({ hresult: '0x80192EFE', step: 'probe' });
  });

  test('a message that arrives twice shows whether both replies were the same', async () => {
    const network = { sendTwice: [] as number[], requests: 0 };
    const device = await enrolled({ network });
    server.management = [(m) => syncml(m)];
    network.sendTwice = [1];
    expect((await device.sync()).exchanged.map((step) => step.sameReplyTwice)).toEqual([undefined, true]);
    network.requests = 0;
    server.management = [(m) => syncml(m), (m) => ({ ...syncml(m), body: `${syncml(m).body} ` })];
    expect((await device.sync()).exchanged.map((step) => step.sameReplyTwice)).toEqual([undefined, false]);
  });

  test('a connection that is gone lets nothing out', async () => {
    const network = { cutOffBefore: [] as number[], requests: 0 };
    const device = await enrolled({ network });
    network.cutOffBefore = [1];
    expect(await failure(device.sync())).toMatchObject({ hresult: '0x80192EFD' });
    expect(server.sessions()).toEqual([]);
    server.management = [(m) => syncml(m)];
    expect((await device.sync()).sessionId).toBe('2');
  });

  test('after a power cut the device goes on with a new session, and has not run what it had not read', async () => {
    const network = { powerCutAfter: [] as number[], requests: 0 };
    const device = await enrolled({ network });
    network.powerCutAfter = [1];
    play(command('Exec', 50, { target: reboot }));
    expect(await failure(device.sync())).toBeInstanceOf(PowerCut);
    const restarted = await WindowsDevice.open({ folder: join(folder, 'pc'), trust: server.trust });
    expect(restarted.execCounts).toEqual({});
    server.management = [(m) => syncml(m)];
    expect((await restarted.sync()).sessionId).toBe('2');
  });
});

describe('leaving', () => {
  const leave = () => play(command('Exec', 50, { target: unenroll, data: 'Test', format: 'chr' }));

  test('on the word of the server drops the session without a status and says 1226 in a new one', async () => {
    const device = await enrolled();
    leave();
    const report = await device.sync();
    expect(report).toMatchObject({ unenrolled: true, unenrollAlert: { data: '1', delivered: true }, messages: 2 });
    const [, second] = server.sessions();
    expect(server.sessions()).toHaveLength(2);
    expect(second?.headers['mdm-genericalert']).toBe('<com.microsoft:mdm.unenrollment.userrequest>');
    expect(second?.body).toContain('<SessionID>2</SessionID><MsgID>1</MsgID>');
    expect(second?.body).toContain(
      '<Alert><CmdID>4</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type>' +
        '<Format xmlns="syncml:metinf">int</Format><Mark xmlns="syncml:metinf">critical</Mark></Meta><Data>1</Data></Item></Alert><Replace><CmdID>5</CmdID>',
    );
    expect(device.show()).toMatchObject({ enrolled: false, nextPoll: undefined });
    expect(await readdir(join(folder, 'pc'))).toEqual(['state.json']);
    await expect(device.sync()).rejects.toThrow('not enrolled');
  });

  test('reports Data 2 and stays enrolled when the Entra un-join fails', async () => {
    const device = await enrolled({ machine: { join: 'joined', unjoinFails: true } });
    leave();
    expect(await device.sync()).toMatchObject({ unenrolled: false, unenrollAlert: { data: '2', delivered: true } });
    expect(device.show()).toMatchObject({ enrolled: true, join: 'joined' });
  });

  test('takes the Entra join with it, and locks a PC that has no local administrator', async () => {
    const device = await enrolled({ machine: { join: 'joined', localAdministrator: false } });
    leave();
    await device.sync();
    expect(device.show()).toMatchObject({ enrolled: false, join: 'none', lockedOut: true });
  });

  test('does not lock a PC for which the server has made a local administrator', async () => {
    const device = await enrolled({ machine: { join: 'joined', localAdministrator: false } });
    const admin = './Device/Vendor/MSFT/Accounts/Users/rescue';
    play(
      command('Add', 50, { target: `${admin}/Password`, data: 'Long-Enough-1' }),
      command('Add', 51, { target: `${admin}/LocalUserGroup`, data: '2', format: 'int' }),
      command('Exec', 52, { target: unenroll, data: 'Test' }),
    );
    await device.sync();
    expect(device.show()).toMatchObject({ join: 'none', lockedOut: false });
  });

  test('cleans up also when the alert reaches nobody', async () => {
    const device = await enrolled();
    server.management = [() => ({ status: 503 })];
    expect(await device.unenroll()).toMatchObject({ unenrolled: true, unenrollAlert: { data: '1', delivered: false } });
    expect(device.show().enrolled).toBe(false);
  });

  test('answers a challenge before the alert counts', async () => {
    const device = await enrolled();
    server.management = [(m) => syncml(m, { chal: 'AAAAAAAAAAAAAAAAAAAAAA==' }), (m) => syncml(m)];
    expect(await device.unenroll()).toMatchObject({ challenges: 1, unenrollAlert: { delivered: true } });
    expect(server.sessions()[1]?.body).toContain('1226');
  });

  test('by the user is refused where a policy forbids it', async () => {
    const device = await enrolled();
    play(
      command('Replace', 50, {
        target: './Device/Vendor/MSFT/Policy/Config/Experience/AllowManualMDMUnenrollment',
        data: '0',
        format: 'int',
      }),
    );
    await device.sync();
    expect(await failure(device.unenroll())).toMatchObject({ hresult: '0x80070005' });
    expect(device.show().enrolled).toBe(true);
  });

  test('by wipe answers first and forgets everything then', async () => {
    const device = await enrolled();
    play(command('Exec', 50, { target: './Device/Vendor/MSFT/RemoteWipe/doWipe' }));
    expect(await device.sync()).toMatchObject({ wiped: true, messages: 2 });
    expect(device.show()).toMatchObject({ enrolled: false, wiped: true });
  });
});

test('many devices live side by side', async () => {
  server.management = [(m) => syncml(m)];
  const devices = await Promise.all(
    [1, 2, 3, 4].map(async (n) => {
      const device = await WindowsDevice.create({
        folder: join(folder, `pc-${n}`),
        name: `PC-${n}`,
        trust: server.trust,
      });
      await device.enroll({ server: server.origin, ...account });
      await device.sync();
      return device;
    }),
  );
  expect(new Set(devices.map((device) => device.show().deviceId)).size).toBe(4);
  await expect(WindowsDevice.create({ folder: join(folder, 'pc-1') })).rejects.toThrow('EEXIST');
});
