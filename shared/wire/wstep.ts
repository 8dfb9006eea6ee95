import {
  AUTHORIZATION,
  DEVICE_ENROLLMENT_TOKEN,
  ENROLLMENT,
  PROVISION_DOCUMENT,
  TRUST,
  WSSE,
  WSU,
} from './namespaces.ts';
import { binarySecurityToken, type Envelope, expectBody, readToken, SoapError, writeEnvelope } from './soap.ts';
import { attribute, child, children, trimmed, type XmlElement, xml } from './xml.ts';

export const ACTION_REQUEST_SECURITY_TOKEN = `${ENROLLMENT}/RST/wstep`;

export interface ContextItem {
  name: string;
  value: string;
}

export type RequestSecurityToken = {
  requestType: 'Issue' | 'Renew' | 'Recovery' | 'other';
  /** the decoded token; missing when the client sent none, as it does in one of its modes */
  token?: { valueType: string; data: Buffer };
  /** everything that the device says of itself, unknown and repeated items included, in its order */
  context: ContextItem[];
};

/**
 * Reads a RequestSecurityToken (MS-WSTEP 3.1.4.1, MS-MDE2 3.4.4.1.1.1). Line-wrapped base64 is read.
 *
 * @throws SoapError when the body is another, RequestType is missing or the token is not base64
 */
export function readRequestSecurityToken(envelope: Envelope): RequestSecurityToken {
  const request = expectBody(envelope, 'RequestSecurityToken', TRUST);
  const requestType = trimmed(child(request, 'RequestType', TRUST));
  if (!requestType) throw new SoapError('RequestSecurityToken has no RequestType');
  const token = child(request, 'BinarySecurityToken', WSSE);
  const items = children(child(request, 'AdditionalContext', AUTHORIZATION), 'ContextItem', AUTHORIZATION);
  return {
    requestType: readRequestType(requestType),
    token: token && decodeToken(token),
    context: items
      .map((item) => ({ name: attribute(item, 'Name')?.trim() ?? '', value: trimmed(child(item, 'Value')) ?? '' }))
      .filter((item) => item.name !== ''),
  };
}

/** WS-Trust's three types by their full URIs (MS-MDE2 3.4, 3.5, 3.6). */
function readRequestType(uri: string): RequestSecurityToken['requestType'] {
  for (const type of ['Issue', 'Renew', 'Recovery'] as const) {
    if (uri === `${TRUST}/${type}`) return type;
  }
  return 'other';
}

function decodeToken(element: XmlElement): { valueType: string; data: Buffer } | undefined {
  const { valueType, token } = readToken(element);
  if (token === '') return undefined;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(token)) throw new SoapError('BinarySecurityToken is not base64');
  return { valueType, data: Buffer.from(token, 'base64') };
}

/** The first value that has one of these names, compared without case: documents and clients differ in it. */
export function contextValue(context: ContextItem[], ...names: string[]): string | undefined {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  return context.find((item) => wanted.has(item.name.toLowerCase()))?.value;
}

/**
 * Writes a RequestSecurityTokenResponseCollection (MS-WSTEP 3.1.4.1.1.2, MS-MDE2 3.4.4.1.1.2): the provisioning document
 * as base64 of its UTF-8 text.
 */
export function tokenResponse(v: {
  relatesTo?: string;
  provisioningDocument: string;
  created: Date;
  expires: Date;
  activityId: string;
}): Buffer {
  const timestamp = xml`<u:Timestamp u:Id="_0"><u:Created>${v.created.toISOString()}</u:Created><u:Expires>${v.expires.toISOString()}</u:Expires></u:Timestamp>`;
  const token = binarySecurityToken(PROVISION_DOCUMENT, Buffer.from(v.provisioningDocument));
  const response = xml`<TokenType>${DEVICE_ENROLLMENT_TOKEN}</TokenType><DispositionMessage xmlns="${ENROLLMENT}"/><RequestedSecurityToken>${token}</RequestedSecurityToken><RequestID xmlns="${ENROLLMENT}">0</RequestID>`;
  return writeEnvelope({
    action: `${ENROLLMENT}/RSTRC/wstep`,
    relatesTo: v.relatesTo,
    activityId: v.activityId,
    header: xml`<o:Security s:mustUnderstand="1" xmlns:o="${WSSE}" xmlns:u="${WSU}">${timestamp}</o:Security>`,
    body: xml`<RequestSecurityTokenResponseCollection xmlns="${TRUST}"><RequestSecurityTokenResponse>${response}</RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection>`,
  });
}
