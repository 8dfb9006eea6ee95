import type { Policy } from '../catalogue/policy.ts';
import { LEAF_VALIDITY_DAYS } from '../certificates/leaf.ts';
import { RENEW_PERIOD_DAYS } from '../devices/renewal-window.ts';
import type { Envelope } from '../wire/soap.ts';
import { getPoliciesResponse, readGetPolicies } from '../wire/xcep.ts';
import type { SoapAnswer } from './answer-soap.ts';

const MINIMAL_KEY_LENGTH = 2048;

/**
 * Answers GetPolicies (MS-XCEP 3.1.4.1.1): key length and hash for the signing request. No credential is checked, since a
 * renewing device has none, and everyone gets the same answer.
 * @throws {SoapError} when the body is not a GetPolicies request
 */
export function answerPolicies(envelope: Envelope, { attestation }: Pick<Policy, 'attestation'>): SoapAnswer {
  readGetPolicies(envelope);
  const body = getPoliciesResponse({
    relatesTo: envelope.messageId,
    commonName: 'Lanyard',
    validityDays: LEAF_VALIDITY_DAYS,
    renewalDays: RENEW_PERIOD_DAYS,
    minimalKeyLength: MINIMAL_KEY_LENGTH,
    attestation,
  });
  return { body, event: 'The certificate policy was answered', facts: { attestation } };
}
