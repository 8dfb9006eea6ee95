import { ADDRESSING, BASE64_BINARY, DIAGNOSTICS, SOAP, WSSE, WSU, XSD, XSI } from './namespaces.ts';
import { WireError } from './wire-error.ts';
import { attribute, child, descend, parseXml, trimmed, type Xml, type XmlElement, xml } from './xml.ts';

/** A request of the enrollment services that cannot be understood; the message names what is missing or wrong. */
export class SoapError extends WireError {}

/** How the caller proves who he is (MS-MDE2 3.3.4.1.1.1); all members are missing where the header is. */
export interface SecurityHeader {
  /** the password as it came, white space included; empty for a renewal */
  usernameToken?: { username: string; password: string };
  /** the token's base64 text without white space */
  binarySecurityToken?: { valueType: string; token: string };
  /** between which times a signed message is good, as it says: ISO 8601 where it is right */
  timestamp?: { created: string; expires: string };
}

export interface Envelope {
  action?: string;
  /** a constant of each kind of request on every device (MS-MDE2 samples it, clients hard-code it): only to be echoed */
  messageId?: string;
  to?: string;
  security: SecurityHeader;
  /** the whole document as it came: what a signature is about */
  bytes: Buffer;
  /** the first element of Body */
  body: XmlElement;
}

/**
 * Reads a SOAP 1.2 request (MS-MDE2 2.1). Header blocks may be missing; values are trimmed, the password is not.
 *
 * @throws SoapError when it is no SOAP 1.2 envelope or has an empty Body; XmlError when it is no XML that we read
 */
export function readEnvelope(bytes: Buffer): Envelope {
  const root = parseXml(bytes);
  if (root.name !== 'Envelope') throw new SoapError(`the document is a ${root.name}, not a SOAP Envelope`);
  if (root.namespace !== SOAP) throw new SoapError(`the Envelope is not SOAP 1.2 but of namespace "${root.namespace}"`);
  const bodyElement = child(root, 'Body', SOAP);
  if (!bodyElement) throw new SoapError('the Envelope has no Body');
  const body = bodyElement.children[0];
  if (!body) throw new SoapError('the Body is empty');
  const header = child(root, 'Header', SOAP);
  return {
    action: headerText(header, 'Action'),
    messageId: headerText(header, 'MessageID'),
    to: headerText(header, 'To'),
    security: readSecurity(child(header, 'Security', WSSE)),
    bytes,
    body,
  };
}

function headerText(header: XmlElement | undefined, name: string): string | undefined {
  return trimmed(child(header, name, ADDRESSING)) || undefined;
}

/** The password's Type comes as `wsse:Type` from Windows and plain in the samples; it is always text, so it is not read. */
function readSecurity(security: XmlElement | undefined): SecurityHeader {
  const user = child(security, 'UsernameToken', WSSE);
  const token = child(security, 'BinarySecurityToken', WSSE);
  const timestamp = child(security, 'Timestamp', WSU);
  return {
    usernameToken: user && {
      username: trimmed(child(user, 'Username', WSSE)) ?? '',
      password: descend(user, 'Password')?.text ?? '',
    },
    binarySecurityToken: token && readToken(token),
    timestamp: timestamp && {
      created: trimmed(child(timestamp, 'Created', WSU)) ?? '',
      expires: trimmed(child(timestamp, 'Expires', WSU)) ?? '',
    },
  };
}

/** A BinarySecurityToken's type and its base64 text; clients wrap long base64 in lines. */
export function readToken(token: XmlElement): { valueType: string; token: string } {
  return { valueType: attribute(token, 'ValueType')?.trim() ?? '', token: token.text.replace(/\s/g, '') };
}

/** A BinarySecurityToken as we send it: base64 on one line. */
export function binarySecurityToken(valueType: string, data: Buffer): Xml {
  return xml`<BinarySecurityToken xmlns="${WSSE}" ValueType="${valueType}" EncodingType="${BASE64_BINARY}">${data.toString('base64')}</BinarySecurityToken>`;
}

/**
 * Checks that the request is what the service expects; dispatch is by the body's element, never by action or To.
 *
 * @param namespaces any of them will do
 * @throws SoapError that names both
 */
export function expectBody(envelope: Envelope, name: string, ...namespaces: string[]): XmlElement {
  const { body } = envelope;
  if (body.name !== name) throw new SoapError(`the Body holds ${body.name} where ${name} is expected`);
  if (!namespaces.includes(body.namespace)) {
    throw new SoapError(`${name} is of namespace "${body.namespace}" where "${namespaces[0]}" is expected`);
  }
  return body;
}

/**
 * Writes a SOAP 1.2 reply (MS-MDE2 2.1), UTF-8, without white space between elements.
 *
 * @param v.relatesTo the request's MessageID; left out where there was none
 * @param v.header further header blocks, after RelatesTo
 */
export function writeEnvelope(v: {
  action: string;
  relatesTo?: string;
  activityId?: string;
  header?: Xml;
  body: Xml;
}): Buffer {
  const activity =
    v.activityId === undefined
      ? undefined
      : xml`<ActivityId CorrelationId="${v.activityId}" xmlns="${DIAGNOSTICS}">${v.activityId}</ActivityId>`;
  const relatesTo = v.relatesTo === undefined ? undefined : xml`<a:RelatesTo>${v.relatesTo}</a:RelatesTo>`;
  const header = xml`<s:Header><a:Action s:mustUnderstand="1">${v.action}</a:Action>${activity}${relatesTo}${v.header}</s:Header>`;
  const body = xml`<s:Body xmlns:xsi="${XSI}" xmlns:xsd="${XSD}">${v.body}</s:Body>`;
  const envelope = xml`<s:Envelope xmlns:s="${SOAP}" xmlns:a="${ADDRESSING}">${header}${body}</s:Envelope>`;
  return Buffer.from(envelope.toString());
}
