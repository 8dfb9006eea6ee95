/** Namespaces and the constant URIs of the enrollment and management languages. */

export const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
export const ADDRESSING = 'http://www.w3.org/2005/08/addressing';
export const DIAGNOSTICS = 'http://schemas.microsoft.com/2004/09/ServiceModel/Diagnostics';
export const XSI = 'http://www.w3.org/2001/XMLSchema-instance';
export const XSD = 'http://www.w3.org/2001/XMLSchema';

const WSS = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss';
export const WSSE = `${WSS}-wssecurity-secext-1.0.xsd`;
export const WSU = `${WSS}-wssecurity-utility-1.0.xsd`;
/** What a BinarySecurityToken of the security header holds: a certificate, or a token of Microsoft Entra */
export const X509_TOKEN = `${WSS}-x509-token-profile-1.0#X509v3`;
export const JWT_TOKEN = 'urn:ietf:params:oauth:token-type:jwt';
export const BASE64_BINARY = `${WSSE}#base64binary`;

/** XML Signature (W3C) and the algorithms that a signed request may use (MS-MDE2 3.3.4.1.1.1.2) */
export const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
export const ENVELOPED_SIGNATURE = `${DSIG}enveloped-signature`;
export const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
export const INCLUSIVE_C14N = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';
export const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
export const SHA256_DIGEST = 'http://www.w3.org/2001/04/xmlenc#sha256';

/** MS-MDE2 2.2.1; the client sends it without a slash at the end, samples show one */
export const DISCOVERY = 'http://schemas.microsoft.com/windows/management/2012/01/enrollment';
/** MS-XCEP 2.2.1 */
export const POLICY = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollmentpolicy';
/** MS-WSTEP 2.2.1; also the namespace of DeviceEnrollmentServiceError */
export const ENROLLMENT = 'http://schemas.microsoft.com/windows/pki/2009/01/enrollment';
/** WS-Trust 1.3 */
export const TRUST = 'http://docs.oasis-open.org/ws-sx/ws-trust/200512';
/** of AdditionalContext and ContextItem (MS-MDE2 3.4.4.1.1.1) */
export const AUTHORIZATION = 'http://schemas.xmlsoap.org/ws/2006/12/authorization';

const CONFIGURATION_MANAGER = 'http://schemas.microsoft.com/5.0.0.0/ConfigurationManager/Enrollment';
export const DEVICE_ENROLLMENT_TOKEN = `${CONFIGURATION_MANAGER}/DeviceEnrollmentToken`;
/** The ValueType of what our sign-in page gave to Windows (MS-MDE2 3.4) */
export const USER_TOKEN = `${CONFIGURATION_MANAGER}/DeviceEnrollmentUserToken`;
export const PROVISION_DOCUMENT = `${CONFIGURATION_MANAGER}/DeviceEnrollmentProvisionDoc`;

export const SYNCML_1_1 = 'SYNCML:SYNCML1.1';
export const SYNCML_1_2 = 'SYNCML:SYNCML1.2';
export const METINF = 'syncml:metinf';
