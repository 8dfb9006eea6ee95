import { ENROLLMENT } from './namespaces.ts';
import { writeEnvelope } from './soap.ts';
import { xml } from './xml.ts';

/** The errors that a Windows client tells apart (MS-MDE2 2.2.10). */
export type FaultName =
  | 'MessageFormat'
  | 'Authentication'
  | 'Authorization'
  | 'CertificateRequest'
  | 'EnrollmentServer'
  | 'InternalServiceFault'
  | 'InvalidSecurity'
  | 'DeviceCapReached'
  | 'DeviceNotSupported'
  | 'NotSupported'
  | 'NotEligibleToRenew'
  | 'InMaintenance'
  | 'UserLicense'
  | 'InvalidEnrollmentData'
  | 'CustomServerError';

/** The first table of MS-MDE2 2.2.10: these are SOAP subcodes, the prefix tells whose they are. */
const SUBCODES: Partial<Record<FaultName, string>> = {
  MessageFormat: 's:MessageFormat',
  Authentication: 's:Authentication',
  Authorization: 's:Authorization',
  CertificateRequest: 's:CertificateRequest',
  EnrollmentServer: 's:EnrollmentServer',
  InternalServiceFault: 'a:InternalServiceFault',
  InvalidSecurity: 'a:InvalidSecurity',
};

/** The code that the device shows and writes to its event log. */
export const FAULT_HRESULT: Record<FaultName, string> = {
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

/**
 * Writes a SOAP 1.2 fault as Windows parses it (MS-MDE2 2.2.10): names in PascalCase, although the document prints them
 * in lower case. The client looks at ErrorType first, so every fault carries its name there; it stores TraceId and shows
 * it; it shows the reason for CustomServerError alone. Send it with HTTP status 500.
 *
 * @param v.reason a sentence for a person
 * @param v.traceId names the attempt in the journal
 */
export function fault(v: { name: FaultName; reason: string; traceId: string; relatesTo?: string }): Buffer {
  const subcode = SUBCODES[v.name] ?? 's:EnrollmentServer';
  const reason = plainReason(v.name, v.reason);
  const code = xml`<s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>${subcode}</s:Value></s:Subcode></s:Code>`;
  const detail = xml`<DeviceEnrollmentServiceError xmlns="${ENROLLMENT}"><ErrorType>${v.name}</ErrorType><Message>${reason}</Message><TraceId>${v.traceId}</TraceId></DeviceEnrollmentServiceError>`;
  return writeEnvelope({
    action: `${ENROLLMENT}/rstrc/wstep`,
    relatesTo: v.relatesTo,
    body: xml`<s:Fault>${code}<s:Reason><s:Text xml:lang="en-US">${reason}</s:Text></s:Reason><s:Detail>${detail}</s:Detail></s:Fault>`,
  });
}

/** The client also searches the reason for this one name, before it looks at anything else. */
function plainReason(name: FaultName, reason: string): string {
  return name === 'NotEligibleToRenew' ? reason : reason.replaceAll('NotEligibleToRenew', 'not eligible to renew');
}
