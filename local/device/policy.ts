import { DeviceError, HRESULT } from './errors.ts';
import { type Credential, envelope, SECURITY_NAMESPACES, sealed, securityHeader } from './soap-request.ts';
import { readXml, select, textAt, textOf, type XmlNode } from './xml-reader.ts';
import { element } from './xml-writer.ts';

const NAMESPACE = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy';
const ACTION = `${NAMESPACE}/IPolicy/GetPolicies`;

/** The MessageID of every Windows device, and the action of the reply. */
export const GET_POLICIES = {
  messageId: 'urn:uuid:72048B64-0F19-448F-8C2E-B4C661860AA0',
  replyAction: `${ACTION}Response`,
};

export interface CertificatePolicy {
  minimalKeyLength?: number;
  hashOid?: string;
  cryptoProviders: string[];
  /** what the client does not read and a server should still have right */
  remarks: string[];
}

/** The GetPolicies message (MS-XCEP 3.1.4.1). */
export function getPoliciesRequest(credential: Credential, to: string): Buffer {
  const nil = { 'xsi:nil': 'true' };
  const message = envelope({
    action: ACTION,
    messageId: GET_POLICIES.messageId,
    to,
    security: securityHeader(credential),
    namespaces: { ...SECURITY_NAMESPACES, 'xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance' },
    body: element(
      'GetPolicies',
      [
        element('client', [element('lastUpdate', undefined, nil), element('preferredLanguage', undefined, nil)]),
        element('requestFilter', undefined, nil),
      ],
      { xmlns: NAMESPACE },
    ),
  });
  return sealed(message, credential);
}

/**
 * Reads a GetPoliciesResponse for the three things that the client uses. Only the first `oIDReferenceID` and the first
 * `value` of the whole document can match the hash reference, because of how the client asks for them.
 * Errors: 0x80180001 for a body that is another, 0x80180027 for a key length that no key can have.
 */
export function readPolicies(body: Buffer): CertificatePolicy {
  const document = load(body);
  const at = (path: string) => textAt(document, path, { p: NAMESPACE });
  const attributes = '//p:GetPoliciesResponse//p:attributes';
  const length = at(`${attributes}//p:privateKeyAttributes//p:minimalKeyLength`);
  const reference = at(`${attributes}//p:hashAlgorithmOIDReference`);
  const firstWord = (text: string | undefined) => text?.split(' ')[0] || undefined;
  const matches = reference !== undefined && reference !== '' && reference === firstWord(at('//p:oIDReferenceID'));
  const providers = `${attributes}//p:privateKeyAttributes//p:cryptoProviders//p:provider`;
  return {
    minimalKeyLength: length ? keyLength(length) : undefined,
    hashOid: matches ? firstWord(at('//p:value')) : undefined,
    cryptoProviders: select(document, providers, { p: NAMESPACE }).map(textOf),
    remarks: at(`${attributes}//p:policySchema`) === '3' ? [] : ['policySchema is not 3'],
  };
}

function keyLength(text: string): number {
  const bits = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (bits >= 512 && bits <= 16384 && bits % 8 === 0) return bits;
  throw new DeviceError(HRESULT.privateKeyCreation, 'policies', `minimalKeyLength "${text}" is no RSA key length`);
}

function load(body: Buffer): XmlNode {
  let document: XmlNode | undefined;
  try {
    document = readXml(body);
  } catch (cause) {
    throw new DeviceError(HRESULT.messageFormat, 'policies', 'the reply is not XML', { cause });
  }
  if (select(document, '//p:GetPoliciesResponse', { p: NAMESPACE }).length > 0) return document;
  throw new DeviceError(HRESULT.messageFormat, 'policies', 'the reply holds no GetPoliciesResponse');
}
