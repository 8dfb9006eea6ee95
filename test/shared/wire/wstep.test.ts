import { describe, expect, test } from 'vitest';
import { readEnvelope, SoapError } from '../../../shared/wire/soap.ts';
import { contextValue, readRequestSecurityToken, tokenResponse } from '../../../shared/wire/wstep.ts';
import { attribute, descend, parseXml } from '../../../shared/wire/xml.ts';
import { DEVICE_CONTEXT, discover, type TokenRequestParts, tokenRequest } from './samples.ts';

const TRUST = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';
const ENROLLMENT = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment';
const read = (parts: TokenRequestParts = {}) => readRequestSecurityToken(readEnvelope(tokenRequest(parts)));

describe('reading RequestSecurityToken', () => {
  test('gives the token and every context item, repeated and unknown ones included', () => {
    const request = read();
    expect(request.requestType).toBe('Issue');
    expect(request.token).toEqual({ valueType: `${ENROLLMENT}#PKCS10`, data: Buffer.from('a signing request') });
    expect(request.context).toEqual(DEVICE_CONTEXT.map(([name, value]) => ({ name, value: value.trim() })));
  });

  test.each([
    [`${TRUST}/Issue`, 'Issue'],
    [`\n ${TRUST}/Renew `, 'Renew'],
    [`${TRUST}/Recovery`, 'Recovery'],
    [`${TRUST}/Cancel`, 'other'],
    ['Issue', 'other'],
  ])('tells the request type %j as %s', (requestType, expected) => {
    expect(read({ requestType }).requestType).toBe(expected);
  });

  test('reads base64 that is wrapped in lines', () => {
    const der = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 256));
    const token = der.toString('base64').replace(/.{64}/g, '$&\r\n  ');
    expect(read({ token }).token?.data).toEqual(der);
  });

  test.each([
    ['left out', null],
    ['empty', ''],
    ['white space', ' \n'],
  ])('has no token when it is %s', (_, token) => {
    expect(read({ token }).token).toBeUndefined();
  });

  test('has no context items when there are none, and drops those without a name', () => {
    expect(read({ context: [] }).context).toEqual([]);
    expect(read({ context: [['', 'x']] }).context).toEqual([]);
  });

  test.each([
    [tokenRequest({ requestType: null }), 'no RequestType'],
    [tokenRequest({ requestType: ' ' }), 'no RequestType'],
    [tokenRequest({ token: 'not base64!' }), 'not base64'],
    [tokenRequest({ token: '====' }), 'not base64'],
    [discover(), 'Discover where RequestSecurityToken is expected'],
  ])('refuses what it cannot read and names it (%#)', (bytes, message) => {
    const attempt = () => readRequestSecurityToken(readEnvelope(bytes));
    expect(attempt).toThrow(SoapError);
    expect(attempt).toThrow(message);
  });

  test('finds context values without regard to case and by more than one name', () => {
    const { context } = read({
      context: [
        ['PlugandForget', 'true'],
        ['IMEI', '1'],
        ['MobileEquipmentId', '2'],
      ],
    });
    expect(contextValue(context, 'PlugAndForget')).toBe('true');
    expect(contextValue(context, 'IMEI', 'MobileEquipmentId')).toBe('1');
    expect(contextValue(context, 'DeviceID')).toBeUndefined();
  });
});

describe('writing the token response', () => {
  const provisioningDocument = '<wap-provisioningdoc version="1.1"><parm name="N\u00e4me"/></wap-provisioningdoc>';
  const bytes = tokenResponse({
    relatesTo: 'urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749',
    provisioningDocument,
    created: new Date('2026-11-21T10:00:00.123Z'),
    expires: new Date('2026-11-21T10:05:00.123Z'),
    activityId: '6a1f0d52-3c0f-4f7f-9d53-0f5b7e4b1c11',
  });
  const root = parseXml(bytes);
  const response = descend(root, 'Body', 'RequestSecurityTokenResponseCollection', 'RequestSecurityTokenResponse')!;

  test('holds the provisioning document where Windows looks, as base64 of UTF-8 on one line', () => {
    const token = descend(response, 'RequestedSecurityToken', 'BinarySecurityToken')!;
    expect(token.namespace).toMatch(/secext-1\.0\.xsd$/);
    expect(token.text).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(Buffer.from(token.text, 'base64').toString('utf8')).toBe(provisioningDocument);
    expect(attribute(token, 'ValueType')).toMatch(/\/DeviceEnrollmentProvisionDoc$/);
    expect(attribute(token, 'EncodingType')).toMatch(/#base64binary$/);
  });

  test('has the parts in the order and namespaces that Windows accepts', () => {
    expect(response.children.map((c) => [c.name, c.namespace])).toEqual([
      ['TokenType', TRUST],
      ['DispositionMessage', ENROLLMENT],
      ['RequestedSecurityToken', TRUST],
      ['RequestID', ENROLLMENT],
    ]);
    expect(descend(response, 'RequestID')?.text).toBe('0');
  });

  test('answers under RSTRC in capitals with a timestamp in milliseconds of UTC', () => {
    expect(descend(root, 'Header', 'Action')?.text).toBe(`${ENROLLMENT}/RSTRC/wstep`);
    const timestamp = descend(root, 'Header', 'Security', 'Timestamp');
    expect(attribute(timestamp, 'Id')).toBe('_0');
    expect(timestamp?.children.map((c) => c.text)).toEqual(['2026-11-21T10:00:00.123Z', '2026-11-21T10:05:00.123Z']);
    expect(attribute(descend(root, 'Header', 'Security'), 'mustUnderstand')).toBe('1');
  });
});
