import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { discoverRequest } from '../../local/device/discovery.ts';
import { newMachine } from '../../local/device/machine.ts';
import { credentialsOf } from '../support/credentials.ts';
import { useLanyard } from '../support/lanyard.ts';
import { faultOf, firstMessage, type RawOptions, send, signingRequest, tokenRequest } from '../support/wire.ts';

const lanyard = useLanyard();

const DISCOVERY = '/EnrollmentServer/Discovery.svc';
const POLICY = '/EnrollmentServer/Policy.svc';
const ENROLLMENT = '/EnrollmentServer/Enrollment.svc';
const MANAGEMENT = '/ManagementServer/MDM.svc';

let lastAddress = 1;
/** Each call from an address of its own, so that none is slowed down for what another did. */
function enrollCall(path: string, body: string | Buffer, more: RawOptions = {}) {
  lastAddress += 1;
  const localAddress = `127.9.${lastAddress >> 8}.${lastAddress & 255}`;
  const { enrollUrl, tlsRoot } = lanyard().local;
  const url = enrollUrl.replace('localhost', '127.0.0.1');
  const headers = { 'content-type': 'application/soap+xml; charset=utf-8', ...more.headers };
  return send(url + path, { ca: tlsRoot, localAddress, ...more, body, headers });
}

async function devicesKnown(): Promise<number> {
  return (await lanyard().get('/api/devices?limit=1000')).items.length;
}

const nested = (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`;

const UNREADABLE: [string, () => string | Buffer][] = [
  ['text that is no XML', () => 'hello'],
  ['an element that does not end', () => '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'],
  ['a DTD', () => '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'],
  ['10,000 nested elements', () => nested(10_000)],
  ['a NUL', () => '<a>\u0000</a>'],
  ['bytes that are not UTF-8', () => Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0xfe, 0x3c, 0x2f, 0x61, 0x3e])],
  ['XML that is no SOAP', () => '<a/>'],
  ['an envelope without a body', () => '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"/>'],
];

describe.each([DISCOVERY, POLICY, ENROLLMENT])('%s', (path) => {
  test.each(UNREADABLE)('answers %s with the fault MessageFormat and a TraceId', async (_, body) => {
    const reply = await enrollCall(path, body());
    expect(reply.status).toBe(500);
    expect(faultOf(reply.body)).toEqual({
      error: 'MessageFormat',
      traceId: expect.stringMatching(/^(nokeep-)?\d{8}-[0-9a-f]{12}$/),
    });
    expect(reply.headers['content-length']).toBe(String(Buffer.byteLength(reply.body)));
  });

  test('refuses 40 MB without reading them', async () => {
    const reply = await enrollCall(path, Buffer.alloc(40 * 1024 * 1024, 0x20)).catch(
      (error: { code: string }) => error,
    );
    // The server may close the connection while the flood is still being sent.
    expect('status' in reply ? reply.status : reply.code).toSatisfy((end) =>
      [413, 'ECONNRESET', 'EPIPE'].includes(end as never),
    );
  });

  test.each(['GET', 'HEAD', 'POST'])('answers an empty %s with an empty 200', async (method) => {
    const reply = await enrollCall(path, '', { method });
    expect([reply.status, reply.body, reply.headers['content-length']]).toEqual([200, '', '0']);
  });
});

describe('Discovery', () => {
  const good = discoverRequest(newMachine('PC'), 'kim@example.org', 'https://localhost/').toString();
  const ADDRESS = /<EmailAddress>[^<]*<\/EmailAddress>/;
  const bent = (from: string | RegExp, to: string) => {
    expect(good).toMatch(from);
    return good.replace(from, to);
  };

  test.each([
    ['an empty address', () => bent(ADDRESS, '<EmailAddress></EmailAddress>')],
    ['no address', () => bent(ADDRESS, '')],
    ['a tenant in place of the address', () => bent(ADDRESS, '<TenantID>contoso</TenantID>')],
    ['an address that is none', () => bent('kim@example.org', 'kim')],
    ['a version of the future', () => bent(/<RequestVersion>[^<]*/, '<RequestVersion>99.0')],
    ['policies that nobody knows', () => bent('>OnPremise<', '>Telepathy<')],
    ['an operating system that nobody knows', () => bent(/<DeviceType>[^<]*/, '<DeviceType>Toaster')],
  ])('answers a PC with %s: only what is malformed is refused', async (_, body) => {
    for (const path of [DISCOVERY, `/entra${DISCOVERY}`]) {
      const reply = await enrollCall(path, body());
      expect([reply.status, faultOf(reply.body).error]).toEqual([200, undefined]);
      expect(reply.body).toMatch(/<EnrollmentServiceUrl>https:[^<]+Enrollment.svc</);
    }
  });

  test.each([
    ['no version', () => bent(/<RequestVersion>[^<]*<\/RequestVersion>/, '')],
    ['a version that is no number', () => bent(/<RequestVersion>[^<]*/, '<RequestVersion>newest')],
    ['the body of another call', () => bent(/<(\w+:)?Discover /, '<Discovery ').replace(/Discover>/g, 'Discovery>')],
  ])('refuses a PC with %s', async (_, body) => {
    const reply = await enrollCall(DISCOVERY, body());
    expect([reply.status, faultOf(reply.body).error]).toEqual([500, 'MessageFormat']);
  });

  test('leaves a line in the log, with the size and the headers of an empty one', async () => {
    await enrollCall(DISCOVERY, good);
    expect(lanyard().logs.at(-1)).toMatch(/Discovery was answered.*"requestVersion":"\d\.0"/);
    await enrollCall(DISCOVERY, '', { headers: { 'user-agent': 'ENROLLClient' } });
    expect(lanyard().logs.at(-1)).toMatch(/A probe was answered.*"method":"POST".*"agent":"ENROLLClient".*soap\+xml/);
  });
});

describe('a RequestSecurityToken', () => {
  const RIGHT = { user: 'kim@example.org', secret: '' };
  const CASES: [
    string,
    string,
    () => Promise<Parameters<typeof tokenRequest>[0]> | Parameters<typeof tokenRequest>[0],
  ][] = [
    ['of an unknown user', 'Authentication', async () => ({ ...(await right()), user: 'nobody@example.org' })],
    ['with a wrong secret', 'Authentication', () => ({ ...RIGHT, secret: '0000-0000-0000-0000' })],
    ['with an empty secret', 'Authentication', () => ({ ...RIGHT, secret: '' })],
    ['without a credential', 'InvalidSecurity', () => ({ ...RIGHT, security: '' })],
    [
      'whose action belongs to another call',
      'MessageFormat',
      async () => ({
        ...(await right()),
        action: 'http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy/IPolicy/GetPolicies',
      }),
    ],
    [
      'whose CSR has a bad signature',
      'CertificateRequest',
      async () => ({ ...(await right()), csr: signingRequest({ spoil: true }) }),
    ],
    [
      'with a 1,024-bit key',
      'CertificateRequest',
      async () => ({ ...(await right()), csr: signingRequest({ bits: 1024 }) }),
    ],
    ['whose CSR is no DER', 'CertificateRequest', async () => ({ ...(await right()), csr: 'aGVsbG8=' })],
    ['without a DeviceID', 'InvalidEnrollmentData', async () => ({ ...(await right()), deviceId: '' })],
    ['without an EnrollmentType', 'InvalidEnrollmentData', async () => ({ ...(await right()), enrollmentType: '' })],
    [
      'of a kind that is not served',
      'NotSupported',
      async () => ({ ...(await right()), enrollmentType: 'AppManagement' }),
    ],
    ['that asks for a renewal', 'NotEligibleToRenew', async () => ({ ...(await right()), requestType: 'Renew' })],
  ];

  async function right() {
    const { user, secret } = await lanyard().invite();
    return { user, secret };
  }

  test.each(CASES)('%s gets the fault %s, and nothing is enrolled', async (_, fault, parts) => {
    const before = await devicesKnown();
    const reply = await enrollCall(ENROLLMENT, tokenRequest(await parts()));
    expect([reply.status, faultOf(reply.body).error]).toEqual([500, fault]);
    expect(reply.headers['transfer-encoding']).toBeUndefined();
    expect(await devicesKnown()).toBe(before);
  });

  test('whose secret was used for all devices it allows gets DeviceCapReached', async () => {
    const { user, secret } = await right();
    expect((await enrollCall(ENROLLMENT, tokenRequest({ user, secret }))).status).toBe(200);
    const reply = await enrollCall(ENROLLMENT, tokenRequest({ user, secret }));
    expect(faultOf(reply.body).error).toBe('DeviceCapReached');
  });

  test('whose invitation has ended gets Authentication', async () => {
    const { user, secret } = await lanyard().invite('late@example.org', { expiresInHours: 1 });
    lanyard().pass({ minutes: 61 });
    const reply = await enrollCall(ENROLLMENT, tokenRequest({ user, secret }));
    expect(faultOf(reply.body).error).toBe('Authentication');
  });

  test('finds user and secret whatever their case, dashes and blanks', async () => {
    const { user, secret } = await right();
    const typed = ` ${secret.toLowerCase().replaceAll('-', ' ')} `;
    expect((await enrollCall(ENROLLMENT, tokenRequest({ user: user.toUpperCase(), secret: typed }))).status).toBe(200);
  });

  test('past 20 failures of an address gets 429 with Retry-After in seconds, and a right secret still passes', async () => {
    const localAddress = '127.8.8.8';
    const wrong = () => enrollCall(ENROLLMENT, tokenRequest({ ...RIGHT, secret: 'wrong' }), { localAddress });
    for (let attempt = 1; attempt <= 20; attempt += 1) expect((await wrong()).status).toBe(500);
    const slowed = await wrong();
    expect(slowed.status).toBe(429);
    expect(slowed.headers['retry-after']).toMatch(/^\d{1,4}$/);
    const { user, secret } = await right();
    expect((await enrollCall(ENROLLMENT, tokenRequest({ user, secret }), { localAddress })).status).toBe(200);
  });
});

describe('a management message', () => {
  async function ready() {
    const { device, id } = await lanyard().enrolledDevice();
    await device.sync();
    return { device, id, ...(await credentialsOf(lanyard().folder, device.machine.name)) };
  }

  function manage(body: string | Buffer, options: RawOptions = {}) {
    const { manageUrl, tlsRoot } = lanyard().local;
    const headers = { 'content-type': 'application/vnd.syncml.dm+xml', ...options.headers };
    return send(`${manageUrl}${MANAGEMENT}?mode=Maintenance`, { ca: tlsRoot, ...options, body, headers });
  }

  const BAD: [string, () => string | Buffer, number][] = [
    ['text', () => 'hello', 400],
    ['an unfinished element', () => '<SyncML xmlns="SYNCML:SYNCML1.2">', 400],
    ['a DTD', () => `<!DOCTYPE a><SyncML xmlns="SYNCML:SYNCML1.2"/>`, 400],
    ['10,000 nested elements', () => firstMessage({ body: nested(10_000) }), 400],
    ['SyncML without SyncHdr', () => '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncBody><Final/></SyncBody></SyncML>', 400],
    ['a MsgID that is no number', () => firstMessage({ msgId: 'one' }), 400],
    ['nothing', () => '', 400],
  ];

  test.each(BAD)('that is %s gets 400 and changes nothing', async (_, body, status) => {
    const { key, cert, id } = await ready();
    const before = await lanyard().get(`/api/devices/${id}`);
    const reply = await manage(body(), { key, cert });
    expect([reply.status, reply.body]).toEqual([status, '']);
    expect(await lanyard().get(`/api/devices/${id}`)).toEqual(before);
  });

  test('of 40 MB is refused without being read', async () => {
    const { key, cert } = await ready();
    const reply = await manage(Buffer.alloc(40 * 1024 * 1024, 0x20), { key, cert }).catch(
      (error: { code: string }) => error,
    );
    expect('status' in reply ? reply.status : reply.code).toSatisfy((end) =>
      [413, 'ECONNRESET', 'EPIPE'].includes(end as never),
    );
  });

  test('in WBXML is refused with 415', async () => {
    const { key, cert } = await ready();
    const reply = await manage('x', { key, cert, headers: { 'content-type': 'application/vnd.syncml.dm+wbxml' } });
    expect(reply.status).toBe(415);
  });

  test('without a certificate gets 403 and nothing else', async () => {
    const reply = await manage(firstMessage());
    expect([reply.status, reply.body]).toEqual([403, '']);
  });

  test('with a forged certificate header and no certificate gets 403, on both ports and on the bare host', async () => {
    const { header, id } = await ready();
    const before = await lanyard().get(`/api/devices/${id}`);
    const options = { headers: { 'x-arr-clientcert': header } };
    expect((await manage(firstMessage(), options)).status).toBe(403);
    const bare = await send(`${lanyard().local.bareUrl}${MANAGEMENT}`, { body: firstMessage(), ...options });
    expect(bare.status).toBe(403);
    expect((await enrollCall(MANAGEMENT, firstMessage(), options)).status).toBe(404);
    expect(await lanyard().get(`/api/devices/${id}`)).toEqual(before);
  });

  test("with one's own certificate and another's in the header is answered as oneself", async () => {
    const mine = await ready();
    const other = await ready();
    const { header } = other;
    const waiting = await lanyard().queue(other.id, 'Get', './DevDetail/SwV');
    const reply = await manage(firstMessage(), {
      key: mine.key,
      cert: mine.cert,
      headers: { 'x-arr-clientcert': header },
    });
    expect(reply.status).toBe(200);
    expect((await lanyard().get(`/api/devices/${other.id}/commands/${waiting}`)).state).toBe('waiting');
  });

  test("with another device's id in the body is answered as the device of the certificate", async () => {
    const mine = await ready();
    const other = await ready();
    const waiting = await lanyard().queue(other.id, 'Get', './DevDetail/SwV');
    const alert =
      '<Alert><CmdID>2</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type></Meta><Data>1</Data></Item></Alert>';
    const reply = await manage(firstMessage({ source: other.device.machine.deviceId, body: alert }), mine);
    expect(reply.status).toBe(200);
    expect((await lanyard().get(`/api/devices/${other.id}`)).state).toBe('enrolled');
    expect((await lanyard().get(`/api/devices/${mine.id}`)).state).toBe('unenrolled');
    expect((await lanyard().get(`/api/devices/${other.id}/commands/${waiting}`)).state).toBe('waiting');
  });

  test('under an expired certificate gets 403', async () => {
    const { key, cert } = await ready();
    lanyard().pass({ days: 366 });
    expect((await manage(firstMessage(), { key, cert })).status).toBe(403);
    lanyard().pass({ days: -366 });
    expect((await manage(firstMessage(), { key, cert })).status).toBe(200);
  });

  test('under a certificate of another authority gets 403', async () => {
    const { openTlsRoot } = await import('../../local/host/tls-root.ts');
    const foreign = await openTlsRoot(join(lanyard().folder, 'foreign'));
    const pair = await foreign.serverCertificate(['localhost']);
    expect((await manage(firstMessage(), { key: pair.key, cert: pair.cert })).status).toBe(403);
  });

  test('of an unenrolled device that calls again gets Unenroll and nothing else', async () => {
    const { device, id, key, cert } = await ready();
    await lanyard().post(`/api/devices/${id}/unenroll`);
    await device.sync();
    await expect(lanyard().queue(id, 'Get', './DevDetail/SwV')).rejects.toMatchObject({ status: 409 });
    const first = await manage(firstMessage({ sessionId: '77' }), { key, cert });
    expect([...first.body.matchAll(/<(Get|Exec|Replace|Add|Delete)>/g)].map(([, verb]) => verb)).toEqual([
      'Get',
      'Get',
    ]);
    const answers = [...first.body.matchAll(/<Get><CmdID>(\d+)<\/CmdID>/g)]
      .map(
        ([, cmdId], index) =>
          `<Status><CmdID>${index + 2}</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdId}</CmdRef><Cmd>Get</Cmd><Data>404</Data></Status>`,
      )
      .join('');
    const second = await manage(firstMessage({ sessionId: '77', msgId: '2', body: answers }), { key, cert });
    expect([...second.body.matchAll(/<(Get|Exec|Replace|Add|Delete)>/g)].map(([, verb]) => verb)).toEqual(['Exec']);
    expect(second.body).toContain('/DMClient/Provider/Lanyard/Unenroll');
    expect((await lanyard().get(`/api/devices/${id}`)).state).toBe('unenrolled');
  });
});
