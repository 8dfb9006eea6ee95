import { randomBytes } from 'node:crypto';
import type { Machine } from './machine.ts';
import {
  BASE64,
  type Credential,
  envelope,
  SECURITY_NAMESPACES,
  sealed,
  securityHeader,
  WSSE,
} from './soap-request.ts';
import { readXml, textAt } from './xml-reader.ts';
import { element, type Markup, textElement } from './xml-writer.ts';

const WST = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';
const AC = 'http://schemas.xmlsoap.org/ws/2006/12/authorization';
const ENROLLMENT = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment';

/** The MessageID of every Windows device, and the action of the reply. */
export const TOKEN = {
  messageId: 'urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749',
  replyAction: `${ENROLLMENT}/RSTRC/wstep`,
};

export interface ContextItem {
  name: string;
  value: string;
}

/** The RequestSecurityToken message (MS-WSTEP, MS-MDE2 3.4.4.1), or that of a renewal (3.5.4.1): only type and token differ. */
export function requestSecurityToken(
  v: { credential: Credential; to: string; context: ContextItem[] } & (
    | { signingRequest: Buffer }
    /** PKCS#7 around the signing request */
    | { renewal: Buffer }
  ),
): Buffer {
  const [type, token, valueType] =
    'renewal' in v ? ['Renew', v.renewal, `${WSSE}#PKCS7`] : ['Issue', v.signingRequest, `${ENROLLMENT}#PKCS10`];
  const request = element('wst:RequestSecurityToken', [
    textElement(
      'wst:TokenType',
      'http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken',
    ),
    textElement('wst:RequestType', `${WST}/${type}`),
    textElement('wsse:BinarySecurityToken', token.toString('base64'), {
      ValueType: valueType,
      EncodingType: BASE64,
    }),
    element('ac:AdditionalContext', v.context.map(contextItem), { xmlns: AC }),
  ]);
  const message = envelope({
    action: `${ENROLLMENT}/RST/wstep`,
    messageId: TOKEN.messageId,
    to: v.to,
    security: securityHeader(v.credential),
    namespaces: { ...SECURITY_NAMESPACES, 'xmlns:wst': WST, 'xmlns:ac': AC },
    body: request,
  });
  return sealed(message, v.credential);
}

function contextItem(item: ContextItem): Markup {
  return element('ac:ContextItem', textElement('ac:Value', item.value), { Name: item.name });
}

/**
 * The ContextItems in the order that 25H2 sends them. With EnrollmentVersion 5 the machine speaks 5.0 and adds attestation
 * material in front; with 3, 4 and 9 it names its own highest version and says why there is none.
 */
export function contextItems(machine: Machine, enrollmentVersion: string | undefined): ContextItem[] {
  const major = Number(enrollmentVersion?.split('.')[0] ?? 3);
  const attested = major === 5;
  const list: [string, string][] = [
    ...(attested ? attestation() : []),
    ['UXInitiated', 'true'],
    ['HWDevID', machine.hwDevId],
    ['Locale', machine.locale],
    ['TargetedUserLoggedIn', 'true'],
    ['OSEdition', machine.osEdition],
    ['DeviceName', machine.name],
    ...machine.macs.map((mac): [string, string] => ['MAC', mac]),
    ['DeviceID', machine.deviceId],
    ['EnrollmentType', machine.enrollmentType],
    ['DeviceType', 'CIMClient_Windows'],
    ['OSVersion', machine.osVersion],
    ['ApplicationVersion', machine.applicationVersion],
    ['NotInOobe', 'false'],
    ...(machine.join === 'domain' || machine.join === 'hybrid' ? domain(machine) : []),
    ['Manufacturer', machine.manufacturer],
    ['DeviceModel', machine.model],
    ...(machine.serialAtEnrollment === false ? [] : serial(machine)),
    ['RequestVersion', major >= 5 && major <= 8 ? `${major}.0` : machine.requestVersion],
    ...(attested ? [] : attestationStatus()),
  ];
  return [...list.map(([name, value]) => ({ name, value })), ...machine.contextItems];
}

const serial = (machine: Machine): [string, string][] => [['SerialNumber', machine.serialNumber]];

const domain = (machine: Machine): [string, string][] => [['DomainName', machine.domainName]];

// The sizes of the captured values: 380 and 1624 base64 characters.
const attestation = (): [string, string][] => [
  ['AIKPub', randomBytes(285).toString('base64')],
  ['AIKAttestationClaim', randomBytes(1218).toString('base64')],
];

const attestationStatus = (): [string, string][] => [
  ['AttestationStatus', 'Status=AttestationResultNoAttestation;AttestationErrorMsg=No AIK algorithms provided'],
  ['AttestationStatusHResult', '0x80070057'],
];

/**
 * The provisioning document out of a RequestSecurityTokenResponseCollection: the text, or undefined where the client finds
 * no token (it then looks for a fault). Only the path of element names counts; envelope, actions and types are not looked at.
 */
export function readTokenResponse(body: Buffer): string | undefined {
  const path =
    '//wst:RequestSecurityTokenResponseCollection//wst:RequestSecurityTokenResponse' +
    '//wst:RequestedSecurityToken//wsse:BinarySecurityToken';
  let token: string | undefined;
  try {
    token = textAt(readXml(body), path, { wst: WST, wsse: WSSE });
  } catch {
    return undefined;
  }
  const packed = token?.replace(/\s+/g, '');
  if (!packed || !/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) return undefined;
  return Buffer.from(packed, 'base64').toString('utf8');
}
