import { describe, expect, test } from 'vitest';
import { faultError } from '../../../local/device/soap-fault.ts';
import { REFUSALS, type RefusalCause } from '../../../shared/enrollment/refusal.ts';
import { fault } from '../../../shared/wire/fault.ts';

/** Both tables of MS-MDE2 2.2.10, and the code that Windows knows besides (0x80180032). */
const WINDOWS: Record<string, string> = {
  MessageFormat: '0x80180001',
  Authentication: '0x80180002',
  Authorization: '0x80180003',
  CertificateRequest: '0x80180004',
  EnrollmentServer: '0x80180005',
  InternalServiceFault: '0x80180006',
  InvalidSecurity: '0x80180007',
  DeviceCapReached: '0x80180013',
  DeviceNotSupported: '0x80180014',
  NotSupported: '0x80180015',
  NotEligibleToRenew: '0x80180016',
  InMaintenance: '0x80180017',
  UserLicense: '0x80180018',
  InvalidEnrollmentData: '0x80180019',
  CustomServerError: '0x80180032',
};
/** The first table: these are subcodes too. */
const SUBCODES = [
  's:MessageFormat',
  's:Authentication',
  's:Authorization',
  's:CertificateRequest',
  's:EnrollmentServer',
  'a:InternalServiceFault',
  'a:InvalidSecurity',
];

const CAUSES = Object.keys(REFUSALS) as RefusalCause[];
const TRACE = '20260301-0d2b86b263e1';

describe.each(CAUSES)('the refusal %s', (cause) => {
  const { fault: name, message, remedy } = REFUSALS[cause];
  const bytes = fault({ name, reason: message, traceId: TRACE, relatesTo: 'urn:uuid:1' });

  test('shows its code and the TraceId on the PC', () => {
    const error = faultError(bytes, 500, 'token');
    expect([error.hresult, error.traceId]).toEqual([WINDOWS[name], TRACE]);
  });

  test('has the form that the client reads, to the letter', () => {
    const subcode = SUBCODES.find((each) => each.endsWith(`:${name}`)) ?? 's:EnrollmentServer';
    expect(bytes.toString()).toContain(
      `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>${subcode}</s:Value></s:Subcode></s:Code>` +
        `<s:Reason><s:Text xml:lang="en-US">${message.replaceAll("'", '&apos;')}</s:Text></s:Reason><s:Detail>` +
        '<DeviceEnrollmentServiceError xmlns="http://schemas.microsoft.com/windows/pki/2009/01/enrollment">' +
        `<ErrorType>${name}</ErrorType>`,
    );
    expect(bytes.toString()).toContain(
      `<TraceId>${TRACE}</TraceId></DeviceEnrollmentServiceError></s:Detail></s:Fault>`,
    );
  });

  test('has words for the person and for the administrator, in sentences', () => {
    expect(message).toMatch(/^[A-Z].{8,150}\.$/);
    expect(remedy).toMatch(/^[A-Z].{8,200}\.$/);
  });
});

test('there is a cause for each code that Windows knows', () => {
  expect(new Set(CAUSES.map((cause) => REFUSALS[cause].fault))).toEqual(new Set(Object.keys(WINDOWS)));
});

test('the text of the administrator is what a PC shows', () => {
  const reason = 'Closed until Monday; <ask> "Kim" & co. NotEligibleToRenew';
  const error = faultError(fault({ name: 'CustomServerError', reason, traceId: TRACE }), 500, 'token');
  expect(error.hresult).toBe('0x80180032');
  expect(error.message).toBe('Closed until Monday; <ask> "Kim" & co. not eligible to renew');
});
