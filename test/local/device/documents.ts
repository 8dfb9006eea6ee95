import { type KeyObject, randomBytes } from 'node:crypto';
import { CLIENT_AUTHENTICATION, type Issuer, issue, newIssuer, sha1 } from './certificates.ts';

/** Good documents of an enrollment server, written for these tests. */

const soap = (action: string, relatesTo: string, body: string): string =>
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">` +
  `<s:Header><a:Action s:mustUnderstand="1">${action}</a:Action><a:RelatesTo>${relatesTo}</a:RelatesTo></s:Header>` +
  `<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">${body}</s:Body></s:Envelope>`;

const DISCOVERY = 'http://schemas.microsoft.com/windows/management/2012/01/enrollment';
const POLICY = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy';
const ENROLLMENT = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment';

export function discoverResponse(origin: string): string {
  return soap(
    `${DISCOVERY}/IDiscoveryService/DiscoverResponse`,
    'urn:uuid:748132ec-a575-4329-b01b-6171a9cf8478',
    `<DiscoverResponse xmlns="${DISCOVERY}"><DiscoverResult><AuthPolicy>OnPremise</AuthPolicy>` +
      `<EnrollmentVersion>4.0</EnrollmentVersion>` +
      `<EnrollmentPolicyServiceUrl>${origin}/EnrollmentServer/Policy.svc</EnrollmentPolicyServiceUrl>` +
      `<EnrollmentServiceUrl>${origin}/EnrollmentServer/Enrollment.svc</EnrollmentServiceUrl>` +
      `</DiscoverResult></DiscoverResponse>`,
  );
}

export function policiesResponse(): string {
  return soap(
    `${POLICY}/IPolicy/GetPoliciesResponse`,
    'urn:uuid:72048B64-0F19-448F-8C2E-B4C661860AA0',
    `<GetPoliciesResponse xmlns="${POLICY}"><response><policyID/><policies><policy><attributes>` +
      `<policySchema>3</policySchema><privateKeyAttributes><minimalKeyLength>2048</minimalKeyLength>` +
      `<cryptoProviders xsi:nil="true"/></privateKeyAttributes>` +
      `<hashAlgorithmOIDReference>0</hashAlgorithmOIDReference></attributes></policy></policies></response>` +
      `<cAs xsi:nil="true"/><oIDs><oID><value>2.16.840.1.101.3.4.2.1</value><group>1</group>` +
      `<oIDReferenceID>0</oIDReferenceID><defaultName>szOID_NIST_sha256</defaultName></oID></oIDs></GetPoliciesResponse>`,
  );
}

export function tokenResponse(provisioning: string): string {
  const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
  return soap(
    `${ENROLLMENT}/RSTRC/wstep`,
    'urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749',
    `<RequestSecurityTokenResponseCollection xmlns="http://docs.oasis-open.org/ws-sx/ws-trust/200512">` +
      `<RequestSecurityTokenResponse><RequestedSecurityToken><BinarySecurityToken xmlns="${wsse}">` +
      `${Buffer.from(provisioning).toString('base64')}</BinarySecurityToken></RequestedSecurityToken>` +
      `</RequestSecurityTokenResponse></RequestSecurityTokenResponseCollection>`,
  );
}

export function faultDocument(v: { errorType?: string; subcode?: string; reason?: string; traceId?: string }): string {
  const detail =
    v.errorType === undefined
      ? ''
      : `<s:Detail><DeviceEnrollmentServiceError xmlns="${ENROLLMENT}"><ErrorType>${v.errorType}</ErrorType>` +
        `<Message>m</Message><TraceId>${v.traceId ?? ''}</TraceId></DeviceEnrollmentServiceError></s:Detail>`;
  return soap(
    `${ENROLLMENT}/rstrc/wstep`,
    'urn:uuid:0d5a1441-5891-453b-becf-a2e5f6ea3749',
    `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>${v.subcode ?? 's:Authorization'}</s:Value>` +
      `</s:Subcode></s:Code><s:Reason><s:Text xml:lang="en-US">${v.reason ?? 'no'}</s:Text></s:Reason>${detail}</s:Fault>`,
  );
}

export interface Authority {
  root: Issuer;
  issuing: Issuer;
  rootDer: Buffer;
  issuingDer: Buffer;
}

export function newAuthority(): Authority {
  const root = newIssuer('Device Root');
  const issuing = newIssuer('Device Issuing CA');
  const usages = [CLIENT_AUTHENTICATION];
  return {
    root,
    issuing,
    rootDer: issue({ subject: root.name, publicKey: root.publicKey, issuer: root, ca: true, usages }),
    issuingDer: issue({ subject: issuing.name, publicKey: issuing.publicKey, issuer: root, ca: true, usages }),
  };
}

export function newLeaf(authority: Authority, enrollmentId: string, publicKey: KeyObject): Buffer {
  return issue({ subject: enrollmentId, publicKey, issuer: authority.issuing, usages: [CLIENT_AUTHENTICATION] });
}

const nonce = () => randomBytes(16).toString('base64');

export function provisioningDocument(v: {
  authority: Authority;
  leaf: Buffer;
  enrollmentId: string;
  managementUrl: string;
}): string {
  const node = (der: Buffer) =>
    `<characteristic type="${sha1(der)}"><parm name="EncodedCertificate" value="${der.toString('base64')}"/></characteristic>`;
  return (
    `<wap-provisioningdoc version="1.1"><characteristic type="CertificateStore">` +
    `<characteristic type="Root"><characteristic type="System">${node(v.authority.rootDer)}</characteristic></characteristic>` +
    `<characteristic type="CA"><characteristic type="System">${node(v.authority.issuingDer)}</characteristic></characteristic>` +
    `<characteristic type="My"><characteristic type="User">${node(v.leaf)}<characteristic type="PrivateKeyContainer"/></characteristic>` +
    `<characteristic type="WSTEP"><characteristic type="Renew"><parm name="ROBOSupport" value="true" datatype="boolean"/>` +
    `<parm name="RenewPeriod" value="60" datatype="integer"/><parm name="RetryInterval" value="4" datatype="integer"/>` +
    `</characteristic></characteristic></characteristic></characteristic>` +
    `<characteristic type="APPLICATION"><parm name="APPID" value="w7"/><parm name="PROVIDER-ID" value="Test"/>` +
    `<parm name="NAME" value="Test MDM"/><parm name="ADDR" value="${v.managementUrl}"/><parm name="PROTOVER" value="1.2"/>` +
    `<parm name="CONNRETRYFREQ" value="6"/><parm name="BACKCOMPATRETRYDISABLED"/>` +
    `<parm name="DEFAULTENCODING" value="application/vnd.syncml.dm+xml"/>` +
    `<parm name="SSLCLIENTCERTSEARCHCRITERIA" value="Subject=CN%3D${v.enrollmentId}&amp;Stores=My%5CUser"/>` +
    `<characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="APPSRV"/><parm name="AAUTHTYPE" value="DIGEST"/>` +
    `<parm name="AAUTHNAME" value="${v.enrollmentId}"/><parm name="AAUTHSECRET" value="device-secret"/>` +
    `<parm name="AAUTHDATA" value="${nonce()}"/></characteristic>` +
    `<characteristic type="APPAUTH"><parm name="AAUTHLEVEL" value="CLIENT"/><parm name="AAUTHTYPE" value="DIGEST"/>` +
    `<parm name="AAUTHNAME" value="Test"/><parm name="AAUTHSECRET" value="server-secret"/>` +
    `<parm name="AAUTHDATA" value="${nonce()}"/></characteristic></characteristic>` +
    `<characteristic type="DMClient"><characteristic type="Provider"><characteristic type="Test">` +
    `<parm name="UPN" value="ann@contoso.example" datatype="string"/><parm name="EntDeviceName" value="PC-1" datatype="string"/>` +
    `<parm name="EntDMID" value="${v.enrollmentId}" datatype="string"/><characteristic type="Poll">` +
    `<parm name="IntervalForFirstSetOfRetries" value="15" datatype="integer"/><parm name="NumberOfFirstRetries" value="5" datatype="integer"/>` +
    `<parm name="IntervalForSecondSetOfRetries" value="60" datatype="integer"/><parm name="NumberOfSecondRetries" value="10" datatype="integer"/>` +
    `<parm name="IntervalForRemainingScheduledRetries" value="480" datatype="integer"/>` +
    `<parm name="NumberOfRemainingScheduledRetries" value="0" datatype="integer"/>` +
    `<parm name="PollOnLogin" value="true" datatype="boolean"/></characteristic></characteristic></characteristic></characteristic>` +
    `</wap-provisioningdoc>`
  );
}
