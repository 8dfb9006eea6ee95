import { POLICY } from './namespaces.ts';
import { type Envelope, expectBody, writeEnvelope } from './soap.ts';
import { Xml, xml } from './xml.ts';

const SERVICE = `${POLICY}/IPolicy`;
export const ACTION_GET_POLICIES = `${SERVICE}/GetPolicies`;

/** id-sha256. The client compares with the first oID of the document only, so there is one (MS-XCEP 3.1.4.1.3.16). */
const SHA256 = { oid: '2.16.840.1.101.3.4.2.1', name: 'szOID_NIST_sha256', group: 1, reference: 0 };
const SECONDS_PER_DAY = 86_400;

/**
 * Checks that the request is GetPolicies (MS-XCEP 3.1.4.1). Nothing in it changes the answer.
 *
 * @throws SoapError when the body is another
 */
export function readGetPolicies(envelope: Envelope): void {
  expectBody(envelope, 'GetPolicies', POLICY);
}

/** Where attestation is asked for: the providers in the device's order of trying, and what it does when it cannot (seconds). */
const PROVIDERS = ['Microsoft Platform Crypto Provider', 'Microsoft Software Key Storage Provider'];
const ATTESTATION_TIMEOUT = 100;

const nil = (...names: string[]) => names.map((name) => new Xml(`<${name} xsi:nil="true"/>`));

/**
 * Writes a GetPoliciesResponse (MS-XCEP 3.1.4.1.1.2, MS-MDE2 3.3.4.1.1.2) with one policy. What a device takes from it
 * is the key length and the hash of its signing request: SHA-256, without which Windows signs with SHA-1.
 *
 * @param v.minimalKeyLength bits of RSA
 * @param v.attestation asks the device for what its TPM says, and to go on without where it cannot: what is left out
 *   means that it tries again and again (MS-MDE2 3.3.4.1.1.2)
 */
export function getPoliciesResponse(v: {
  relatesTo?: string;
  commonName: string;
  validityDays: number;
  renewalDays: number;
  minimalKeyLength: number;
  attestation?: boolean;
}): Buffer {
  const validity = xml`<certificateValidity><validityPeriodSeconds>${v.validityDays * SECONDS_PER_DAY}</validityPeriodSeconds><renewalPeriodSeconds>${v.renewalDays * SECONDS_PER_DAY}</renewalPeriodSeconds></certificateValidity>`;
  const permission = xml`<permission><enroll>true</enroll><autoEnroll>false</autoEnroll></permission>`;
  const providers = v.attestation ? attestationAttributes() : nil('cryptoProviders');
  const privateKey = xml`<privateKeyAttributes><minimalKeyLength>${v.minimalKeyLength}</minimalKeyLength>${nil('keySpec', 'keyUsageProperty', 'permissions', 'algorithmOIDReference')}${providers}</privateKeyAttributes>`;
  const revision = xml`<revision><majorRevision>101</majorRevision><minorRevision>0</minorRevision></revision>`;
  const flags = nil('supersededPolicies', 'privateKeyFlags', 'subjectNameFlags', 'enrollmentFlags', 'generalFlags');
  const hash = xml`<hashAlgorithmOIDReference>${SHA256.reference}</hashAlgorithmOIDReference>`;
  const extensions = nil('rARequirements', 'keyArchivalAttributes', 'extensions');
  const attributes = xml`<attributes><commonName>${v.commonName}</commonName><policySchema>3</policySchema>${validity}${permission}${privateKey}${revision}${flags}${hash}${extensions}</attributes>`;
  const policy = xml`<policy><policyOIDReference>0</policyOIDReference>${nil('cAs')}${attributes}</policy>`;
  const response = xml`<response><policyID/>${nil('policyFriendlyName', 'nextUpdateHours', 'policiesNotChanged')}<policies>${policy}</policies></response>`;
  const oid = xml`<oID><value>${SHA256.oid}</value><group>${SHA256.group}</group><oIDReferenceID>${SHA256.reference}</oIDReferenceID><defaultName>${SHA256.name}</defaultName></oID>`;
  return writeEnvelope({
    action: `${SERVICE}/GetPoliciesResponse`,
    relatesTo: v.relatesTo,
    body: xml`<GetPoliciesResponse xmlns="${POLICY}">${response}${nil('cAs')}<oIDs>${oid}</oIDs></GetPoliciesResponse>`,
  });
}

function attestationAttributes(): Xml {
  const providers = PROVIDERS.map((name) => xml`<provider>${name}</provider>`);
  return xml`<cryptoProviders>${providers}</cryptoProviders><AttestationFailureBehavior>IgnoreOnError</AttestationFailureBehavior><OperationTimeout>${ATTESTATION_TIMEOUT}</OperationTimeout>`;
}
