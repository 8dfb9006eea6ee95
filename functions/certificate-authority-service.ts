import { useAuthority } from './services.ts';

/** Loaded by the apps that have a certificate authority. What signs is loaded with the first certificate that is wanted. */
useAuthority(async ({ ca }) => {
  const { openCertificateAuthority } = await import('../shared/certificates/certificate-authority.ts');
  return openCertificateAuthority(ca);
});
