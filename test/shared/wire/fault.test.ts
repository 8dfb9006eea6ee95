import { describe, expect, test } from 'vitest';
import { FAULT_HRESULT, type FaultName, fault } from '../../../shared/wire/fault.ts';
import { child, descend, parseXml } from '../../../shared/wire/xml.ts';

/** What each name has to become on the device's screen; written out here, not taken from the code. */
const NAMES: [FaultName, string][] = [
  ['MessageFormat', '0x80180001'],
  ['Authentication', '0x80180002'],
  ['Authorization', '0x80180003'],
  ['CertificateRequest', '0x80180004'],
  ['EnrollmentServer', '0x80180005'],
  ['InternalServiceFault', '0x80180006'],
  ['InvalidSecurity', '0x80180007'],
  ['DeviceCapReached', '0x80180013'],
  ['DeviceNotSupported', '0x80180014'],
  ['NotSupported', '0x80180015'],
  ['NotEligibleToRenew', '0x80180016'],
  ['InMaintenance', '0x80180017'],
  ['UserLicense', '0x80180018'],
  ['InvalidEnrollmentData', '0x80180019'],
  ['CustomServerError', '0x80180032'],
];

const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
const ENROLLMENT = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment';

/** The client's search: case-sensitive, by substring, in this order; the reason counts for the first token alone. */
const SEARCH: [string, string][] = [
  ['NotEligibleToRenew', '0x80180016'],
  ['MessageFormat', '0x80180001'],
  ['Authentication', '0x80180002'],
  ['Authorization', '0x80180003'],
  ['CertificateRequest', '0x80180004'],
  ['CertificateAuthority', '0x80180004'],
  ['EnrollmentServer', '0x80180005'],
  ['InternalServiceFault', '0x80180006'],
  ['InternalServerFault', '0x80180006'],
  ['InvalidSecurity', '0x80180007'],
  ['DeviceCapReached', '0x80180013'],
  ['DeviceNotSupported', '0x80180014'],
  ['NotSupported', '0x80180015'],
  ['InMaintenance', '0x80180017'],
  ['UserLicense', '0x80180018'],
  ['InvalidEnrollmentData', '0x80180019'],
  ['CustomServerError', '0x80180032'],
];

function asWindowsReads(bytes: Buffer): { hresult: string; traceId?: string; reason?: string } {
  const element = child(child(parseXml(bytes), 'Body', SOAP), 'Fault', SOAP);
  if (!element) return { hresult: '0x80190000|status' };
  const error = child(child(element, 'Detail', SOAP), 'DeviceEnrollmentServiceError', ENROLLMENT);
  const subcode = descend(element, 'Code', 'Subcode', 'Value')?.text;
  const told = child(error, 'ErrorType', ENROLLMENT)?.text || subcode;
  if (!told) return { hresult: '0x80190000|status' };
  const reason = child(child(element, 'Reason', SOAP), 'Text', SOAP)?.text;
  const traceId = child(error, 'TraceId', ENROLLMENT)?.text;
  if (reason?.includes('NotEligibleToRenew')) return { hresult: '0x80180016', reason, traceId };
  const [, hresult] = SEARCH.find(([token]) => told.includes(token)) ?? ['', '0x80180008'];
  return { hresult, reason, traceId };
}

describe('faults', () => {
  test.each(NAMES)('%s shows as %s', (name, hresult) => {
    const bytes = fault({ name, reason: 'The device limit of <5> is reached.', traceId: 'trace-1' });
    expect(asWindowsReads(bytes)).toEqual({
      hresult,
      reason: 'The device limit of <5> is reached.',
      traceId: 'trace-1',
    });
    expect(FAULT_HRESULT[name]).toBe(hresult);
  });

  test('there is one for every name', () => {
    expect(Object.keys(FAULT_HRESULT).sort()).toEqual(NAMES.map(([name]) => name).sort());
  });

  test.each([
    ['MessageFormat', 's:MessageFormat'],
    ['Authorization', 's:Authorization'],
    ['InternalServiceFault', 'a:InternalServiceFault'],
    ['InvalidSecurity', 'a:InvalidSecurity'],
    ['DeviceCapReached', 's:EnrollmentServer'],
    ['CustomServerError', 's:EnrollmentServer'],
  ] as const)('%s has the subcode %s for clients that read no detail', (name, subcode) => {
    const root = parseXml(fault({ name, reason: 'r', traceId: 't' }));
    expect(descend(root, 'Body', 'Fault', 'Code', 'Subcode', 'Value')?.text).toBe(subcode);
  });

  test('a reason that quotes another error does not change the code', () => {
    const bytes = fault({ name: 'Authorization', reason: 'like NotEligibleToRenew, MessageFormat', traceId: 't' });
    expect(asWindowsReads(bytes).hresult).toBe('0x80180003');
  });

  test('is a SOAP 1.2 fault in PascalCase, to the letter', () => {
    const bytes = fault({ name: 'UserLicense', reason: 'No licence.', traceId: 't-1', relatesTo: 'urn:uuid:1' });
    expect(bytes.toString()).toBe(
      `<s:Envelope xmlns:s="${SOAP}" xmlns:a="http://www.w3.org/2005/08/addressing">` +
        `<s:Header><a:Action s:mustUnderstand="1">${ENROLLMENT}/rstrc/wstep</a:Action><a:RelatesTo>urn:uuid:1</a:RelatesTo></s:Header>` +
        '<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">' +
        '<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>s:EnrollmentServer</s:Value></s:Subcode></s:Code>' +
        '<s:Reason><s:Text xml:lang="en-US">No licence.</s:Text></s:Reason>' +
        `<s:Detail><DeviceEnrollmentServiceError xmlns="${ENROLLMENT}"><ErrorType>UserLicense</ErrorType>` +
        '<Message>No licence.</Message><TraceId>t-1</TraceId></DeviceEnrollmentServiceError></s:Detail></s:Fault></s:Body></s:Envelope>',
    );
  });

  test('relates to nothing when the request had no MessageID', () => {
    expect(fault({ name: 'MessageFormat', reason: 'r', traceId: 't' }).toString()).not.toContain('RelatesTo');
  });
});
