import { X509Certificate } from 'node:crypto';
import * as z from 'zod';
import { template } from './template.ts';

const STORES = { root: 'Root', intermediate: 'CA', publisher: 'TrustedPublisher', people: 'TrustedPeople' };

/** RootCATrustedCertificates CSP (Microsoft Learn): the name of a node is the SHA-1 thumbprint of the certificate. */
export const certificateTrust = template({
  name: 'certificate-trust',
  title: 'Trusted certificates',
  summary: 'Makes the PC trust certificates, e.g. of your own certificate authority.',
  notes: ['Whoever has the key of a trusted root can pretend to be any web site to this PC.'],
  secrets: [],
  atomic: false,
  input: z.strictObject({
    certificates: z
      .array(
        z.strictObject({
          store: z.enum(['root', 'intermediate', 'publisher', 'people']).default('root'),
          /** One certificate: PEM, or DER in base64. */
          certificate: z.string().max(16_384).refine(isCertificate, 'must be one X.509 certificate, in PEM or base64'),
        }),
      )
      .min(1)
      .max(20),
  }),
  settings: ({ certificates }) =>
    certificates.map(({ store, certificate }) => {
      const { raw, fingerprint } = readCertificate(certificate);
      const thumbprint = fingerprint.replaceAll(':', '');
      const target = `./Device/Vendor/MSFT/RootCATrustedCertificates/${STORES[store]}/${thumbprint}/EncodedCertificate`;
      return { target, value: raw.toString('base64'), format: 'b64' };
    }),
});

/** @throws Error for what is none */
function readCertificate(text: string): X509Certificate {
  return new X509Certificate(text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64'));
}

function isCertificate(text: string): boolean {
  try {
    readCertificate(text);
    return text.split('-----BEGIN').length <= 2;
  } catch {
    return false;
  }
}
