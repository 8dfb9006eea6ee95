import { createHash, sign } from 'node:crypto';
import { canonicalXml } from './canonical-xml.ts';
import { element, type Markup, textElement } from './xml-writer.ts';

const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const TOKEN_ID = 'uuid-29801C2F-F26B-46AD-984B-AFAEFB545FF8';
const X509 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3';
const BASE64 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd#base64binary';
/** How long a signed message is good. */
const GOOD_FOR_MS = 2 * 60_000;

/** A user's certificate with its key, as on a smart card. PEM the key, DER the certificate. */
export interface UserCertificate {
  key: string;
  certificate: Buffer;
}

/** What stands in the security header before the signature (MS-MDE2 3.3.4.1.1.1.2). */
export function certificateToken({ certificate }: UserCertificate, now: Date): Markup[] {
  const seconds = (date: Date) => `${date.toISOString().slice(0, 19)}Z`;
  const timestamp = element('u:Timestamp', [
    textElement('u:Created', seconds(now)),
    textElement('u:Expires', seconds(new Date(now.getTime() + GOOD_FOR_MS))),
  ]);
  const token = textElement('wsse:BinarySecurityToken', certificate.toString('base64'), {
    ValueType: X509,
    EncodingType: BASE64,
    'u:Id': TOKEN_ID,
  });
  return [timestamp, token];
}

/**
 * Signs a message as a whole, with the signature inside its security header (XML Signature, enveloped). The client names no
 * other transform, so the digest is over Canonical XML (XML Signature 4.4.3.2), and adds what KeyInfo holds afterwards.
 * In: the message with the header as `certificateToken` wrote it. Out: the message with the signature at the end of that header.
 */
export function signMessage(message: Buffer, { key }: UserCertificate): Buffer {
  const text = message.toString('utf8');
  const digest = createHash('sha256').update(canonicalXml(text, 'inclusive')).digest('base64');
  const algorithm = (name: string, uri: string) => element(name, undefined, { Algorithm: uri });
  const reference = element(
    'Reference',
    [
      element('Transforms', algorithm('Transform', `${DSIG}enveloped-signature`)),
      algorithm('DigestMethod', 'http://www.w3.org/2001/04/xmlenc#sha256'),
      textElement('DigestValue', digest),
    ],
    { URI: '' },
  );
  const method = algorithm('SignatureMethod', 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256');
  const parts = [algorithm('CanonicalizationMethod', EXCLUSIVE), method, reference];
  const value = sign(
    'sha256',
    Buffer.from(canonicalXml(element('SignedInfo', parts, { xmlns: DSIG }), 'exclusive')),
    key,
  );
  const keyInfo = element(
    'KeyInfo',
    element('wsse:SecurityTokenReference', element('wsse:Reference', undefined, { URI: TOKEN_ID, ValueType: X509 })),
  );
  const signature = element(
    'Signature',
    [element('SignedInfo', parts), textElement('SignatureValue', value.toString('base64')), keyInfo],
    { xmlns: DSIG },
  );
  return Buffer.from(text.replace('</wsse:Security>', () => `${signature}</wsse:Security>`));
}
