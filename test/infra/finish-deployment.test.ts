import { describe, expect, test } from 'vitest';
import { finishDeployment, type Outside, type OutsideReply } from '../../local/finish-deployment.ts';

const OUTPUTS = {
  AZURE_RESOURCE_GROUP: 'rg-lanyard-x',
  LANYARD_ADMIN_APP: 'lanyard-admin-x',
  LANYARD_URL: 'https://admin.example.org',
  LANYARD_VAULT: 'kv-x-1',
  LANYARD_SIGNER_ROLE: '/roles/signer',
  LANYARD_ENROLL_PRINCIPAL: 'principal',
  LANYARD_ENROLL_URL: 'https://mdm.example.org',
  LANYARD_ENROLL_APP_URL: 'https://enroll.example.org',
  LANYARD_MANAGE_APP_URL: 'https://manage.example.org',
};

const AUTHORITY = {
  root: { thumbprint: 'aaaa', notAfter: '2046-11-21T00:00:00.000Z' },
  issuing: { thumbprint: 'bbbb', notAfter: '2036-11-21T00:00:00.000Z' },
};

type Send = Outside['send'];

/** A deployment as it should be; what a test gives in its place is asked first. */
function deployment(before: (...call: Parameters<Send>) => OutsideReply | undefined = () => undefined) {
  const seen = { az: [] as string[], sent: [] as string[], printed: [] as string[], waited: 0 };
  const reply = (status: number, headers = {}, body = ''): OutsideReply => ({ status, headers, body });
  const send: Send = async (method, url, headers, body) => {
    seen.sent.push(`${method} ${url}`);
    const own = before(method, url, headers, body);
    if (own) return own;
    if (url.endsWith('/api/certificate-authority')) {
      return headers['x-functions-key'] === 'master' ? reply(200, {}, JSON.stringify(AUTHORITY)) : reply(401);
    }
    if (url.includes('manage.')) return reply(403);
    if (url.includes('admin.')) return reply(401);
    return method === 'GET' ? reply(200) : reply(500, { 'content-length': '10' }, '<s:Fault/>');
  };
  const outside: Outside = {
    env: OUTPUTS,
    async az(args) {
      seen.az.push(args.join(' '));
      return args[0] === 'functionapp' ? 'master\n' : '';
    },
    send,
    async wait(ms) {
      seen.waited += ms;
    },
    print: (line) => void seen.printed.push(line),
  };
  return { outside, seen };
}

test('proves itself by a token of the person who deploys, where administrators sign in with Entra', async () => {
  const { outside, seen } = deployment((_, url, headers) =>
    url.endsWith('/api/certificate-authority') && headers['authorization'] === 'Bearer token'
      ? { status: 200, headers: {}, body: JSON.stringify(AUTHORITY) }
      : undefined,
  );
  outside.env = { ...OUTPUTS, LANYARD_ADMIN_AUTH: 'entra', LANYARD_ENTRA_CLIENT_ID: 'c1' };
  const az = outside.az;
  outside.az = async (args) => (args[0] === 'account' ? 'token\n' : az(args));
  expect(await finishDeployment(outside)).toBe(true);
  expect(seen.az.join('\n')).not.toContain('keys list');
});

test('makes the authority, then gives the enroll app the right to sign with the issuing key alone', async () => {
  const { outside, seen } = deployment();
  expect(await finishDeployment(outside)).toBe(true);
  expect(seen.sent[0]).toBe('POST https://admin.example.org/api/certificate-authority');
  expect(seen.az.at(-1)).toBe(
    'deployment group create --resource-group rg-lanyard-x --name signing-right --template-file infra/signing-right.bicep ' +
      '--parameters vault=kv-x-1 issuingKey=lanyard-issuing-ca principalId=principal signerRole=/roles/signer --output none',
  );
  expect(seen.waited).toBe(0);
});

test('prints what is left to do, and no key', async () => {
  const { outside, seen } = deployment();
  await finishDeployment(outside);
  const printed = seen.printed.join('\n');
  expect(printed).toContain('server address for Settings: https://mdm.example.org');
  expect(printed).toContain('export LANYARD_URL=https://admin.example.org');
  expect(printed).not.toContain('master\n');
  expect(printed).not.toContain('WRONG');
});

test('asks for a signing request where the organisation has a root of its own, and gives the right to sign all the same', async () => {
  const bodies: (string | undefined)[] = [];
  const { outside, seen } = deployment((_method, url, _headers, body) => {
    if (!url.endsWith('/api/certificate-authority')) return undefined;
    bodies.push(body);
    return { status: 202, headers: {}, body: '{"issuers":[],"due":[]}' };
  });
  outside.env = { ...OUTPUTS, LANYARD_ROOT: 'own' };
  expect(await finishDeployment(outside)).toBe(true);
  expect(bodies).toEqual(['{"root":"own"}']);
  expect(seen.printed.join('\n')).toContain('waits for a certificate of your own root');
  expect(seen.az.at(-1)).toContain('issuingKey=lanyard-issuing-ca');
});

test('waits while rights are not known everywhere yet', async () => {
  let calls = 0;
  const { outside, seen } = deployment((_method, url) => {
    if (!url.endsWith('/api/certificate-authority')) return undefined;
    calls += 1;
    return calls < 4 ? { status: 500, headers: {}, body: 'no rights yet' } : undefined;
  });
  expect(await finishDeployment(outside)).toBe(true);
  expect(calls).toBe(4);
  expect(seen.waited).toBeGreaterThan(0);
});

test('gives up in the end, with the last answer and what to do, and gives no right', async () => {
  const { outside, seen } = deployment((_method, url) =>
    url.endsWith('/api/certificate-authority') ? { status: 503, headers: {}, body: 'the vault refuses' } : undefined,
  );
  await expect(finishDeployment(outside)).rejects.toThrow(/HTTP 503 the vault refuses\n.*azd hooks run postdeploy/);
  expect(seen.az.filter((line) => line.startsWith('deployment'))).toEqual([]);
});

test('names the outputs that are missing', async () => {
  const { outside } = deployment();
  outside.env = { ...OUTPUTS, LANYARD_VAULT: '', LANYARD_URL: undefined };
  await expect(finishDeployment(outside)).rejects.toThrow(
    /LANYARD_URL, LANYARD_VAULT\.\n.*npm run after-deployment -- --deployment NAME/,
  );
});

describe('a deployment that is not safe is called WRONG', () => {
  test.each<[string, (method: string, url: string, headers: Record<string, string>) => OutsideReply | undefined]>([
    [
      'management without a client certificate is refused',
      (_m, url, headers) =>
        url.includes('manage.') && !headers['x-arr-clientcert'] ? { status: 200, headers: {}, body: '' } : undefined,
    ],
    [
      'management with a forged certificate header is refused',
      (_m, url, headers) =>
        url.includes('manage.') && headers['x-arr-clientcert'] ? { status: 200, headers: {}, body: '' } : undefined,
    ],
    [
      'a reply has its length and comes in one piece',
      (method, url) =>
        method === 'POST' && url.includes('enroll.')
          ? { status: 500, headers: { 'transfer-encoding': 'chunked' }, body: '' }
          : undefined,
    ],
    [
      'the admin API without a key is refused',
      (method, url) =>
        method === 'GET' && url.includes('admin.') ? { status: 200, headers: {}, body: '' } : undefined,
    ],
    [
      'discovery answers a probe',
      (method, url) => {
        if (method === 'GET' && url.includes('enroll.')) throw new Error('nobody there');
        return undefined;
      },
    ],
  ])('%s', async (what, before) => {
    const { outside, seen } = deployment(before);
    expect(await finishDeployment(outside)).toBe(false);
    const wrong = seen.printed.filter((line) => line.includes('WRONG'));
    expect(wrong).toEqual([expect.stringContaining(what)]);
  });
});
