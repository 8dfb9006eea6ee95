import { describe, expect, test } from 'vitest';
import type { Way } from '../../../shared/catalogue/policy-ways.ts';
import { answerDiscovery } from '../../../shared/enrollment/answer-discovery.ts';
import { readEnvelope, SoapError } from '../../../shared/wire/soap.ts';
import { descend, parseXml } from '../../../shared/wire/xml.ts';
import { type DiscoverParts, discover, getPolicies } from '../wire/samples.ts';

interface Asked extends DiscoverParts {
  ways?: Way[];
  attestation?: boolean;
  entra?: boolean;
}

/** What a device reads of the answer, by element. */
function answerTo({ ways = ['OnPremise', 'Federated'], attestation = false, entra, ...parts }: Asked = {}) {
  const rules = { enrollUrl: 'https://enroll.example.org', policy: { ways, attestation }, entra };
  const { body } = answerDiscovery(readEnvelope(discover(parts)), rules);
  const result = descend(parseXml(body), 'Body', 'DiscoverResponse', 'DiscoverResult');
  return Object.fromEntries((result?.children ?? []).map(({ name, text }) => [name, text]));
}

const SIGN_IN = 'https://enroll.example.org/EnrollmentServer/SignIn';

describe('the way in', () => {
  test.each([
    [['OnPremise', 'Federated'], ['OnPremise', 'Federated'], 'OnPremise'],
    [['Federated', 'OnPremise'], ['OnPremise', 'Federated'], 'Federated'],
    [['OnPremise', 'Federated'], ['Federated'], 'Federated'],
    [['Certificate', 'OnPremise'], ['OnPremise', 'Federated'], 'OnPremise'],
    [['Certificate'], ['OnPremise', 'Certificate'], 'Certificate'],
    [['OnPremise'], ['onpremise'], 'OnPremise'],
    [['Federated'], ['OnPremise'], 'Federated'],
    [['Certificate', 'Federated'], [], 'Certificate'],
    [['OnPremise'], ['Password', ''], 'OnPremise'],
  ] as [Way[], string[], Way][])('where %j are allowed and %j offered is %s', (ways, policies, way) => {
    const answer = answerTo({ ways, policies });
    expect(answer['AuthPolicy']).toBe(way);
    expect(answer['AuthenticationServiceUrl']).toBe(way === 'Federated' ? SIGN_IN : undefined);
  });

  test('at the address for Microsoft Entra is Federated, whatever is allowed and offered', () => {
    for (const policies of [['OnPremise'], ['Federated'], []]) {
      const answer = answerTo({ ways: ['OnPremise'], entra: true, policies });
      expect(answer).toMatchObject({ AuthPolicy: 'Federated', AuthenticationServiceUrl: SIGN_IN });
    }
  });
});

describe('the version', () => {
  test.each([
    ['1.0', false, '1.0'],
    ['3.5', false, '3.5'],
    ['4.0', false, '4.0'],
    ['4.9', false, '4.0'],
    ['9.0', false, '4.0'],
    ['10.0', false, '4.0'],
    ['4.0', true, '4.0'],
    ['4.9', true, '4.9'],
    ['5.0', true, '5.0'],
    ['9.0', true, '5.0'],
    ['9999.9999', true, '5.0'],
  ])('for a device that speaks %s, attestation wanted: %s, is %s', (version, attestation, expected) => {
    expect(answerTo({ version, attestation })['EnrollmentVersion']).toBe(expected);
  });
});

test('an e-mail address is not asked for', () => {
  expect(answerTo({ email: '' })['AuthPolicy']).toBe('OnPremise');
});

test('what is no Discover request is refused', () => {
  const rules = {
    enrollUrl: 'https://enroll.example.org',
    policy: { ways: ['OnPremise' as const], attestation: false },
  };
  expect(() => answerDiscovery(readEnvelope(getPolicies()), rules)).toThrow(SoapError);
  expect(() => answerDiscovery(readEnvelope(discover({ version: 'newest' })), rules)).toThrow(SoapError);
});
