import { X509Certificate } from 'node:crypto';
import * as z from 'zod';

/** One CA certificate, PEM: exactly one, so that what is trusted can be seen. */
const issuer = z
  .string()
  .trim()
  .max(8_192)
  .superRefine((pem, context) => {
    const wrong = whyNoIssuer(pem);
    if (wrong !== undefined) context.addIssue({ code: 'custom', message: wrong });
  });

/** Whose certificates enroll devices: smart cards, user certificates of an own CA. */
export const certificatesSchema = z
  .strictObject({
    /** Certificates of the issuing CAs; those of CAs above them are needed for no check and may be left out. */
    issuers: z.array(issuer).max(10).default([]),
  })
  .prefault({});

function whyNoIssuer(pem: string): string | undefined {
  if (!/^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----$/.test(pem)) {
    return 'must be one certificate in PEM, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----';
  }
  try {
    return new X509Certificate(pem).ca ? undefined : 'is not the certificate of a CA';
  } catch {
    return 'cannot be read as a certificate';
  }
}
