import { X509Certificate } from 'node:crypto';
import { adminDoor } from './admin-door.ts';

/**
 * `POST /api/certificate-authority`: makes the device root and the issuing CA if there are none, and makes the issuing
 * certificate known to the app that checks devices. Called after each deployment; repeating it changes nothing.
 */
adminDoor('certificate-authority', {
  route: 'api/certificate-authority',
  methods: ['POST'],
  authLevel: 'admin',
  async handler({ services }) {
    const ca = await services.ca();
    await services.catalogue.publishCertificate(ca.issuingCertificate);
    const [root, issuing] = [ca.rootCertificate, ca.issuingCertificate].map((der) =>
      describe(new X509Certificate(der)),
    );
    return { status: 200, value: { root, issuing }, audit: { act: 'publish CA', subject: issuing?.thumbprint ?? '' } };
  },
});

function describe(certificate: X509Certificate) {
  const { subject, fingerprint256, validTo } = certificate;
  return {
    subject,
    thumbprint: fingerprint256.replaceAll(':', '').toLowerCase(),
    notAfter: new Date(validTo).toISOString(),
  };
}
