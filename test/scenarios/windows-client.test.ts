import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { observeStorage } from '../../functions/services.ts';
import { discoverRequest } from '../../local/device/discovery.ts';
import { type Machine, newMachine } from '../../local/device/machine.ts';
import { getPoliciesRequest } from '../../local/device/policy.ts';
import { faultError } from '../../local/device/soap-fault.ts';
import { useLanyard } from '../support/lanyard.ts';
import { firstMessage, type RawOptions, type RawReply, send, tokenRequest } from '../support/wire.ts';

/** What a Windows client gets, byte by byte: the replies themselves, not what a reader of ours makes of them. */
const lanyard = useLanyard();

const DISCOVERY = '/EnrollmentServer/Discovery.svc';
const POLICY = '/EnrollmentServer/Policy.svc';
const ENROLLMENT = '/EnrollmentServer/Enrollment.svc';

const SOAP = { 'content-type': 'application/soap+xml; charset=utf-8' };
const SYNCML = { 'content-type': 'application/vnd.syncml.dm+xml' };

let lastAddress = 0;
/** From an address of its own, so that no test is slowed down for another. */
function enrollCall(path: string, body: string | Buffer, options: RawOptions = {}): Promise<RawReply> {
  lastAddress += 1;
  const { enrollUrl, tlsRoot } = lanyard().local;
  const url = enrollUrl.replace('localhost', '127.0.0.1') + path;
  return send(url, { ca: tlsRoot, localAddress: `127.6.1.${lastAddress}`, headers: SOAP, body, ...options });
}

const discover = (machine: Partial<Machine> = {}, email = 'kim@example.org') =>
  discoverRequest(
    newMachine('PC', machine),
    email,
    'https://mdm.example.org/EnrollmentServer/Discovery.svc',
  ).toString();

const policies = () => getPoliciesRequest({ kind: 'password', user: 'kim@example.org', secret: '' }, 'https://e.org/P');

async function token(parts: Partial<Parameters<typeof tokenRequest>[0]> = {}): Promise<RawReply> {
  const { user, secret } = await lanyard().invite();
  return enrollCall(ENROLLMENT, tokenRequest({ user, secret, ...parts }));
}

interface Caller {
  id: string;
  deviceId: string;
  key: string;
  cert: string;
}

/** A PC that has enrolled and whose key and certificate are at hand. */
async function caller(machine: Partial<Machine> = {}): Promise<Caller> {
  lastAddress += 1;
  const folder = join(lanyard().folder, `caller-${lastAddress}`);
  const { device, id } = await lanyard().enrolledDevice({ folder, machine });
  const file = (name: string) => readFile(join(folder, name), 'utf8');
  const [key, cert] = [await file('client-key.pem'), await file('client-certificate.pem')];
  return { id, deviceId: device.machine.deviceId, key, cert };
}

function manage({ key, cert }: Partial<Caller>, body: string): Promise<RawReply> {
  const { manageUrl, tlsRoot } = lanyard().local;
  const url = `${manageUrl}/ManagementServer/MDM.svc?mode=Maintenance&Platform=WoA`;
  return send(url, { ca: tlsRoot, key, cert, headers: SYNCML, body });
}

const LOGIN = '<Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data>';
const DEV_INFO = '<Item><Source><LocURI>./DevInfo/DevId</LocURI></Source><Data>D1</Data></Item>';
/** The body of package 1; its CmdIDs begin at 2. */
const PACKAGE_1 = `<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224</Data><Item>${LOGIN}</Item></Alert><Replace><CmdID>4</CmdID>${DEV_INFO}</Replace>`;

const message = (pc: Caller, sessionId: string, msgId: number, body: string) =>
  firstMessage({ source: pc.deviceId, sessionId, msgId: String(msgId), body });

/** Status 200 for the server's header, and a code for each of its commands. */
function answers(reply: string, msgRef: number, code: number): string {
  const refs = [...reply.matchAll(/<(Get|Add|Replace|Delete|Exec)><CmdID>(\d+)</g)];
  const status = (cmdId: number, cmdRef: string, cmd: string, data: number) =>
    `<Status><CmdID>${cmdId}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${cmdRef}</CmdRef><Cmd>${cmd}</Cmd><Data>${data}</Data></Status>`;
  return [
    status(1, '0', 'SyncHdr', 200),
    ...refs.map(([, verb = '', ref = ''], n) => status(n + 2, ref, verb, code)),
  ].join('');
}

/** One session to its end, after which the server has read what it wants to know of a PC. */
async function settleFacts(pc: Caller): Promise<void> {
  const { body } = await manage(pc, message(pc, '1', 1, PACKAGE_1));
  await manage(pc, message(pc, '1', 2, answers(body, 1, 404)));
}

describe('every reply', () => {
  const enrollment: [string, () => Promise<RawReply>, number][] = [
    ['a Discover', () => enrollCall(DISCOVERY, discover()), 200],
    ['a Discover that cannot be read', () => enrollCall(DISCOVERY, '<a/>'), 500],
    ['a GetPolicies', () => enrollCall(POLICY, policies()), 200],
    ['a RequestSecurityToken', () => token(), 200],
    ['a refused RequestSecurityToken', () => token({ secret: 'wrong' }), 500],
  ];

  test.each(enrollment)('to %s is one SOAP message with its length, not in chunks', async (_, call, status) => {
    const { headers, body, ...reply } = await call();
    expect(reply.status).toBe(status);
    expect(headers['content-type']).toBe('application/soap+xml; charset=utf-8');
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
    expect(headers['transfer-encoding']).toBeUndefined();
    expect(body).toMatch(/^<s:Envelope xmlns:s="http:\/\/www\.w3\.org\/2003\/05\/soap-envelope"/);
  });

  test('to the probe is an empty 200', async () => {
    const { status, headers, body } = await enrollCall(DISCOVERY, '', { method: 'GET' });
    expect([status, body, headers['content-length']]).toEqual([200, '', '0']);
  });

  test('of management has the media type that DEFAULTENCODING names, and its length', async () => {
    const pc = await caller();
    const { headers, body } = await manage(pc, message(pc, '1', 1, PACKAGE_1));
    expect(headers['content-type']).toBe('application/vnd.syncml.dm+xml');
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
    expect(headers['transfer-encoding']).toBeUndefined();
  });

  test('to a caller without a certificate is an empty 403', async () => {
    const { status, headers, body } = await manage({}, firstMessage());
    expect([status, body, headers['content-length']]).toEqual([403, '', '0']);
  });
});

describe('a DiscoverResponse', () => {
  test('has what the client looks for under the namespace it knows, and no sign-in address', async () => {
    const { body } = await enrollCall(DISCOVERY, discover());
    const namespace = 'http://schemas.microsoft.com/windows/management/2012/01/enrollment';
    expect(body).toContain(`<a:Action s:mustUnderstand="1">${namespace}/IDiscoveryService/DiscoverResponse</a:Action>`);
    expect(body).toContain('<a:RelatesTo>urn:uuid:748132ec-a575-4329-b01b-6171a9cf8478</a:RelatesTo>');
    const { enrollUrl } = lanyard().local;
    expect(body).toContain(
      `<DiscoverResponse xmlns="${namespace}"><DiscoverResult><AuthPolicy>OnPremise</AuthPolicy><EnrollmentVersion>4.0</EnrollmentVersion><EnrollmentPolicyServiceUrl>${enrollUrl}${POLICY}</EnrollmentPolicyServiceUrl><EnrollmentServiceUrl>${enrollUrl}${ENROLLMENT}</EnrollmentServiceUrl></DiscoverResult></DiscoverResponse>`,
    );
  });

  test.each([
    ['3.0', '3.0'],
    ['4.0', '4.0'],
    ['5.0', '4.0'],
    ['9.0', '4.0'],
    ['10.0', '4.0'],
  ])('to a client that speaks %s answers %s', async (requestVersion, answered) => {
    const { body } = await enrollCall(DISCOVERY, discover({ requestVersion }));
    expect(body).toContain(`<EnrollmentVersion>${answered}</EnrollmentVersion>`);
  });

  test.each([
    ['without an e-mail address', () => discover({}, '')],
    ['without AuthPolicies', () => discover().replace(/<AuthPolicies>.*<\/AuthPolicies>/, '')],
    [
      'that offers nothing of ours',
      () =>
        discover().replace(
          /<AuthPolicies>.*<\/AuthPolicies>/,
          '<AuthPolicies><AuthPolicy>Other</AuthPolicy></AuthPolicies>',
        ),
    ],
    ['of the namespace with a slash at its end', () => discover().replace('01/enrollment"', '01/enrollment/"')],
  ])('is given to a Discover %s', async (_, request) => {
    const { status, body } = await enrollCall(DISCOVERY, request());
    expect([status, /<AuthPolicy>[^<]*/.exec(body)?.[0]]).toEqual([200, '<AuthPolicy>OnPremise']);
  });
});

test('a GetPoliciesResponse names SHA-256 by the first oIDReferenceID and the first value, which are all that Windows finds', async () => {
  const { body } = await enrollCall(POLICY, policies());
  const first = (name: string) => new RegExp(`<${name}>([^<]*)`).exec(body)?.[1];
  expect(first('oIDReferenceID')).toBe(first('hashAlgorithmOIDReference'));
  expect(first('value')).toBe('2.16.840.1.101.3.4.2.1');
  expect(first('minimalKeyLength')).toBe('2048');
  expect(first('policySchema')).toBe('3');
  expect(body).toMatch(/<s:Body xmlns:xsi="http:\/\/www\.w3\.org\/2001\/XMLSchema-instance"/);
});

/** The provisioning document out of a reply, with line-free base64 on the way. */
function documentOf({ body }: RawReply): string {
  const base64 = /DeviceEnrollmentProvisionDoc"[^>]*>([A-Za-z0-9+/]+={0,2})</.exec(body)?.[1] ?? '';
  return Buffer.from(base64, 'base64').toString();
}

/** Every characteristic and parm in order; what differs from device to device is named instead of shown. */
function outline(document: string): string[] {
  const id = /name="EntDMID" value="([^"]*)"/.exec(document)?.[1] ?? '?';
  return [...document.matchAll(/<(\/?)(characteristic|parm)([^>]*?)(\/?)>/g)].map(([, end, name, attributes = '']) => {
    const shown = attributes
      .trim()
      .replaceAll(id, 'ID')
      .replace(/type="[0-9A-F]{40}"/, 'type="SHA1"')
      .replace(/(EncodedCertificate" value)="[A-Za-z0-9+/]+={0,2}"/, '$1="DER"')
      .replace(/(AAUTHSECRET" value)="[A-Za-z0-9_-]{43}"/, '$1="32 BYTES"')
      .replace(/(AAUTHDATA" value)="[A-Za-z0-9+/]{22}=="/, '$1="16 BYTES"')
      .replace(lanyard().local.manageUrl, 'MANAGE');
    return name === 'parm' ? `parm ${shown}` : end ? 'end' : shown;
  });
}

describe.each([
  { enrollmentType: 'Full', store: 'User', upn: ['parm name="UPN" value="kim@example.org" datatype="string"'] },
  { enrollmentType: 'Device', store: 'System', upn: [] },
])('the provisioning document of an enrollment of type $enrollmentType', ({ enrollmentType, store, upn }) => {
  test('is this and nothing else', async () => {
    const document = documentOf(await token({ enrollmentType }));
    expect(document.startsWith('<wap-provisioningdoc version="1.1">')).toBe(true);
    const certificate = ['type="SHA1"', 'parm name="EncodedCertificate" value="DER"', 'end'];
    const appAuth = (level: string, name: string) => [
      'type="APPAUTH"',
      `parm name="AAUTHLEVEL" value="${level}"`,
      'parm name="AAUTHTYPE" value="DIGEST"',
      `parm name="AAUTHNAME" value="${name}"`,
      'parm name="AAUTHSECRET" value="32 BYTES"',
      'parm name="AAUTHDATA" value="16 BYTES"',
      'end',
    ];
    expect(outline(document)).toEqual([
      'type="CertificateStore"',
      ...['type="Root"', 'type="System"', ...certificate, 'end', 'end'],
      ...['type="CA"', 'type="System"', ...certificate, 'end', 'end'],
      ...['type="My"', `type="${store}"`, ...certificate, 'type="PrivateKeyContainer"', 'end'],
      ...['type="WSTEP"', 'type="Renew"'],
      'parm name="ROBOSupport" value="true" datatype="boolean"',
      'parm name="RenewPeriod" value="60" datatype="integer"',
      'parm name="RetryInterval" value="4" datatype="integer"',
      ...['end', 'end', 'end', 'end'],
      'type="APPLICATION"',
      'parm name="APPID" value="w7"',
      'parm name="PROVIDER-ID" value="Lanyard"',
      'parm name="NAME" value="Lanyard"',
      'parm name="ADDR" value="MANAGE/ManagementServer/MDM.svc"',
      'parm name="PROTOVER" value="1.2"',
      'parm name="CONNRETRYFREQ" value="6"',
      'parm name="INITIALBACKOFFTIME" value="30000"',
      'parm name="MAXBACKOFFTIME" value="120000"',
      'parm name="BACKCOMPATRETRYDISABLED"',
      'parm name="DEFAULTENCODING" value="application/vnd.syncml.dm+xml"',
      `parm name="SSLCLIENTCERTSEARCHCRITERIA" value="Subject=CN%3DID&amp;Stores=My%5C${store}"`,
      ...appAuth('APPSRV', 'ID'),
      ...appAuth('CLIENT', 'Lanyard'),
      'end',
      ...['type="DMClient"', 'type="Provider"', 'type="Lanyard"'],
      ...upn,
      'parm name="EntDeviceName" value="RAW-PC" datatype="string"',
      'parm name="EntDMID" value="ID" datatype="string"',
      'type="Poll"',
      'parm name="NumberOfFirstRetries" value="5" datatype="integer"',
      'parm name="IntervalForFirstSetOfRetries" value="15" datatype="integer"',
      'parm name="NumberOfSecondRetries" value="10" datatype="integer"',
      'parm name="IntervalForSecondSetOfRetries" value="60" datatype="integer"',
      'parm name="NumberOfRemainingScheduledRetries" value="0" datatype="integer"',
      'parm name="IntervalForRemainingScheduledRetries" value="480" datatype="integer"',
      'parm name="PollOnLogin" value="true" datatype="boolean"',
      ...['end', 'end', 'end', 'end'],
    ]);
  });

  test('has a chain that holds, under its SHA-1 in upper case, for a PC whose clock is nine minutes slow', async () => {
    const document = documentOf(await token({ enrollmentType }));
    const nodes = [...document.matchAll(/type="([0-9A-F]{40})"><parm name="EncodedCertificate" value="([^"]*)"/g)].map(
      ([, sha1, der = '']) => ({ sha1, x509: new X509Certificate(Buffer.from(der, 'base64')) }),
    );
    expect(nodes).toHaveLength(3);
    const slow = lanyard().now().getTime() - 9 * 60_000;
    for (const { sha1, x509 } of nodes) {
      expect(sha1).toBe(createHash('sha1').update(x509.raw).digest('hex').toUpperCase());
      expect(Date.parse(x509.validFrom)).toBeLessThan(slow);
    }
    const [root, issuing, leaf] = nodes.map(({ x509 }) => x509) as [X509Certificate, X509Certificate, X509Certificate];
    expect([leaf.verify(issuing.publicKey), issuing.verify(root.publicKey), root.verify(root.publicKey)]).toEqual([
      true,
      true,
      true,
    ]);
    const search = decodeURIComponent(/Subject=([^&]*)/.exec(document)?.[1] ?? '');
    expect(leaf.subject).toBe(search);
  });
});

describe('a refusal', () => {
  test.each([
    ['a wrong secret', { secret: 'wrong' }, '0x80180002'],
    ['no credential', { security: '' }, '0x80180007'],
    ['a certificate request that is none', { csr: 'AAAA' }, '0x80180004'],
    ['no DeviceID', { deviceId: '' }, '0x80180019'],
    ['an enrollment of another product', { enrollmentType: 'AppManagement' }, '0x80180015'],
    ['an action of another message', { action: 'urn:other' }, '0x80180001'],
  ])('for %s is shown with its code and a TraceId', async (_, parts, hresult) => {
    const { status, body } = await token(parts);
    expect(body).toContain('<s:Text xml:lang="en-US">');
    expect(body).toMatch(/<DeviceEnrollmentServiceError xmlns="[^"]*"><ErrorType>\w+<\/ErrorType><Message>/);
    expect(body).toContain('<a:RelatesTo>urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749</a:RelatesTo>');
    expect(faultError(Buffer.from(body), status, 'token')).toMatchObject({ hresult, traceId: expect.any(String) });
  });

  test.each([
    ['a Discover', () => enrollCall(DISCOVERY, discover())],
    ['a GetPolicies', () => enrollCall(POLICY, policies())],
  ])('of the server itself, to %s, is a fault: an empty message has a code of its own', async (_, call) => {
    lanyard().pass({ minutes: 2 });
    observeStorage(() => {
      throw new Error('a right is missing');
    });
    const { status, body } = await call();
    observeStorage(undefined);
    expect(body).not.toContain('a right is missing');
    expect(faultError(Buffer.from(body), status, 'discover')).toMatchObject({
      hresult: '0x80180006',
      traceId: expect.any(String),
    });
    expect(lanyard().logs.some((line) => line.includes('a right is missing'))).toBe(true);
  });

  test('past the limit of an address still says what was wrong, since an empty reply has a code of its own', async () => {
    const localAddress = '127.6.2.1';
    const wrong = () =>
      enrollCall(ENROLLMENT, tokenRequest({ user: 'kim@example.org', secret: 'wrong' }), { localAddress });
    for (let attempt = 1; attempt <= 20; attempt += 1) await wrong();
    const { status, headers, body } = await wrong();
    expect([status, headers['retry-after']]).toEqual([429, expect.stringMatching(/^\d{1,4}$/)]);
    expect(headers['content-type']).toBe('application/soap+xml; charset=utf-8');
    expect(faultError(Buffer.from(body), status, 'token')).toMatchObject({
      hresult: '0x80180002',
      traceId: expect.any(String),
    });
  });
});

describe('a management session', () => {
  const header = (pc: Caller, sessionId: string, msgId: number) =>
    `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${sessionId}</SessionID><MsgID>${msgId}</MsgID><Target><LocURI>${pc.deviceId}</LocURI></Target><Source><LocURI>https://localhost/ManagementServer/MDM.svc</LocURI></Source></SyncHdr><SyncBody>`;
  const headerStatus = (pc: Caller, msgRef: number) =>
    `<Status><CmdID>1</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><TargetRef>https://localhost/ManagementServer/MDM.svc</TargetRef><SourceRef>${pc.deviceId}</SourceRef><Data>200</Data></Status>`;
  const status = (cmdId: number, msgRef: number, cmdRef: number, cmd: string) =>
    `<Status><CmdID>${cmdId}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${cmdRef}</CmdRef><Cmd>${cmd}</Cmd><Data>200</Data></Status>`;
  /** What answers package 1 before any command: CmdIDs 1 to 4. */
  const opened = (pc: Caller, sessionId: string) =>
    header(pc, sessionId, 1) +
    headerStatus(pc, 1) +
    status(2, 1, 2, 'Alert') +
    status(3, 1, 3, 'Alert') +
    status(4, 1, 4, 'Replace');
  const END = '<Final/></SyncBody></SyncML>';
  const get = (cmdId: number, target: string) =>
    `<Get><CmdID>${cmdId}</CmdID><Item><Target><LocURI>${target}</LocURI></Target></Item></Get>`;
  const meta = (format: string, type = '') =>
    `<Meta><Format xmlns="syncml:metinf">${format}</Format>${type && `<Type xmlns="syncml:metinf">${type}</Type>`}</Meta>`;

  test('with nothing to do ends by Statuses and Final, the header without Meta, Cred or RespURI', async () => {
    const pc = await caller();
    await settleFacts(pc);
    const { body } = await manage(pc, message(pc, '2', 1, PACKAGE_1));
    expect(body).toBe(opened(pc, '2') + END);
  });

  test('carries each verb and format as Windows reads it, every item under a CmdID of its own', async () => {
    const pc = await caller();
    await settleFacts(pc);
    const POLICY_NODE = './Device/Vendor/MSFT/Policy/Config/A/B';
    await lanyard().post(`/api/devices/${pc.id}/commands`, [
      { verb: 'Get', items: [{ target: './DevDetail/SwV' }, { target: './DevDetail/FwV' }] },
      {
        verb: 'Replace',
        target: POLICY_NODE,
        data: '<data value="a&b"/>\r\n\uF000',
        format: 'chr',
        type: 'text/plain',
      },
      { verb: 'Add', target: './Device/Vendor/MSFT/Accounts/Users/kim/LocalUserGroup', data: '2', format: 'int' },
      { verb: 'Delete', target: POLICY_NODE },
      { verb: 'Exec', target: './Device/Vendor/MSFT/Reboot/RebootNow' },
      { verb: 'Replace', target: './User/Vendor/MSFT/Policy/Config/A/B', data: 'true', format: 'bool' },
    ]);
    const { body } = await manage(pc, message(pc, '2', 1, PACKAGE_1));
    const item = (target: string, rest = '') => `<Item><Target><LocURI>${target}</LocURI></Target>${rest}</Item>`;
    expect(body).toBe(
      opened(pc, '2') +
        get(5, './DevDetail/SwV') +
        get(6, './DevDetail/FwV') +
        `<Replace><CmdID>7</CmdID>${item(POLICY_NODE, `${meta('chr', 'text/plain')}<Data>&lt;data value=&quot;a&amp;b&quot;/&gt;&#xD;\n\uF000</Data>`)}</Replace>` +
        `<Add><CmdID>8</CmdID>${item('./Device/Vendor/MSFT/Accounts/Users/kim/LocalUserGroup', `${meta('int')}<Data>2</Data>`)}</Add>` +
        `<Delete><CmdID>9</CmdID>${item(POLICY_NODE)}</Delete>` +
        `<Exec><CmdID>10</CmdID>${item('./Device/Vendor/MSFT/Reboot/RebootNow')}</Exec>` +
        `<Replace><CmdID>11</CmdID>${item('./User/Vendor/MSFT/Policy/Config/A/B', `${meta('bool')}<Data>true</Data>`)}</Replace>` +
        END,
    );
  });

  test('asks for the rest of a package without Final, and says nothing new before it has come', async () => {
    const pc = await caller();
    const part = message(pc, '1', 1, PACKAGE_1).replace('<Final/>', '');
    const { body } = await manage(pc, part);
    expect(body).toBe(`${opened(pc, '1')}<Alert><CmdID>5</CmdID><Data>1222</Data></Alert></SyncBody></SyncML>`);
    const next = '<Alert><CmdID>1</CmdID><Data>1222</Data></Alert>';
    const second = (await manage(pc, message(pc, '1', 2, next))).body;
    const acknowledged = header(pc, '1', 2) + headerStatus(pc, 2) + status(2, 2, 1, 'Alert');
    expect(second.startsWith(acknowledged + get(3, './DevDetail/SwV'))).toBe(true);
    expect(second.endsWith(END)).toBe(true);
  });

  test('that the device aborts gets Statuses and nothing more', async () => {
    const pc = await caller();
    await manage(pc, message(pc, '1', 1, PACKAGE_1));
    const { body } = await manage(pc, message(pc, '1', 2, '<Alert><CmdID>1</CmdID><Data>1223</Data></Alert>'));
    expect(body).toBe(header(pc, '1', 2) + headerStatus(pc, 2) + status(2, 2, 1, 'Alert') + END);
  });

  test('of a SessionID that has come round again is a new one', async () => {
    const pc = await caller();
    await settleFacts(pc);
    lanyard().pass({ days: 1 });
    await lanyard().queue(pc.id, 'Get', './DevDetail/SwV');
    const { body } = await manage(pc, message(pc, '1', 1, PACKAGE_1));
    // A day after the enrollment the inventory is due too, and comes behind the queue.
    expect(body.startsWith(opened(pc, '1') + get(5, './DevDetail/SwV'))).toBe(true);
    expect(body.endsWith(END)).toBe(true);
  });

  test('of a PC that was reset and enrolled again shares nothing with the one it left open', async () => {
    const before = await caller();
    await settleFacts(before);
    await lanyard().queue(before.id, 'Get', './DevDetail/SwV');
    const bytes = message(before, '1', 1, PACKAGE_1);
    await manage(before, bytes);
    const after = await caller({ deviceId: before.deviceId });
    const { body } = await manage(after, bytes);
    expect(body.startsWith(`${opened(after, '1')}${get(5, './DevDetail/SwV')}${get(6, './DevDetail/FwV')}`)).toBe(true);
    const old = await lanyard().get(`/api/devices/${before.id}/commands/000000000001`);
    await manage(after, message(after, '1', 2, answers(body, 1, 404)));
    expect(await lanyard().get(`/api/devices/${before.id}/commands/000000000001`)).toEqual(old);
  });

  test('ends the enrollment by one Exec with the PROVIDER-ID, after the join was read', async () => {
    const pc = await caller();
    await settleFacts(pc);
    await lanyard().post(`/api/devices/${pc.id}/unenroll`);
    const gate = (await manage(pc, message(pc, '2', 1, PACKAGE_1))).body;
    const provider = './Vendor/MSFT/DMClient/Provider/Lanyard';
    expect(gate).toBe(
      opened(pc, '2') + get(5, `${provider}/AADDeviceID`) + get(6, './Vendor/MSFT/DeviceStatus/DomainName') + END,
    );
    const { body } = await manage(pc, message(pc, '2', 2, answers(gate, 1, 404)));
    expect(body).toBe(
      `${header(pc, '2', 2)}${headerStatus(pc, 2)}<Exec><CmdID>2</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll</LocURI></Target>${meta('chr')}<Data>Lanyard</Data></Item></Exec>${END}`,
    );
  });
});
