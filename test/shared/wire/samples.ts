/** Requests as devices send them, written for these tests: names, numbers and keys are made up. */

const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
const ADDRESSING = 'http://www.w3.org/2005/08/addressing';
const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const TRUST = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';
const AUTHORIZATION = 'http://schemas.xmlsoap.org/ws/2006/12/authorization';
const DISCOVERY = 'http://schemas.microsoft.com/windows/management/2012/01/enrollment';
const POLICY = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy';
const ENROLLMENT = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment';

export const DEVICE_ID = '9C4E1B7A20D84F55A1B36E0D7F21C8AA';
export const MANAGEMENT_URL = 'https://manage.example.org/ManagementServer/MDM.svc';

export function envelope(v: { action?: string; messageId?: string; security?: string; body: string }): Buffer {
  const action = v.action === undefined ? '' : `<a:Action s:mustUnderstand="1">${v.action}</a:Action>`;
  const messageId = v.messageId === undefined ? '' : `<a:MessageID>${v.messageId}</a:MessageID>`;
  return Buffer.from(
    `<s:Envelope xmlns:s="${SOAP}" xmlns:a="${ADDRESSING}" xmlns:u="${WSU}" xmlns:wsse="${WSSE}" xmlns:wst="${TRUST}" xmlns:ac="${AUTHORIZATION}">` +
      `<s:Header>${action}${messageId}<a:ReplyTo><a:Address>http://www.w3.org/2005/08/addressing/anonymous</a:Address></a:ReplyTo>` +
      `<a:To s:mustUnderstand="1">https://Enroll.Example.org:443/EnrollmentServer/Any.svc</a:To>${v.security ?? ''}</s:Header>` +
      `<s:Body>${v.body}</s:Body></s:Envelope>`,
  );
}

export function usernameToken(username: string, password: string, typeAttribute = 'wsse:Type'): string {
  const passwordText =
    'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText';
  return (
    '<wsse:Security s:mustUnderstand="1"><wsse:UsernameToken u:Id="uuid-cc1ccc1f-2fba-4bcf-b063-ffc0cac77917-4">' +
    `<wsse:Username>${username}</wsse:Username><wsse:Password ${typeAttribute}="${passwordText}">${password}</wsse:Password>` +
    '</wsse:UsernameToken></wsse:Security>'
  );
}

export function binaryToken(valueType: string, token: string): string {
  return `<wsse:BinarySecurityToken ValueType="${valueType}" EncodingType="${WSSE}#base64binary">${token}</wsse:BinarySecurityToken>`;
}

export interface DiscoverParts {
  namespace?: string;
  version?: string | null;
  email?: string | null;
  policies?: string[];
}

export function discover({ namespace = DISCOVERY, version = '7.0', email, policies }: DiscoverParts = {}): Buffer {
  const offered = policies ?? ['OnPremise', 'Federated'];
  const request =
    (email === null ? '' : `<EmailAddress>${email ?? 'user@example.org'}</EmailAddress>`) +
    (version === null ? '' : `<RequestVersion>${version}</RequestVersion>`) +
    '<DeviceType>CIMClient_Windows</DeviceType><ApplicationVersion>10.0.26100.1742</ApplicationVersion><OSEdition>48</OSEdition>' +
    `<AuthPolicies>${offered.map((p) => `<AuthPolicy>${p}</AuthPolicy>`).join('')}</AuthPolicies>`;
  return envelope({
    action: `${DISCOVERY}/IDiscoveryService/Discover`,
    messageId: 'urn:uuid:748132ec-a575-4329-b01b-6171a9cf8478',
    body: `<Discover xmlns="${namespace}"><request xmlns:i="http://www.w3.org/2001/XMLSchema-instance">${request}</request></Discover>`,
  });
}

export function getPolicies(): Buffer {
  return envelope({
    action: `${POLICY}/IPolicy/GetPolicies`,
    messageId: 'urn:uuid:72048B64-0F19-448F-8C2E-B4C661860AA0',
    security: usernameToken('user@example.org', ''),
    body:
      `<GetPolicies xmlns="${POLICY}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><client><lastUpdate xsi:nil="true"/>` +
      '<preferredLanguage xsi:nil="true"/><TPMManufacturer>EXMP</TPMManufacturer></client><requestFilter xsi:nil="true"/></GetPolicies>',
  });
}

export interface TokenRequestParts {
  requestType?: string | null;
  token?: string | null;
  valueType?: string;
  security?: string;
  context?: [string, string][];
}

export function tokenRequest(v: TokenRequestParts = {}): Buffer {
  const type = v.requestType === undefined ? `${TRUST}/Issue` : v.requestType;
  const token = v.token === undefined ? Buffer.from('a signing request').toString('base64') : v.token;
  const items = (v.context ?? DEVICE_CONTEXT)
    .map(([name, value]) => `<ac:ContextItem Name="${name}"><ac:Value>${value}</ac:Value></ac:ContextItem>`)
    .join('');
  return envelope({
    action: `${ENROLLMENT}/RST/wstep`,
    messageId: 'urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749',
    security: v.security ?? usernameToken('user@example.org', 'K7QM-2ZTA-9XWB-4HRC'),
    body:
      '<wst:RequestSecurityToken><wst:TokenType>http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment/DeviceEnrollmentToken</wst:TokenType>' +
      (type === null ? '' : `<wst:RequestType>${type}</wst:RequestType>`) +
      (token === null ? '' : binaryToken(v.valueType ?? `${ENROLLMENT}#PKCS10`, token)) +
      `<ac:AdditionalContext xmlns="${AUTHORIZATION}">${items}</ac:AdditionalContext></wst:RequestSecurityToken>`,
  });
}

export const DEVICE_CONTEXT: [string, string][] = [
  ['UXInitiated', 'True'],
  ['HWDevID', '5d'.repeat(32)],
  ['Locale', 'de-CH'],
  ['TargetedUserLoggedIn', 'true'],
  ['OSEdition', '48'],
  ['DeviceName', 'PC-0001.example.org'],
  ['MAC', '02-00-00-00-00-01'],
  ['MAC', '02-00-00-00-00-02'],
  ['MAC', '02-00-00-00-00-01'],
  ['DeviceID', DEVICE_ID],
  ['EnrollmentType', 'Full'],
  ['DeviceType', 'CIMClient_Windows'],
  ['OSVersion', '10.0.26100.1742'],
  ['ApplicationVersion', '10.0.26100.1743'],
  ['NotInOobe', 'False'],
  ['SerialNumber', ' EX-00017 '],
];

export interface SyncMLParts {
  namespace?: string;
  header?: string;
  body: string;
  final?: boolean;
}

export function syncHdr(v: { sessionId?: string; msgId?: string; source?: string; more?: string } = {}): string {
  return (
    `<VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${v.sessionId ?? '1'}</SessionID><MsgID>${v.msgId ?? '1'}</MsgID>` +
    `<Target><LocURI>${MANAGEMENT_URL}</LocURI></Target>` +
    `<Source>${v.source ?? `<LocURI>${DEVICE_ID}</LocURI>`}</Source>${v.more ?? ''}`
  );
}

export function syncML({
  namespace = 'SYNCML:SYNCML1.2',
  header = syncHdr(),
  body,
  final = true,
}: SyncMLParts): Buffer {
  return Buffer.from(
    `<?xml version="1.0" encoding="utf-8"?><SyncML xmlns="${namespace}" xmlns:msft="http://schemas.microsoft.com/MobileDevice/MDM">` +
      `<SyncHdr>${header}</SyncHdr><SyncBody>${body}${final ? '<Final/>' : ''}</SyncBody></SyncML>`,
  );
}

const devInfo = (name: string, value: string) =>
  `<Item><Source><LocURI>./DevInfo/${name}</LocURI></Source><Data>${value}</Data></Item>`;

/** Package 1 of a session that the device opens: CmdIDs begin with 2, DmV is 1.3. */
export const PACKAGE_1 =
  '<Alert><CmdID>2</CmdID><Data>1201</Data></Alert>' +
  '<Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data></Item></Alert>' +
  `<Replace><CmdID>4</CmdID>${devInfo('DevId', DEVICE_ID)}${devInfo('Man', 'Example')}${devInfo('Mod', 'Model 7')}${devInfo('DmV', '1.3')}${devInfo('Lang', 'de-CH')}</Replace>`;
