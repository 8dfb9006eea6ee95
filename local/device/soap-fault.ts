import { DeviceError, HRESULT, httpHresult } from './errors.ts';
import { readXml, textAt, type XmlNode } from './xml-reader.ts';

const NAMESPACES = {
  s: 'http://www.w3.org/2003/05/soap-envelope',
  e: 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment',
};

/** Looked for in this order, as a part of the text, letter case counted; the first hit wins. */
const TOKENS: [token: string, hresult: string][] = [
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
  ['CustomServerError', HRESULT.customServerError],
];

/**
 * What the enrollment client makes of a reply that is not the one it hoped for.
 * In: the body and the HTTP status. Out: the error to throw. An empty body, a body without a SOAP 1.2 `Fault` and a fault
 * without a name each have their own code; the TraceId goes to the screen, and the Reason does for CustomServerError only.
 */
export function faultError(body: Buffer, status: number, step: string): DeviceError {
  if (body.length === 0) return new DeviceError(HRESULT.emptyMessage, step, 'the server sent an empty message');
  const document = tryRead(body);
  const unparsed = new DeviceError(
    httpHresult(status),
    step,
    `HTTP ${status} without a fault that the client can read`,
  );
  if (!document || textAt(document, '//s:Fault', NAMESPACES) === undefined) return unparsed;
  const detail = (name: string) =>
    textAt(document, `//s:Fault//s:Detail//e:DeviceEnrollmentServiceError//e:${name}`, NAMESPACES);
  const name = detail('ErrorType') || textAt(document, '//s:Fault//s:Code//s:Subcode//s:Value', NAMESPACES);
  if (!name) return unparsed;
  const reason = textAt(document, '//s:Fault//s:Reason//s:Text', NAMESPACES) ?? '';
  const hresult = hresultOf(name, reason);
  const message = hresult === HRESULT.customServerError ? reason : `${name}: ${reason}`;
  return new DeviceError(hresult, step, message, { traceId: detail('TraceId') || undefined });
}

function hresultOf(name: string, reason: string): string {
  if (reason.includes('NotEligibleToRenew')) return '0x80180016';
  return TOKENS.find(([token]) => name.includes(token))?.[1] ?? HRESULT.unknownServerError;
}

function tryRead(body: Buffer): XmlNode | undefined {
  try {
    return readXml(body);
  } catch {
    return undefined;
  }
}
