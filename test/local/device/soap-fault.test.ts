import { describe, expect, test } from 'vitest';
import { faultError } from '../../../local/device/soap-fault.ts';
import { faultDocument } from './documents.ts';

const read = (text: string, status = 500) => faultError(Buffer.from(text), status, 'token');

describe('the code that a PC shows for a fault', () => {
  test.each([
    ['s:MessageFormat', '0x80180001'],
    ['s:Authentication', '0x80180002'],
    ['FailedAuthentication', '0x80180002'],
    ['s:Authorization', '0x80180003'],
    ['s:CertificateRequest', '0x80180004'],
    ['CertificateAuthority', '0x80180004'],
    ['s:EnrollmentServer', '0x80180005'],
    ['a:InternalServiceFault', '0x80180006'],
    ['a:InvalidSecurity', '0x80180007'],
    ['DeviceCapReached', '0x80180013'],
    ['DeviceNotSupported', '0x80180014'],
    ['NotSupported', '0x80180015'],
    ['NotEligibleToRenew', '0x80180016'],
    ['InMaintenance', '0x80180017'],
    ['UserLicense', '0x80180018'],
    ['InvalidEnrollmentData', '0x80180019'],
    ['CustomServerError', '0x80180032'],
    ['SomethingNew', '0x80180008'],
    ['s:authorization', '0x80180008'],
  ])('a subcode or ErrorType of %s is %s', (name, hresult) => {
    expect(read(faultDocument({ subcode: name })).hresult).toBe(hresult);
    expect(read(faultDocument({ errorType: name, subcode: 's:Receiver' })).hresult).toBe(hresult);
  });

  test('an ErrorType makes the subcode irrelevant, and an empty one does not', () => {
    expect(read(faultDocument({ errorType: 'DeviceCapReached', subcode: 's:Authorization' })).hresult).toBe(
      '0x80180013',
    );
    expect(read(faultDocument({ errorType: '', subcode: 's:Authorization' })).hresult).toBe('0x80180003');
  });

  test('NotEligibleToRenew counts in the reason too', () => {
    expect(read(faultDocument({ subcode: 's:Receiver', reason: 'NotEligibleToRenew' })).hresult).toBe('0x80180016');
  });

  test('the TraceId reaches the screen, and the own text of CustomServerError does', () => {
    const error = read(
      faultDocument({ errorType: 'CustomServerError', reason: 'Ask for a new code', traceId: 'trace-7' }),
    );
    expect(error).toMatchObject({
      hresult: '0x80180032',
      message: 'Ask for a new code',
      traceId: 'trace-7',
      step: 'token',
    });
  });

  const good = faultDocument({ errorType: 'DeviceCapReached' });
  test.each([
    ['an empty body', '', 500, '0x80180029'],
    ['an error page of a proxy', '<html><body>Bad gateway</body></html>', 502, '0x801901F6'],
    ['no XML at all', 'oops', 500, '0x801901F4'],
    [
      'a fault of SOAP 1.1',
      good.replaceAll('http://www.w3.org/2003/05/soap-envelope', 'http://schemas.xmlsoap.org/soap/envelope/'),
      500,
      '0x801901F4',
    ],
    ['a fault in lower case', good.toLowerCase(), 500, '0x801901F4'],
    ['a fault in lower case with status 200', good.toLowerCase(), 200, '0x801900C8'],
    [
      'a fault with neither ErrorType nor Subcode',
      good.replace(/<s:Subcode>.*<\/s:Subcode>/, '').replace(/<ErrorType>.*<\/ErrorType>/, ''),
      500,
      '0x801901F4',
    ],
  ])('%s is shown as a code of its own', (_, body, status, hresult) => {
    expect(read(body, status).hresult).toBe(hresult);
  });

  test('a detail in another namespace is not found, so the subcode decides', () => {
    const other = good.replace('pki/2009/01/enrollment"', 'pki/2012/01/enrollment"');
    expect(read(other).hresult).toBe('0x80180003');
  });
});
