import { describe, expect, test } from 'vitest';
import { discoverResponse, readDiscover } from '../../../shared/wire/discovery.ts';
import { readEnvelope, SoapError } from '../../../shared/wire/soap.ts';
import { descend, parseXml } from '../../../shared/wire/xml.ts';
import { type DiscoverParts, discover, envelope, getPolicies } from './samples.ts';

const DISCOVERY = 'http://schemas.microsoft.com/windows/management/2012/01/enrollment';
const read = (parts: DiscoverParts = {}) => readDiscover(readEnvelope(discover(parts)));

describe('reading Discover', () => {
  test.each([
    ['as Windows sends it', DISCOVERY],
    ['with the slash of the samples', `${DISCOVERY}/`],
  ])('reads the namespace %s', (_, namespace) => {
    expect(read({ namespace })).toEqual({
      emailAddress: 'user@example.org',
      requestVersion: '7.0',
      deviceType: 'CIMClient_Windows',
      applicationVersion: '10.0.26100.1742',
      osEdition: '48',
      authPolicies: ['OnPremise', 'Federated'],
    });
  });

  test.each(['3.0', '4.0', '8.0', '9.0', '10.1', ' 5.0\n'])('reads any version N.M: %j', (version) => {
    expect(read({ version }).requestVersion).toBe(version.trim());
  });

  test.each([
    [{ email: null }, ''],
    [{ email: '' }, ''],
    [{ email: '\n user@example.org ' }, 'user@example.org'],
  ])('reads an e-mail address that may be missing: %j', (parts, expected) => {
    expect(read(parts).emailAddress).toBe(expected);
  });

  test('keeps the policies in the order of the client, none included', () => {
    expect(read({ policies: [' Certificate ', 'Federated'] }).authPolicies).toEqual(['Certificate', 'Federated']);
    expect(read({ policies: [] }).authPolicies).toEqual([]);
  });

  test.each([
    [discover({ version: null }), 'no RequestVersion'],
    [discover({ version: '5' }), '"5" is not of the form N.M'],
    [discover({ version: 'x'.repeat(500) }), 'not of the form N.M'],
    [discover({ namespace: 'urn:other' }), '"urn:other"'],
    [envelope({ body: `<Discover xmlns="${DISCOVERY}"/>` }), 'no request'],
    [getPolicies(), 'GetPolicies where Discover is expected'],
  ])('refuses what it cannot read and names it (%#)', (bytes, message) => {
    expect(() => readDiscover(readEnvelope(bytes))).toThrow(SoapError);
    expect(() => readDiscover(readEnvelope(bytes))).toThrow(message);
  });
});

describe('writing DiscoverResponse', () => {
  const answer = {
    relatesTo: 'urn:uuid:748132ec-a575-4329-b01b-6171a9cf8478',
    authPolicy: 'OnPremise',
    enrollmentVersion: '4.0',
    policyUrl: 'https://enroll.example.org/EnrollmentServer/Policy.svc',
    enrollmentUrl: 'https://enroll.example.org/EnrollmentServer/Enrollment.svc',
    activityId: '6a1f0d52-3c0f-4f7f-9d53-0f5b7e4b1c11',
  } as const;
  const result = (v: Parameters<typeof discoverResponse>[0]) =>
    descend(parseXml(discoverResponse(v)), 'Body', 'DiscoverResponse', 'DiscoverResult')!;

  test('has the children in the order that Windows accepts, in the namespace without a slash, without white space', () => {
    const { children, namespace } = result(answer);
    expect(namespace).toBe(DISCOVERY);
    expect(children.map((c) => [c.name, c.text])).toEqual([
      ['AuthPolicy', 'OnPremise'],
      ['EnrollmentVersion', '4.0'],
      ['EnrollmentPolicyServiceUrl', answer.policyUrl],
      ['EnrollmentServiceUrl', answer.enrollmentUrl],
    ]);
  });

  test('answers under its action', () => {
    const header = descend(parseXml(discoverResponse(answer)), 'Header')!;
    expect(header.children.map((c) => [c.name, c.text])).toEqual([
      ['Action', `${DISCOVERY}/IDiscoveryService/DiscoverResponse`],
      ['ActivityId', answer.activityId],
      ['RelatesTo', answer.relatesTo],
    ]);
  });

  test.each([
    ['Federated', true],
    ['OnPremise', false],
    ['Certificate', false],
  ] as const)('names the sign-in page with %s: %s', (authPolicy, named) => {
    const authenticationUrl = 'https://enroll.example.org/sign-in?tenant=a&x=b';
    const last = result({ ...answer, authPolicy, authenticationUrl }).children.at(-1)!;
    expect(last.name === 'AuthenticationServiceUrl').toBe(named);
    if (named) expect(last.text).toBe(authenticationUrl);
  });

  test.each(['4', '', '4.0.1', 'v4.0'])('never writes the version %j, on which Windows fails', (enrollmentVersion) => {
    expect(() => discoverResponse({ ...answer, enrollmentVersion })).toThrow('is not N.M');
  });
});
