import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DeviceError } from '../../../local/device/errors.ts';
import { readProvisioningDocument } from '../../../local/device/provisioning-reader.ts';
import { CLIENT_AUTHENTICATION, issue, SERVER_AUTHENTICATION, sha1 } from './certificates.ts';
import { newAuthority, newLeaf, provisioningDocument } from './documents.ts';

const authority = newAuthority();
const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const enrollmentId = '0b5f3f0e-6f0c-4a4e-9f33-3f6d9b9a1c11';
const managementUrl = 'https://mdm.contoso.example/ManagementServer/MDM.svc';
const leaf = newLeaf(authority, enrollmentId, publicKey);
const good = provisioningDocument({ authority, leaf, enrollmentId, managementUrl });
const expected = { enrollmentType: 'Full' as const, publicKey, now: new Date() };

const read = (text: string, changes: Partial<typeof expected> = {}) =>
  readProvisioningDocument(text, { ...expected, ...changes });

function failure(text: string, changes: Partial<Parameters<typeof readProvisioningDocument>[1]> = {}): DeviceError {
  try {
    readProvisioningDocument(text, { ...expected, ...changes });
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
  throw new Error('the document was taken');
}

/** The good document with one thing changed; the change must hit. */
function changed(from: string | RegExp, to: string): string {
  const text = good.replace(from, to);
  if (text === good) throw new Error(`nothing to change: ${from}`);
  return text;
}

const withLeaf = (der: Buffer) => provisioningDocument({ authority, leaf: der, enrollmentId, managementUrl });

describe('a good provisioning document', () => {
  test('is read without a remark', () => {
    const provisioned = read(good);
    expect(provisioned.remarks).toEqual([]);
    expect(provisioned.certificates).toMatchObject({ store: 'My\\User', renewPeriod: 60, retryInterval: 4 });
    expect(provisioned.account).toMatchObject({
      providerId: 'Test',
      managementUrl,
      appsrv: { name: enrollmentId, secret: 'device-secret', type: 'DIGEST' },
      search: { subjects: [`CN=${enrollmentId}`], stores: ['My\\User'] },
    });
    expect(provisioned.client).toMatchObject({ entDmId: enrollmentId, upn: 'ann@contoso.example' });
    expect(provisioned.client.poll).toEqual([
      { interval: 15, count: 5 },
      { interval: 60, count: 10 },
      { interval: 480, count: 0 },
    ]);
  });

  test('for an enrollment of type Device has its certificate in My/System', () => {
    const device = changed('<characteristic type="User">', '<characteristic type="System">')
      .replace('My%5CUser', 'My%5CSystem')
      .replace(/<parm name="UPN"[^>]*>/, '');
    const provisioned = readProvisioningDocument(device, { ...expected, enrollmentType: 'Device' });
    expect(provisioned.certificates.store).toBe('My\\System');
  });

  test('may come without an intermediate CA, when the root has issued the leaf', () => {
    const direct = issue({ subject: enrollmentId, publicKey, issuer: authority.root, usages: [CLIENT_AUTHENTICATION] });
    const text = withLeaf(direct).replace(
      /<characteristic type="CA">.*?<\/characteristic><\/characteristic><\/characteristic>/,
      '',
    );
    expect(read(text).certificates.issuing).toEqual([]);
  });
});

describe('the document as a whole', () => {
  test.each([
    ['is no XML', good.slice(0, -5), '0x80180023'],
    ['has a document type', `<!DOCTYPE x>${good}`, '0x80180023'],
    ['has another root', good.replaceAll('wap-provisioningdoc', 'wap-ProvisioningDoc'), '0x80180023'],
    ['is of another version', changed('version="1.1"', 'version="1.0"'), '0x80180023'],
    ['has an ampersand that is not escaped', changed('&amp;', '&'), '0x80180023'],
    [
      'has a parameter twice',
      changed('<parm name="APPID" value="w7"/>', '<parm name="APPID" value="w7"/><parm name="APPID" value="w7"/>'),
      '0x80180023',
    ],
    ['has white space round a value', changed('value="Test"', 'value=" Test"'), '0x80180023'],
    [
      'has no APPLICATION',
      changed(/<characteristic type="APPLICATION">.*?(?=<characteristic type="DMClient">)/, ''),
      '0x8018001F',
    ],
    ['has no DMClient', changed(/<characteristic type="DMClient">.*(?=<\/wap)/, ''), '0x80180020'],
  ])('is refused when it %s', (_, text, hresult) => {
    expect(failure(text).hresult).toBe(hresult);
  });

  test.each(['RootCATrustedCertificates', 'Policy', 'Registry', 'certificatestore'])(
    'ends in event 56 over a top-level %s',
    (csp) => {
      const error = failure(changed('</wap-provisioningdoc>', `<characteristic type="${csp}"/></wap-provisioningdoc>`));
      expect(error).toMatchObject({ hresult: '0x83750005', event: { id: 56, hresult: '0x83750005' } });
    },
  );
});

describe('the certificates', () => {
  const { publicKey: otherKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const stranger = newAuthority();
  const day = 86_400_000;
  const wish = { subject: enrollmentId, publicKey, issuer: authority.issuing, usages: [CLIENT_AUTHENTICATION] };
  test.each([
    ['a node name in lower case', changed(new RegExp(sha1(leaf)), sha1(leaf).toLowerCase())],
    ['a node name that is of another certificate', changed(sha1(leaf), sha1(authority.rootDer))],
    [
      'base64 with a line feed',
      changed(leaf.toString('base64').slice(0, 64), `${leaf.toString('base64').slice(0, 64)}\n`),
    ],
    ['a store name in another case', changed('<characteristic type="Root">', '<characteristic type="ROOT">')],
    [
      'Root/system',
      changed(
        '<characteristic type="Root"><characteristic type="System">',
        '<characteristic type="Root"><characteristic type="system">',
      ),
    ],
    ['no root', changed(/<characteristic type="Root">.*?(?=<characteristic type="CA">)/, '')],
    [
      'no intermediate CA although one has issued',
      changed(/<characteristic type="CA">.*?(?=<characteristic type="My">)/, ''),
    ],
    ['the client certificate under Device', changed('<characteristic type="User">', '<characteristic type="Device">')],
    ['a certificate for another key', withLeaf(newLeaf(authority, enrollmentId, otherKey))],
    ['a certificate of another CA', withLeaf(newLeaf(stranger, enrollmentId, publicKey))],
    ['a certificate for servers', withLeaf(issue({ ...wish, usages: [SERVER_AUTHENTICATION] }))],
    ['a certificate without extended key usage', withLeaf(issue({ ...wish, usages: undefined }))],
    ['a certificate that is a CA', withLeaf(issue({ ...wish, ca: true }))],
    ['a certificate that has ended', withLeaf(issue({ ...wish, notAfter: new Date(Date.now() - day) }))],
    ['a certificate that has not begun', withLeaf(issue({ ...wish, notBefore: new Date(Date.now() + day) }))],
    [
      'RenewPeriod without datatype',
      changed('value="60" datatype="integer"/><parm name="RetryInterval"', 'value="60"/><parm name="RetryInterval"'),
    ],
    ['RenewPeriod of 0', changed('name="RenewPeriod" value="60"', 'name="RenewPeriod" value="0"')],
    ['RetryInterval above RenewPeriod', changed('name="RetryInterval" value="4"', 'name="RetryInterval" value="61"')],
    ['the name RenewalPeriod', changed('RenewPeriod', 'RenewalPeriod')],
    [
      'ROBOSupport as a string',
      changed(
        'value="true" datatype="boolean"/><parm name="RenewPeriod"',
        'value="true" datatype="string"/><parm name="RenewPeriod"',
      ),
    ],
  ])('fail with 0x8018001E over %s', (_, text) => {
    expect(failure(text).hresult).toBe('0x8018001E');
  });

  test('in My/User fail in an enrollment of type Device', () => {
    expect(failure(good, { enrollmentType: 'Device' }).hresult).toBe('0x8018001E');
  });

  test('must be valid at the time of the device', () => {
    expect(failure(good, { now: new Date(Date.now() + 400 * day) }).hresult).toBe('0x8018001E');
  });

  test('are taken without PrivateKeyContainer, with a remark', () => {
    const text = changed('<characteristic type="PrivateKeyContainer"/>', '');
    expect(read(text).remarks).toEqual(['My/User/PrivateKeyContainer is missing']);
  });

  test.each([
    ['another subject', changed('CN%3D', 'CN%3Dx')],
    ['a part of the subject', changed(`CN%3D${enrollmentId}`, `CN%3D${enrollmentId.slice(0, 8)}`)],
    ['another store', changed('My%5CUser', 'My%5CSystem')],
    ['a store in another case', changed('My%5CUser', 'MY%5CUser')],
  ])('are not found by search criteria with %s', (_, text) => {
    expect(failure(text).hresult).toBe('0x80180024');
  });
});

describe('the account', () => {
  test.each([
    ['a parameter in lower case', changed('name="ADDR"', 'name="addr"')],
    ['another APPID', changed('value="w7"', 'value="w5"')],
    ['no PROVIDER-ID', changed('<parm name="PROVIDER-ID" value="Test"/>', '')],
    ['an address without TLS', changed(`name="ADDR" value="https:`, `name="ADDR" value="http:`)],
    ['WBXML', changed('vnd.syncml.dm+xml', 'vnd.syncml.dm+wbxml')],
    ['search criteria without Stores', changed('&amp;Stores=My%5CUser', '')],
    ['search criteria escaped twice', changed('&amp;', '&amp;amp;')],
  ])('fails with 0x8018001F over %s', (_, text) => {
    expect(failure(text).hresult).toBe('0x8018001F');
  });

  const auth = (level: string) =>
    new RegExp(`<characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="${level}"/>.*?</characteristic>`);
  const data = (level: string) => new RegExp(`(value="${level}"/>.*?)<parm name="AAUTHDATA" value="[^"]*"/>`);
  test.each([
    ['the nonce of APPSRV is missing', changed(data('APPSRV'), '$1')],
    [
      'the nonce of CLIENT is missing',
      good.replace(/(value="CLIENT"\/>.*?)<parm name="AAUTHDATA" value="[^"]*"\/>/, '$1'),
    ],
    ['a nonce is no base64', changed(data('APPSRV'), '$1<parm name="AAUTHDATA" value="-nonce-"/>')],
    ['APPSRV is missing', changed(auth('APPSRV'), '')],
    ['CLIENT is missing', changed(auth('CLIENT'), '')],
    [
      'CLIENT is BASIC',
      changed(
        'value="CLIENT"/><parm name="AAUTHTYPE" value="DIGEST"',
        'value="CLIENT"/><parm name="AAUTHTYPE" value="BASIC"',
      ),
    ],
    ['APPSRV has no name', changed(`<parm name="AAUTHNAME" value="${enrollmentId}"/>`, '')],
    ['there is an INIT', changed('<parm name="APPID"', '<parm name="INIT"/><parm name="APPID"')],
  ])('is not configured (event 17, shown as 0x80180023) when %s', (_, text) => {
    expect(failure(text)).toMatchObject({ hresult: '0x80180023', event: { id: 17, hresult: '0x80070057' } });
  });

  test('is taken with the CLIENT credential first', () => {
    const [appsrv, client] = [good.match(auth('APPSRV'))?.[0] ?? '', good.match(auth('CLIENT'))?.[0] ?? ''];
    expect(read(changed(appsrv + client, client + appsrv)).account.appsrv.name).toBe(enrollmentId);
  });

  test('without search criteria is taken, with a remark that no certificate will be shown', () => {
    const text = changed(/<parm name="SSLCLIENTCERTSEARCHCRITERIA"[^>]*>/, '');
    expect(read(text).remarks).toEqual([expect.stringContaining('no client certificate')]);
  });
});

describe('the DM client', () => {
  test.each([
    ['another provider than the account', changed('<characteristic type="Test">', '<characteristic type="Other">')],
    [
      'EntDMID without datatype',
      changed(
        `value="${enrollmentId}" datatype="string"/><characteristic type="Poll"`,
        `value="${enrollmentId}"/><characteristic type="Poll"`,
      ),
    ],
    ['a Poll value that is a string', changed('value="15" datatype="integer"', 'value="15" datatype="string"')],
    ['a Poll value that is no number', changed('value="15" datatype="integer"', 'value="soon" datatype="integer"')],
    ['PollOnLogin as True', changed('name="PollOnLogin" value="true"', 'name="PollOnLogin" value="True"')],
    [
      'a Push node',
      changed(
        '<characteristic type="Poll">',
        '<characteristic type="Push"><parm name="PFN" value="x" datatype="string"/></characteristic><characteristic type="Poll">',
      ),
    ],
    ['an unknown node', changed('EntDeviceName', 'EntDeviceLabel')],
    [
      'three counts of 0',
      good.replace('value="5" datatype', 'value="0" datatype').replace('value="10" datatype', 'value="0" datatype'),
    ],
  ])('fails with 0x80180020 over %s', (_, text) => {
    expect(failure(text).hresult).toBe('0x80180020');
  });

  test('lets the first schedule without an end win, with a remark', () => {
    const provisioned = read(changed('value="10" datatype', 'value="0" datatype'));
    expect(provisioned.client.poll).toEqual([
      { interval: 15, count: 5 },
      { interval: 60, count: 0 },
    ]);
    expect(provisioned.remarks).toEqual([expect.stringContaining('480 minutes never begins')]);
  });

  test('adds a daily poll where no schedule is without an end', () => {
    const provisioned = read(
      changed(
        'name="NumberOfRemainingScheduledRetries" value="0"',
        'name="NumberOfRemainingScheduledRetries" value="3"',
      ),
    );
    expect(provisioned.client.poll.at(-1)).toEqual({ interval: 1440, count: 0 });
  });

  test('without EntDMID is taken, with a remark about renewal', () => {
    expect(read(changed(/<parm name="EntDMID"[^>]*>/, '')).remarks).toEqual([expect.stringContaining('renewed')]);
  });
});
