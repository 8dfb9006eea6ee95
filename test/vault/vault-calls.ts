import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Right } from './vault.ts';
import {
  type CertificatePolicy,
  type Operation,
  type VaultObjects,
  VaultRefusal,
  type Version,
} from './vault-objects.ts';

export interface VaultAnswer {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

interface Parts {
  vault: { url: string; objects: VaultObjects };
  name: string;
  version: string;
  body: Record<string, unknown>;
}

interface Route {
  method: string;
  path: RegExp;
  right: Right;
  answer(parts: Parts): VaultAnswer | Promise<VaultAnswer>;
}

/**
 * Answers one call of the data plane: first the challenge, then the api-version, then the right, then the work, which is the
 * order in which the service looks.
 *
 * @param allow told the operation and the object's name; throws what is to be answered instead
 */
export async function answerVaultCall(call: {
  vault: Parts['vault'];
  request: IncomingMessage;
  authenticated: boolean;
  allow(right: Right, name: string): void;
}): Promise<VaultAnswer> {
  const { vault, request } = call;
  const bytes = await buffer(request);
  if (!call.authenticated) return challenge();
  const url = new URL(request.url!, vault.url);
  if (!/^(7\.[0-9]|20[0-9]{2}-[0-9]{2}-[0-9]{2})/.test(url.searchParams.get('api-version') ?? '')) {
    throw new VaultRefusal(400, 'BadParameter', 'The api-version query parameter is missing or not supported.');
  }
  for (const route of ROUTES) {
    const match = request.method === route.method ? route.path.exec(url.pathname) : null;
    if (!match) continue;
    const [, name = '', version = ''] = match;
    call.allow(route.right, name);
    return route.answer({ vault, name, version, body: bytes.length > 0 ? JSON.parse(String(bytes)) : {} });
  }
  throw new VaultRefusal(404, 'NotFound', `${request.method} ${url.pathname} is not served by this vault.`);
}

/** The name of the resource is a suffix of the vault's own, as in Azure: the SDK looks at that. */
function challenge(): VaultAnswer {
  const authenticate =
    'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.localhost"';
  const body = { error: { code: 'Unauthorized', message: 'AKV10000: Request is missing a Bearer or PoP token.' } };
  return { status: 401, headers: { 'www-authenticate': authenticate }, body };
}

const ROUTES: Route[] = [
  {
    method: 'POST',
    path: /^\/certificates\/([^/]+)\/create$/,
    right: 'certificates/create',
    async answer({ vault, name, body }) {
      const { policy = {}, tags = {} } = body as { policy?: CertificatePolicy; tags?: Record<string, string> };
      const operation = await vault.objects.create(name, policy, tags);
      return { status: 202, body: operationBody(vault.url, name, operation) };
    },
  },
  {
    method: 'GET',
    path: /^\/certificates\/([^/]+)\/pending$/,
    right: 'certificates/get',
    answer: ({ vault, name }) => ({
      status: 200,
      body: operationBody(vault.url, name, vault.objects.operation(name)),
    }),
  },
  {
    method: 'PATCH',
    path: /^\/certificates\/([^/]+)\/pending$/,
    right: 'certificates/update',
    answer({ vault, name }) {
      const operation = vault.objects.operation(name);
      operation.status = 'cancelled';
      return { status: 200, body: operationBody(vault.url, name, operation) };
    },
  },
  {
    method: 'DELETE',
    path: /^\/certificates\/([^/]+)\/pending$/,
    right: 'certificates/update',
    answer: ({ vault, name }) => ({
      status: 200,
      body: operationBody(vault.url, name, vault.objects.deleteOperation(name)),
    }),
  },
  {
    method: 'POST',
    path: /^\/certificates\/([^/]+)\/pending\/merge$/,
    right: 'certificates/create',
    answer({ vault, name, body }) {
      const chain = ((body['x5c'] as string[] | undefined) ?? []).map((text) => Buffer.from(text, 'base64'));
      return { status: 201, body: certificateBody(vault.url, name, vault.objects.merge(name, chain)) };
    },
  },
  {
    method: 'GET',
    path: /^\/certificates\/([^/]+)\/versions$/,
    right: 'certificates/list',
    answer: ({ vault, name }) => ({ status: 200, body: { value: versionItems(vault, name), nextLink: null } }),
  },
  {
    method: 'GET',
    path: /^\/certificates\/([^/]+)(?:\/([^/]*))?$/,
    right: 'certificates/get',
    answer: ({ vault, name, version }) => ({
      status: 200,
      body: certificateBody(vault.url, name, vault.objects.version(name, version)),
    }),
  },
  {
    method: 'PATCH',
    path: /^\/certificates\/([^/]+)(?:\/([^/]*))?$/,
    right: 'certificates/update',
    answer({ vault, name, version, body }) {
      const found = vault.objects.version(name, version);
      found.enabled = (body['attributes'] as { enabled?: boolean } | undefined)?.enabled ?? found.enabled;
      return { status: 200, body: certificateBody(vault.url, name, found) };
    },
  },
  {
    method: 'DELETE',
    path: /^\/certificates\/([^/]+)$/,
    right: 'certificates/delete',
    answer({ vault, name }) {
      const last = vault.objects.version(name, '');
      vault.objects.softDelete(name);
      const recoveryId = `${vault.url}/deletedcertificates/${name}`;
      return { status: 200, body: { recoveryId, ...certificateBody(vault.url, name, last) } };
    },
  },
  {
    method: 'POST',
    path: /^\/deletedcertificates\/([^/]+)\/recover$/,
    right: 'certificates/recover',
    answer({ vault, name }) {
      vault.objects.recover(name);
      return { status: 200, body: certificateBody(vault.url, name, vault.objects.version(name, '')) };
    },
  },
  {
    method: 'DELETE',
    path: /^\/deletedcertificates\/([^/]+)$/,
    right: 'certificates/purge',
    answer({ vault, name }) {
      vault.objects.purge(name);
      return { status: 204 };
    },
  },
  {
    method: 'POST',
    path: /^\/keys\/([^/]+)\/([^/]*)\/sign$/,
    right: 'keys/sign',
    answer({ vault, name, version, body }) {
      const { alg, value } = body as { alg: string; value: string };
      const signature = vault.objects.sign(name, version, alg, Buffer.from(value, 'base64url'));
      const kid = keyId(vault.url, name, vault.objects.version(name, version));
      return { status: 200, body: { kid, value: signature.toString('base64url') } };
    },
  },
  {
    method: 'GET',
    path: /^\/keys\/([^/]+)(?:\/([^/]*))?$/,
    right: 'keys/get',
    answer({ vault, name, version }) {
      const found = vault.objects.version(name, version);
      const { n, e } = found.publicKey.export({ format: 'jwk' });
      const key_ops = ['sign', 'verify', 'wrapKey', 'unwrapKey', 'encrypt', 'decrypt'];
      const key = { kid: keyId(vault.url, name, found), kty: 'RSA', key_ops, n, e };
      return { status: 200, body: { key, attributes: attributes(found), managed: true } };
    },
  },
];

const keyId = (url: string, name: string, { id }: Version) => `${url}/keys/${name}/${id}`;

function operationBody(url: string, name: string, operation: Operation): Record<string, unknown> {
  const { status, csr, requestId } = operation;
  return {
    id: `${url}/certificates/${name}/pending`,
    issuer: { name: 'Unknown' },
    csr: csr.toString('base64'),
    cancellation_requested: status === 'cancelled',
    status,
    request_id: requestId,
    ...(status === 'completed' && { target: `${url}/certificates/${name}` }),
  };
}

function certificateBody(url: string, name: string, version: Version): Record<string, unknown> {
  const { certificate } = version;
  return {
    id: `${url}/certificates/${name}/${version.id}`,
    kid: keyId(url, name, version),
    sid: `${url}/secrets/${name}/${version.id}`,
    attributes: attributes(version),
    tags: version.tags,
    policy: { id: `${url}/certificates/${name}/policy`, ...version.policy },
    ...(certificate && { x5t: thumbprint(certificate), cer: certificate.toString('base64') }),
  };
}

function versionItems({ url, objects }: Parts['vault'], name: string): unknown[] {
  let versions: Version[];
  try {
    versions = objects.find(name).versions;
  } catch {
    return []; // the list of what is not there is empty
  }
  return versions.map((version) => ({
    id: `${url}/certificates/${name}/${version.id}`,
    attributes: attributes(version),
    ...(version.certificate && { x5t: thumbprint(version.certificate) }),
  }));
}

/** A certificate that waits for its merge shows as disabled; its key does sign. */
function attributes({ enabled, certificate, created }: Version) {
  const seconds = Math.floor(created.getTime() / 1000);
  return {
    enabled: enabled && certificate !== undefined,
    created: seconds,
    updated: seconds,
    recoveryLevel: 'Recoverable',
  };
}

function thumbprint(certificate: Buffer): string {
  return createHash('sha1').update(certificate).digest('base64url');
}
