import type { AuthorityPlace } from '../../shared/certificates/authority-administration.ts';
import { CertificateAuthorityError } from '../../shared/certificates/certificate-authority-error.ts';
import type { KeyPlace } from '../../shared/certificates/key-place.ts';
import { badRequest, conflict, Problem, serviceUnavailable } from '../../shared/platform/problem.ts';
import { appIdentity } from '../../shared/storage/credential.ts';
import type { Services } from '../services.ts';

let opening: Promise<KeyPlace> | undefined;

/** The place of the CA keys of this deployment, with the records that the other apps read. */
export async function authorityPlace({ settings, catalogue }: Services): Promise<AuthorityPlace> {
  opening ??= openPlace(settings.ca).catch((error) => {
    opening = undefined;
    throw error;
  });
  return {
    keys: await opening,
    records: {
      read: () => catalogue.read(),
      publish: ({ certificate, root, key }) => catalogue.publishCertificate(certificate, { root, key }),
      awaitOwnRoot: (since) => catalogue.awaitOwnRoot(since),
    },
  };
}

async function openPlace(setting: string): Promise<KeyPlace> {
  const { openKeyPlace } = await import('../../shared/certificates/open-key-place.ts');
  return openKeyPlace(setting, appIdentity());
}

/** Turns what can go wrong with the certificate authority into the answer of the admin API. */
export async function withAuthorityProblems<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw toProblem(error);
  }
}

function toProblem(error: unknown): unknown {
  if (error instanceof CertificateAuthorityError) {
    return error.passing
      ? serviceUnavailable(error.message, 60)
      : new Problem(502, 'Certificate authority', error.message);
  }
  // by name, so that the X.509 libraries behind these classes are not loaded with the app
  if (!(error instanceof Error)) return error;
  if (error.name === 'AuthorityConflict') return conflict(error.message);
  if (error.name === 'OwnRootError') return badRequest([{ field: '', message: error.message }]);
  return error;
}
