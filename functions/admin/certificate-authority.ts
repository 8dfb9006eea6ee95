import { X509Certificate } from 'node:crypto';
import * as z from 'zod';
import type { AuthorityPlace } from '../../shared/certificates/authority-administration.ts';
import { type Due, dueActions, viewIssuers } from '../../shared/certificates/authority-dates.ts';
import { currentIssuer } from '../../shared/certificates/issuers.ts';
import { sha256Thumbprint } from '../../shared/certificates/thumbprint.ts';
import { readBody, readOptionalJson } from '../../shared/platform/body.ts';
import { notFound } from '../../shared/platform/problem.ts';
import type { Services } from '../services.ts';
import { type AdminCall, type AdminResult, adminDoor } from './admin-door.ts';
import { authorityPlace, withAuthorityProblems } from './authority-place.ts';

/** Rights: the state may be read with any key; what changes the CA asks for the master key. */

const MAX_BODY = 16 * 1024;
const MAX_CERTIFICATES = 64 * 1024;

const whichRoot = z.strictObject({ root: z.enum(['lanyard', 'own']).default('lanyard') });
const nextRoot = z.strictObject({ root: z.enum(['current', 'new', 'own']).default('current') });

/** `GET`: which CAs there are, which of them signs, and what is due. */
adminDoor('certificate-authority-state', {
  route: 'api/certificate-authority',
  methods: ['GET'],
  handler: async (call) => ({ status: 200, value: await stateOf(call) }),
});

/**
 * `POST`: makes the device root and the issuing CA if there are none, and makes the issuing certificate known to the other
 * apps. Called after each deployment; repeating it changes nothing.
 */
adminDoor('certificate-authority', {
  route: 'api/certificate-authority',
  methods: ['POST'],
  authLevel: 'admin',
  handler: (call) =>
    administer(call, async (place, administration) => {
      const { root } = await readOptionalJson(call.request, whichRoot, MAX_BODY);
      const { authorities } = await call.services.catalogue.read();
      if (root === 'own' && authorities.length === 0) {
        await administration.requestOwnRoot(place, call.now);
        return changed(call, 'request a certificate of the own root', 202);
      }
      await administration.ensureAuthority(place, call.now);
      return changed(call, 'publish CA');
    }),
});

/** `POST …/roll-over`: makes the next issuing CA, or the signing request for it. */
adminDoor('certificate-authority-roll-over', {
  route: 'api/certificate-authority/roll-over',
  methods: ['POST'],
  authLevel: 'admin',
  handler: (call) =>
    administer(call, async (place, administration) => {
      const { root } = await readOptionalJson(call.request, nextRoot, MAX_BODY);
      if (root === 'own') {
        await administration.requestOwnRoot(place, call.now);
        return changed(call, 'request a certificate of the own root', 202);
      }
      await administration.rollOver(place, root, call.now);
      return changed(call, `roll over below the ${root} root`);
    }),
});

/** `GET …/signing-request`: the request that the organisation's own root is to sign. */
adminDoor('certificate-authority-signing-request', {
  route: 'api/certificate-authority/signing-request',
  methods: ['GET'],
  authLevel: 'admin',
  handler: (call) =>
    administer(call, async (place, administration) => {
      const request = await administration.awaitedSigningRequest(place);
      if (!request) throw notFound('No signing request waits for a certificate.');
      const { requestPem } = await import('../../shared/certificates/certification-request.ts');
      return { status: 200, value: { signingRequest: requestPem(request) } };
    }),
});

/** `DELETE …/signing-request`: gives the request up, and its key. */
adminDoor('certificate-authority-give-up', {
  route: 'api/certificate-authority/signing-request',
  methods: ['DELETE'],
  authLevel: 'admin',
  handler: (call) =>
    administer(call, async (place, administration) => {
      if (!(await administration.giveUpOwnRoot(place))) throw notFound('No signing request waits for a certificate.');
      return changed(call, 'give up the request for the own root');
    }),
});

/** `PUT …/issuing-certificate`: installs what the organisation's own root signed, with the root. The body is PEM, DER or PKCS #7. */
adminDoor('certificate-authority-install', {
  route: 'api/certificate-authority/issuing-certificate',
  methods: ['PUT'],
  authLevel: 'admin',
  handler: (call) =>
    administer(call, async (place, administration) => {
      const { readCertificates } = await import('../../shared/certificates/certificate-chain.ts');
      const certificates = readCertificates(await readBody(call.request, MAX_CERTIFICATES));
      await administration.installOwnRoot(place, certificates, call.now);
      return changed(call, 'install the certificate of the own root');
    }),
});

type Administration = typeof import('../../shared/certificates/authority-administration.ts');

/** Decides on what is stored now, and not on what this instance read a minute ago. */
function administer(
  call: AdminCall,
  act: (place: AuthorityPlace, administration: Administration) => Promise<AdminResult>,
): Promise<AdminResult> {
  return withAuthorityProblems(async () => {
    call.services.catalogue.forget();
    const administration = await import('../../shared/certificates/authority-administration.ts');
    return act(await authorityPlace(call.services), administration);
  });
}

async function changed(call: AdminCall, act: string, status = 200): Promise<AdminResult> {
  const value = await stateOf(call);
  return { status, value, audit: { act, subject: value.issuing?.thumbprint ?? '' } };
}

async function stateOf({ services, now }: Pick<AdminCall, 'now'> & { services: Pick<Services, 'catalogue'> }) {
  const { authorities, awaitingOwnRoot } = await services.catalogue.read();
  const current = currentIssuer(authorities, now);
  return {
    ...(current && { root: describe(current.root), issuing: describe(current.certificate) }),
    issuers: viewIssuers(authorities, now),
    due: dueActions(authorities, now).map(({ ends, ...rest }: Due) => ({ ...rest, ends: ends.toISOString() })),
    ...(awaitingOwnRoot && { awaitingOwnRoot }),
  };
}

function describe(der: Buffer) {
  const { subject, validTo } = new X509Certificate(der);
  return { subject, thumbprint: sha256Thumbprint(der), notAfter: new Date(validTo).toISOString() };
}
