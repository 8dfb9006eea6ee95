import { certificateToken, signMessage, type UserCertificate } from './signed-request.ts';
import { element, escapeXml, type Markup, textElement } from './xml-writer.ts';

export const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
export const BASE64 = `${WSSE}#base64binary`;

/** How the person proves who they are in GetPolicies and RequestSecurityToken (MS-MDE2 3.3.4.1.1.1, 3.4.4.1.1.1). */
export type Credential =
  | { kind: 'password'; user: string; secret: string }
  /** the text that the sign-in page posted as `wresult` */
  | { kind: 'federated'; token: string }
  /** a JWT of Entra */
  | { kind: 'entra'; token: string }
  /** the user's certificate, with which each message is signed at this time */
  | { kind: 'certificate'; certificate: UserCertificate; now: Date };

/** The SOAP 1.2 envelope of all three calls. `a:To` names the port, also where it is the usual one, as the client does. */
export function envelope(v: {
  action: string;
  messageId: string;
  to: string;
  security?: Markup;
  namespaces?: Record<string, string>;
  body: Markup;
}): Buffer {
  const header = element('s:Header', [
    textElement('a:Action', v.action, { 's:mustUnderstand': '1' }),
    textElement('a:MessageID', v.messageId),
    element('a:ReplyTo', textElement('a:Address', 'http://www.w3.org/2005/08/addressing/anonymous')),
    textElement('a:To', withPort(v.to), { 's:mustUnderstand': '1' }),
    ...(v.security ? [v.security] : []),
  ]);
  const root = element('s:Envelope', [header, element('s:Body', v.body)], {
    'xmlns:s': 'http://www.w3.org/2003/05/soap-envelope',
    'xmlns:a': 'http://www.w3.org/2005/08/addressing',
    ...v.namespaces,
  });
  return Buffer.from(root);
}

function withPort(address: string): string {
  const url = new URL(address);
  return `${url.protocol}//${url.hostname}:${url.port || 443}${url.pathname}${url.search}`;
}

export const SECURITY_NAMESPACES = { 'xmlns:wsse': WSSE, 'xmlns:u': WSU };

/** The `wsse:Security` header. The Type of a password is in the wsse namespace, unlike in the standard. */
export function securityHeader(credential: Credential): Markup {
  if (credential.kind === 'certificate') {
    const token = certificateToken(credential.certificate, credential.now);
    return element('wsse:Security', token, { 's:mustUnderstand': '1' });
  }
  return element(
    'wsse:Security',
    credential.kind === 'password' ? usernameToken(credential) : binaryToken(credential),
    {
      's:mustUnderstand': '1',
    },
  );
}

/** The message as it goes out: signed where the credential is a certificate. */
export function sealed(message: Buffer, credential: Credential): Buffer {
  return credential.kind === 'certificate' ? signMessage(message, credential.certificate) : message;
}

function usernameToken(credential: { user: string; secret: string }): Markup {
  return element(
    'wsse:UsernameToken',
    [
      textElement('wsse:Username', credential.user),
      element('wsse:Password', escapeXml(credential.secret), {
        'wsse:Type': 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText',
      }),
    ],
    { 'u:Id': 'uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4' },
  );
}

function binaryToken(credential: { kind: 'federated' | 'entra'; token: string }): Markup {
  return textElement('wsse:BinarySecurityToken', Buffer.from(credential.token).toString('base64'), {
    ValueType:
      credential.kind === 'entra'
        ? 'urn:ietf:params:oauth:token-type:jwt'
        : 'http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentUserToken',
    EncodingType: BASE64,
  });
}
