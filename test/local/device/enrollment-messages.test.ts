import { describe, expect, test } from 'vitest';
import { findCertificate, parseSearchCriteria } from '../../../local/device/certificate-search.ts';
import { md5Credential } from '../../../local/device/digest.ts';
import { readDiscoverResponse } from '../../../local/device/discovery.ts';
import { discoveryAddress, signInAddress } from '../../../local/device/enrollment-client.ts';
import { DeviceError } from '../../../local/device/errors.ts';
import { readRetryAfter } from '../../../local/device/http-client.ts';
import { newMachine } from '../../../local/device/machine.ts';
import { readPolicies } from '../../../local/device/policy.ts';
import { contextItems, readTokenResponse } from '../../../local/device/security-token.ts';
import { issue, newIssuer, pem } from './certificates.ts';
import { discoverResponse, policiesResponse, tokenResponse } from './documents.ts';

function hresult(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof DeviceError) return error.hresult;
    throw error;
  }
  return 'none';
}

function replaced(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  if (result === text) throw new Error(`nothing to change: ${from}`);
  return result;
}

describe('a DiscoverResponse', () => {
  const good = discoverResponse('https://mdm.contoso.example');
  const read = (text: string) => readDiscoverResponse(Buffer.from(text));
  const policyUrl = /<EnrollmentPolicyServiceUrl>.*<\/EnrollmentPolicyServiceUrl>/;

  test('is read for what the client needs', () => {
    expect(read(good)).toEqual({
      authPolicy: 'OnPremise',
      authenticationUrl: undefined,
      enrollmentVersion: '4.0',
      policyUrl: 'https://mdm.contoso.example/EnrollmentServer/Policy.svc',
      enrollmentUrl: 'https://mdm.contoso.example/EnrollmentServer/Enrollment.svc',
    });
  });

  test.each([
    ['a policy in another letter case', replaced(good, 'OnPremise', 'onpremise')],
    ['no version', replaced(good, '<EnrollmentVersion>4.0</EnrollmentVersion>', '')],
    ['no policy service', replaced(good, policyUrl, '')],
    [
      'an empty AuthenticationServiceUrl',
      replaced(good, '</DiscoverResult>', '<AuthenticationServiceUrl/></DiscoverResult>'),
    ],
    ['white space behind an address', replaced(good, 'Enrollment.svc<', 'Enrollment.svc\n <')],
  ])('is taken with %s', (_, text) => {
    expect(hresult(() => read(text))).toBe('none');
  });

  const authentication = '<AuthenticationServiceUrl>https://mdm.contoso.example/sign-in</AuthenticationServiceUrl>';
  test.each([
    ['an unknown policy', replaced(good, 'OnPremise', 'Kerberos'), '0x80180006'],
    ['no policy', replaced(good, '<AuthPolicy>OnPremise</AuthPolicy>', ''), '0x80180006'],
    ['a trailing slash in its namespace', good.replaceAll('2012/01/enrollment"', '2012/01/enrollment/"'), '0x80180006'],
    [
      'an AuthenticationServiceUrl for OnPremise',
      replaced(good, '</DiscoverResult>', `${authentication}</DiscoverResult>`),
      '0x80070057',
    ],
    ['no AuthenticationServiceUrl for Federated', replaced(good, 'OnPremise', 'Federated'), '0x80070057'],
    ['version 5', replaced(good, '4.0<', '5<'), '0x80070057'],
    ['a version that is empty', replaced(good, '4.0<', '<'), '0x80070057'],
    [
      'a version that is nil',
      replaced(good, '<EnrollmentVersion>4.0</EnrollmentVersion>', '<EnrollmentVersion xsi:nil="true"/>'),
      '0x80070057',
    ],
    ['no enrollment service', replaced(good, /<EnrollmentServiceUrl>.*<\/EnrollmentServiceUrl>/, ''), '0x80070057'],
    [
      'white space before an address',
      replaced(good, '<EnrollmentServiceUrl>', '<EnrollmentServiceUrl>\n  '),
      '0x80070057',
    ],
    [
      'an address without TLS',
      replaced(good, '<EnrollmentServiceUrl>https', '<EnrollmentServiceUrl>http'),
      '0x80070057',
    ],
    [
      'services on two hosts',
      replaced(good, '<EnrollmentServiceUrl>https://mdm', '<EnrollmentServiceUrl>https://two'),
      '0x80070057',
    ],
    ['no XML', 'good', '0x80180001'],
  ])('fails with %s', (_, text, code) => {
    expect(hresult(() => read(text))).toBe(code);
  });

  test('may be Federated, and the sign-in page gets what the broker gives', () => {
    const text = replaced(good, 'OnPremise', 'Federated').replace(
      '</DiscoverResult>',
      `${authentication}</DiscoverResult>`,
    );
    expect(read(text).authenticationUrl).toBe('https://mdm.contoso.example/sign-in');
    expect(signInAddress('https://mdm.contoso.example/sign-in?v=1', 'ann@contoso.example')).toBe(
      'https://mdm.contoso.example/sign-in?v=1&appru=ms-app%3A%2F%2Fwindows.immersivecontrolpanel&login_hint=ann%40contoso.example&username=ann%40contoso.example',
    );
  });
});

describe('a GetPoliciesResponse', () => {
  const good = policiesResponse();
  const read = (text: string) => readPolicies(Buffer.from(text));

  test('gives key length and hash', () => {
    expect(read(good)).toEqual({
      minimalKeyLength: 2048,
      hashOid: '2.16.840.1.101.3.4.2.1',
      cryptoProviders: [],
      remarks: [],
    });
  });

  test.each([
    [
      'the reference is nil',
      replaced(
        good,
        '<hashAlgorithmOIDReference>0</hashAlgorithmOIDReference>',
        '<hashAlgorithmOIDReference xsi:nil="true"/>',
      ),
    ],
    ['the reference is of no oID', replaced(good, '<hashAlgorithmOIDReference>0', '<hashAlgorithmOIDReference>1')],
    [
      'another oID comes first',
      replaced(
        good,
        '<oID>',
        '<oID><value>1.2.840.113549.1.1.1</value><group>3</group><oIDReferenceID>9</oIDReferenceID></oID><oID>',
      ),
    ],
  ])('negotiates no hash when %s', (_, text) => {
    expect(read(text).hashOid).toBeUndefined();
  });

  test('has its value cut at the first space', () => {
    expect(read(replaced(good, '4.2.1</value>', '4.2.1 sha256</value>')).hashOid).toBe('2.16.840.1.101.3.4.2.1');
  });

  test.each([
    ['no XML', '<x', '0x80180001'],
    ['another message', discoverResponse('https://mdm.contoso.example'), '0x80180001'],
    ['a key length of words', replaced(good, '>2048<', '>long<'), '0x80180027'],
    ['a key length that no key can have', replaced(good, '>2048<', '>99999<'), '0x80180027'],
  ])('fails with %s', (_, text, code) => {
    expect(hresult(() => read(text))).toBe(code);
  });
});

describe('a token response', () => {
  const good = tokenResponse('<wap-provisioningdoc version="1.1"/>');
  test('gives the document, also where the base64 is wrapped', () => {
    expect(readTokenResponse(Buffer.from(good))).toBe('<wap-provisioningdoc version="1.1"/>');
    expect(readTokenResponse(Buffer.from(good.replace('PHdhcC', 'PHdh\ncC')))).toBe(
      '<wap-provisioningdoc version="1.1"/>',
    );
  });

  test.each([
    ['another namespace of WS-Trust', good.replaceAll('ws-sx/ws-trust/200512', 'ws-sx/ws-trust/2005')],
    ['a response without the collection', good.replaceAll('ResponseCollection', 'Response')],
    ['an element in lower case', good.replaceAll('RequestedSecurityToken', 'requestedSecurityToken')],
    ['a token that is no base64', good.replace('PHdhcC', '****')],
  ])('has no document with %s', (_, text) => {
    expect(readTokenResponse(Buffer.from(text))).toBeUndefined();
  });
});

describe('the context of a request', () => {
  const names = (version?: string) => contextItems(newMachine('PC-1'), version).map((item) => item.name);
  const value = (name: string, version?: string) =>
    contextItems(newMachine('PC-1'), version).find((item) => item.name === name)?.value;

  test.each([
    [undefined, '9.0', true],
    ['3.0', '9.0', true],
    ['4.0', '9.0', true],
    ['5.0', '5.0', false],
    ['7.0', '7.0', true],
    ['9.0', '9.0', true],
  ])('for version %s says RequestVersion %s', (version, requestVersion, status) => {
    expect(value('RequestVersion', version)).toBe(requestVersion);
    expect(names(version).includes('AttestationStatus')).toBe(status);
  });

  test('has attestation in front for version 5.0 only', () => {
    expect(names('5.0').slice(0, 3)).toEqual(['AIKPub', 'AIKAttestationClaim', 'UXInitiated']);
    expect(value('AIKPub', '5.0')).toHaveLength(380);
    expect(value('AIKAttestationClaim', '5.0')).toHaveLength(1624);
    expect(names('4.0')[0]).toBe('UXInitiated');
  });
});

describe('search criteria', () => {
  const issuer = newIssuer('CA');
  const certificate = (subject: string, days: number) => ({
    store: 'My\\User' as const,
    certificate: pem(
      issue({ subject, publicKey: issuer.publicKey, issuer, notAfter: new Date(Date.now() + days * 86_400_000) }),
    ),
    key: subject,
  });

  test('are unescaped once', () => {
    expect(parseSearchCriteria('Subject=CN%3Dabc&Stores=My%5CUser')).toEqual({
      subjects: ['CN=abc'],
      stores: ['My\\User'],
    });
    expect(parseSearchCriteria('Subject=CN%3Da%EF%80%80CN%3Db&Stores=My%5CUser')?.subjects).toEqual(['CN=a', 'CN=b']);
  });

  test.each([
    '',
    'Subject=CN%3Dabc',
    'Stores=My%5CUser',
    'Subject=CN=abc&Stores=My%5CUser',
    'Subject=%&Stores=My%5CUser',
  ])('are not understood as "%s"', (text) => {
    expect(parseSearchCriteria(text)).toBeUndefined();
  });

  test('find the whole name in the named store, and of two the one that ends last', () => {
    const [short, long, other] = [certificate('abc', 10), certificate('abc', 300), certificate('abcd', 400)];
    const search = { subjects: ['CN=abc'], stores: ['My\\User'] };
    expect(findCertificate(search, [short, long, other])).toBe(long);
    expect(findCertificate(search, [{ ...long, store: 'My\\System' }, other])).toBeUndefined();
  });
});

test('the MD5 credential hashes the raw bytes of the nonce', () => {
  expect(md5Credential('device1', 'secret', 'ABEiM0RVZneImaq7zN3u/w==')).toBe('Nql61rCxSIY+AhksAcMX0A==');
});

test.each([
  ['120', 120],
  [' 7 ', 7],
  ['12345678901', 0],
  ['Wed, 21 Oct 2026 07:28:00 GMT', 0],
  ['1.5', 0],
  [undefined, undefined],
])('Retry-After %s counts as %s seconds', (header, seconds) => {
  expect(readRetryAfter(header)).toBe(seconds);
});

test.each([
  ['mdm.contoso.example', 'https://mdm.contoso.example/EnrollmentServer/Discovery.svc'],
  ['https://localhost:7443', 'https://localhost:7443/EnrollmentServer/Discovery.svc'],
  [
    'https://mdm.contoso.example/entra/EnrollmentServer/Discovery.svc',
    'https://mdm.contoso.example/entra/EnrollmentServer/Discovery.svc',
  ],
])('the address %s leads to %s', (typed, url) => {
  expect(discoveryAddress(typed)).toBe(url);
});
