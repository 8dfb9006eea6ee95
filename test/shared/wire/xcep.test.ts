import { describe, expect, test } from 'vitest';
import { readEnvelope, SoapError } from '../../../shared/wire/soap.ts';
import { getPoliciesResponse, readGetPolicies } from '../../../shared/wire/xcep.ts';
import { attribute, children, descend, parseXml, type XmlElement } from '../../../shared/wire/xml.ts';
import { discover, envelope, getPolicies } from './samples.ts';

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';

describe('reading GetPolicies', () => {
  test('takes the request with its undocumented children', () => {
    expect(() => readGetPolicies(readEnvelope(getPolicies()))).not.toThrow();
  });

  test.each([
    ['another request', discover()],
    ['another namespace', envelope({ body: '<GetPolicies xmlns="urn:other"/>' })],
  ])('refuses %s', (_, bytes) => {
    expect(() => readGetPolicies(readEnvelope(bytes))).toThrow(SoapError);
  });
});

describe('writing GetPoliciesResponse', () => {
  const bytes = getPoliciesResponse({
    relatesTo: 'urn:uuid:72048B64-0F19-448F-8C2E-B4C661860AA0',
    commonName: 'Example & Co',
    validityDays: 365,
    renewalDays: 60,
    minimalKeyLength: 2048,
  });
  const answer = descend(parseXml(bytes), 'Body', 'GetPoliciesResponse')!;
  const attributes = descend(answer, 'response', 'policies', 'policy', 'attributes')!;

  test('has the fields in the order that Windows accepts', () => {
    const order = (e: XmlElement | undefined) => e?.children.map((c) => c.name).join(' ');
    expect(order(answer)).toBe('response cAs oIDs');
    expect(order(descend(answer, 'response'))).toBe(
      'policyID policyFriendlyName nextUpdateHours policiesNotChanged policies',
    );
    expect(order(descend(answer, 'response', 'policies', 'policy'))).toBe('policyOIDReference cAs attributes');
    expect(order(attributes)).toBe(
      'commonName policySchema certificateValidity permission privateKeyAttributes revision supersededPolicies privateKeyFlags ' +
        'subjectNameFlags enrollmentFlags generalFlags hashAlgorithmOIDReference rARequirements keyArchivalAttributes extensions',
    );
    expect(order(descend(attributes, 'privateKeyAttributes'))).toBe(
      'minimalKeyLength keySpec keyUsageProperty permissions algorithmOIDReference cryptoProviders',
    );
    expect(order(descend(answer, 'oIDs', 'oID'))).toBe('value group oIDReferenceID defaultName');
  });

  test('says the key length, the schema and the periods in seconds', () => {
    expect(descend(attributes, 'commonName')?.text).toBe('Example & Co');
    expect(descend(attributes, 'policySchema')?.text).toBe('3');
    expect(descend(attributes, 'privateKeyAttributes', 'minimalKeyLength')?.text).toBe('2048');
    expect(descend(attributes, 'certificateValidity', 'validityPeriodSeconds')?.text).toBe('31536000');
    expect(descend(attributes, 'certificateValidity', 'renewalPeriodSeconds')?.text).toBe('5184000');
  });

  test('asks for SHA-256 by the first and only oID, under the reference of the hash', () => {
    const [oid, ...others] = children(descend(answer, 'oIDs'), 'oID');
    expect(others).toEqual([]);
    expect(descend(oid, 'value')?.text).toBe('2.16.840.1.101.3.4.2.1');
    expect(descend(oid, 'group')?.text).toBe('1');
    expect(descend(oid, 'oIDReferenceID')?.text).toBe(descend(attributes, 'hashAlgorithmOIDReference')?.text);
  });

  test('marks what it leaves open as nil in the namespace of XML Schema', () => {
    const empty: XmlElement[] = [];
    const collect = (e: XmlElement): void =>
      e.children.length || e.text ? e.children.forEach(collect) : void empty.push(e);
    collect(answer);
    const nils = empty.filter((e) => attribute(e, 'nil') === 'true' && e.attributes[0]?.namespace === XSI);
    expect(empty.length - nils.length).toBe(1);
    expect(empty.find((e) => !nils.includes(e))?.name).toBe('policyID');
  });

  test('asks for attestation where it is wanted, and lets a device go on that cannot', () => {
    const wanted = getPoliciesResponse({
      commonName: 'Lanyard',
      validityDays: 365,
      renewalDays: 60,
      minimalKeyLength: 2048,
      attestation: true,
    });
    const path = [
      'Body',
      'GetPoliciesResponse',
      'response',
      'policies',
      'policy',
      'attributes',
      'privateKeyAttributes',
    ];
    const key = descend(parseXml(wanted), ...path)!;
    expect(children(descend(key, 'cryptoProviders'), 'provider').map(({ text }) => text)).toEqual([
      'Microsoft Platform Crypto Provider',
      'Microsoft Software Key Storage Provider',
    ]);
    expect(descend(key, 'AttestationFailureBehavior')?.text).toBe('IgnoreOnError');
    expect(descend(key, 'OperationTimeout')?.text).toBe('100');
    expect(descend(attributes, 'privateKeyAttributes', 'AttestationFailureBehavior')).toBeUndefined();
  });
});
