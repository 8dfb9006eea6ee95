import { describe, expect, test } from 'vitest';
import type { Outside, OutsideReply } from '../../local/azure/deployment-outside.ts';
import { finishDeployment } from '../../local/azure/finish-deployment.ts';

const OUTPUTS = {
  AZURE_RESOURCE_GROUP: 'rg-lanyard-x',
  LANYARD_ADMIN_APP: 'lanyard-admin-x',
  LANYARD_URL: 'https://admin.example.org',
  LANYARD_VAULT: 'kv-x-1',
  LANYARD_SIGNER_ROLE: '/roles/signer',
  LANYARD_ENROLL_PRINCIPAL: 'principal',
  LANYARD_ENROLL_URL: 'https://mdm.example.org',
  LANYARD_ENROLL_APP_URL: 'https://enroll.example.org',
  LANYARD_DOMAIN_VERIFICATION: 'A1B2',
  LANYARD_ENTRA_DISCOVERY_URL: 'https://mdm.example.org/entra/EnrollmentServer/Discovery.svc',
  LANYARD_ENTRA_TERMS_URL: 'https://mdm.example.org/entra/TermsOfUse',
  LANYARD_ENTRA_REDIRECT_URL: 'https://mdm.example.org/EnrollmentServer/SignIn/Callback',
  LANYARD_MANAGE_APP: 'lanyard-manage-x',
  LANYARD_MANAGE_APP_URL: 'https://manage.example.org',
};

const AUTHORITY = {
  root: { thumbprint: 'aaaa', notAfter: '2046-11-21T00:00:00.000Z' },
  issuing: { thumbprint: 'bbbb', notAfter: '2036-11-21T00:00:00.000Z' },
};

type Send = Outside['send'];

/** What Azure says of the manage app: its client certificates, and its settings. */
const ASKS_FOR_CERTIFICATES = { clientCertEnabled: true, clientCertMode: 'Required', clientCertExclusionPaths: null };
const settings = (deviceAuth: string) => [
  { name: 'LANYARD_APP', value: 'manage' },
  { name: 'LANYARD_DEVICE_AUTH', value: deviceAuth },
];

/** A deployment as it should be; what a test gives in its place is asked first. */
function deployment(before: (...call: Parameters<Send>) => OutsideReply | undefined = () => undefined) {
  const seen = { az: [] as string[], sent: [] as string[], printed: [] as string[], errors: [] as string[], waited: 0 };
  const reply = (status: number, headers = {}, body = ''): OutsideReply => ({ status, headers, body });
  const azure: Record<string, unknown> = {
    'account show': { name: 'Contoso', user: { name: 'kim@contoso.com' } },
    'resource show': { properties: ASKS_FOR_CERTIFICATES },
    'functionapp config': settings('certificate'),
  };
  const send: Send = async (method, url, headers, body) => {
    seen.sent.push(`${method} ${url}`);
    const own = before(method, url, headers, body);
    if (own) return own;
    if (url.endsWith('/api/certificate-authority')) {
      return headers['x-functions-key'] === 'master' ? reply(200, {}, JSON.stringify(AUTHORITY)) : reply(401);
    }
    if (url.includes('manage.')) return reply(403, { 'content-type': 'text/html' }, '<h1>Error 403 - Forbidden</h1>');
    if (url.includes('admin.')) return reply(401);
    return method === 'GET' ? reply(200) : reply(500, { 'content-length': '10' }, '<s:Fault/>');
  };
  const outside: Outside = {
    env: OUTPUTS,
    platform: 'linux',
    async az(args) {
      seen.az.push(args.join(' '));
      if (args[1] === 'keys') return 'master\n';
      return JSON.stringify(azure[`${args[0]} ${args[1]}`] ?? '');
    },
    send,
    async wait(ms) {
      seen.waited += ms;
    },
    print: (line) => void seen.printed.push(line),
    printError: (line) => void seen.errors.push(line),
  };
  return { outside, seen, azure };
}

/** The manage app itself, reached by whoever comes: the platform in front of it asks for nothing. */
function managesWith(deviceAuth: 'certificate' | 'digest'): (...call: Parameters<Send>) => OutsideReply | undefined {
  return (_method, url, headers) => {
    if (!url.includes('manage.')) return undefined;
    const status = headers['content-type']?.includes('wbxml') ? 415 : deviceAuth === 'digest' ? 400 : 403;
    return { status, headers: { 'content-length': '0', 'cache-control': 'no-store' }, body: '' };
  };
}

test('proves itself by a token of the person who deploys, where administrators sign in with Entra', async () => {
  const { outside, seen } = deployment((_, url, headers) =>
    url.endsWith('/api/certificate-authority') && headers['authorization'] === 'Bearer token'
      ? { status: 200, headers: {}, body: JSON.stringify(AUTHORITY) }
      : undefined,
  );
  outside.env = { ...OUTPUTS, LANYARD_DEPLOYED_ADMIN_AUTH: 'entra', LANYARD_DEPLOYED_ENTRA_CLIENT_ID: 'c1' };
  const az = outside.az;
  outside.az = async (args) => (args[1] === 'get-access-token' ? 'token\n' : az(args));
  expect(await finishDeployment(outside)).toBe(true);
  expect(seen.az.join('\n')).not.toContain('keys list');
});

test('makes the authority, then gives the enroll app the right to sign with the issuing key alone', async () => {
  const { outside, seen } = deployment();
  expect(await finishDeployment(outside)).toBe(true);
  expect(seen.sent[0]).toBe('POST https://admin.example.org/api/certificate-authority');
  expect(seen.az.filter((line) => line.startsWith('deployment'))).toEqual([
    'deployment group create --resource-group rg-lanyard-x --name signing-right --template-file infra/signing-right.bicep ' +
      '--parameters vault=kv-x-1 issuingKey=lanyard-issuing-ca principalId=principal signerRole=/roles/signer --output none',
  ]);
  expect(seen.waited).toBe(0);
});

test('prints what is left to do, and no key', async () => {
  const { outside, seen } = deployment();
  await finishDeployment(outside);
  const printed = seen.printed.join('\n');
  expect(printed).toContain('server address for Settings: https://mdm.example.org');
  expect(printed).toContain('export LANYARD_URL=https://admin.example.org');
  expect(printed).not.toContain('master\n');
  expect(seen.errors).toEqual([]);
});

test('prints commands for the shell of the machine', async () => {
  const { outside, seen } = deployment();
  outside.platform = 'win32';
  outside.env = { ...OUTPUTS, AZURE_SUBSCRIPTION_ID: 's1' };
  await finishDeployment(outside);
  const printed = seen.printed.join('\n');
  expect(printed).toContain("$env:LANYARD_URL = 'https://admin.example.org'");
  expect(printed).toMatch(/\$env:LANYARD_KEY = az functionapp keys list .* --subscription s1$/m);
  expect(printed).not.toContain('export ');
  expect(printed).toContain('node lanyard invite');
});

test('prints the records of a domain and the addresses for Entra, with their values', async () => {
  const { outside, seen } = deployment();
  await finishDeployment(outside);
  const printed = seen.printed.join('\n');
  expect(printed).toMatch(/CNAME +enterpriseenrollment\.YOUR-DOMAIN +enroll\.example\.org$/m);
  expect(printed).toMatch(/TXT +asuid\.enterpriseenrollment\.YOUR-DOMAIN +A1B2$/m);
  for (const name of ['DISCOVERY', 'TERMS', 'REDIRECT'] as const) {
    expect(printed).toContain(OUTPUTS[`LANYARD_ENTRA_${name}_URL`]);
  }
});

test('prints how to get a token and no key, where administrators sign in with Entra', async () => {
  const { outside, seen } = deployment((_, url) =>
    url.endsWith('/api/certificate-authority')
      ? { status: 200, headers: {}, body: JSON.stringify(AUTHORITY) }
      : undefined,
  );
  outside.env = { ...OUTPUTS, LANYARD_DEPLOYED_ADMIN_AUTH: 'entra', LANYARD_DEPLOYED_ENTRA_CLIENT_ID: 'c1' };
  await finishDeployment(outside);
  const printed = seen.printed.join('\n');
  expect(printed).toMatch(/export LANYARD_TOKEN=\$\(az account get-access-token --resource api:\/\/c1 /);
  expect(printed).not.toContain('LANYARD_KEY');
});

test('asks about the subscription of azd, whatever the default of the Azure CLI is', async () => {
  const { outside, seen } = deployment();
  outside.env = { ...OUTPUTS, AZURE_SUBSCRIPTION_ID: 's1' };
  expect(await finishDeployment(outside)).toBe(true);
  expect(seen.az.length).toBeGreaterThan(3);
  for (const line of seen.az) expect(line).toMatch(/ --subscription s1$/);
});

test('asks for a signing request where the organisation has a root of its own, and gives the right to sign all the same', async () => {
  const bodies: (string | undefined)[] = [];
  const { outside, seen } = deployment((_method, url, _headers, body) => {
    if (!url.endsWith('/api/certificate-authority')) return undefined;
    bodies.push(body);
    return { status: 202, headers: {}, body: '{"issuers":[],"due":[]}' };
  });
  outside.env = { ...OUTPUTS, LANYARD_DEPLOYED_ROOT: 'own' };
  expect(await finishDeployment(outside)).toBe(true);
  expect(bodies).toEqual(['{"root":"own"}']);
  expect(seen.printed.join('\n')).toContain('waits for a certificate of your own root');
  expect(seen.az.join('\n')).toContain('issuingKey=lanyard-issuing-ca');
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
  const waiting = seen.printed.filter((line) => line.includes('no rights yet'));
  expect(waiting).toHaveLength(3);
  expect(waiting[2]).toContain('3 of 40');
});

describe('what no retry cures ends it', () => {
  test('where the Azure CLI is missing or nobody is signed in, before anything is tried', async () => {
    const { outside, seen } = deployment();
    outside.az = async () => Promise.reject(new Error("ERROR: Please run 'az login' to setup account."));
    await expect(finishDeployment(outside)).rejects.toThrow(/az login.*\n.*https:\/\/aka\.ms\/azure-cli/s);
    expect([seen.waited, seen.sent]).toEqual([0, []]);
  });

  test.each([
    [400, 1],
    [409, 1],
    [401, 5],
    [403, 5],
  ])('HTTP %d after %d tries, with what the app said', async (status, tries) => {
    let calls = 0;
    const { outside } = deployment((_method, url) => {
      if (!url.endsWith('/api/certificate-authority')) return undefined;
      calls += 1;
      return { status, headers: {}, body: 'this is why' };
    });
    await expect(finishDeployment(outside)).rejects.toThrow(`HTTP ${status} this is why`);
    expect(calls).toBe(tries);
  });

  test('a sign-in that Entra refuses, after a few tries', async () => {
    const { outside, seen } = deployment();
    outside.env = { ...OUTPUTS, LANYARD_DEPLOYED_ADMIN_AUTH: 'entra', LANYARD_DEPLOYED_ENTRA_CLIENT_ID: 'c1' };
    const az = outside.az;
    let calls = 0;
    outside.az = async (args) => {
      if (args[1] !== 'get-access-token') return az(args);
      calls += 1;
      throw new Error('ERROR: AADSTS65001: The user has not consented');
    };
    await expect(finishDeployment(outside)).rejects.toThrow(/AADSTS65001.*\n.*Approver/s);
    expect(calls).toBe(5);
    expect(seen.sent).toEqual([]);
  });
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
    /LANYARD_URL, LANYARD_VAULT\.\n.*npm run after-deployment NAME/,
  );
});

describe('a deployment that is not safe is called WRONG', () => {
  const wrongIn = async (outside: Outside, seen: { errors: string[] }) => {
    expect(await finishDeployment(outside)).toBe(false);
    return seen.errors.filter((line) => line.includes('WRONG'));
  };

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
      'discovery answers the same with a forged certificate header',
      (method, url, headers) =>
        method === 'GET' && url.includes('enroll.') && headers['x-arr-clientcert']
          ? { status: 200, headers: {}, body: 'you are known' }
          : undefined,
    ],
    [
      'discovery answers a probe',
      (method, url, headers) => {
        if (method === 'GET' && url.includes('enroll.') && !headers['x-arr-clientcert'])
          throw new Error('nobody there');
        return undefined;
      },
    ],
  ])('%s', async (what, before) => {
    const { outside, seen } = deployment(before);
    expect(await wrongIn(outside, seen)).toEqual([expect.stringContaining(what)]);
  });

  test('the app refuses by itself, since the platform lets everybody through to it', async () => {
    const { outside, seen } = deployment(managesWith('certificate'));
    expect(await wrongIn(outside, seen)).toEqual([
      expect.stringMatching(/without a client certificate.*HTTP 415/),
      expect.stringMatching(/forged certificate header.*HTTP 415/),
    ]);
  });

  test.each([
    ['certificates are off', { clientCertEnabled: false }],
    ['certificates are optional', { clientCertMode: 'Optional' }],
    ['paths are left out', { clientCertExclusionPaths: '/public' }],
  ])('%s in Azure', async (_, changed) => {
    const { outside, seen, azure } = deployment();
    azure['resource show'] = { properties: { ...ASKS_FOR_CERTIFICATES, ...changed } };
    const [name, value] = Object.entries(changed)[0]!;
    expect(await wrongIn(outside, seen)).toEqual([expect.stringContaining(`"${name}":${JSON.stringify(value)}`)]);
    expect(seen.az.find((line) => line.startsWith('resource show'))).toContain('--name lanyard-manage-x');
  });

  test('nobody can say how devices prove themselves', async () => {
    const { outside, seen } = deployment();
    const az = outside.az;
    outside.az = (args) => (args[1] === 'config' ? Promise.reject(new Error('no right')) : az(args));
    expect(await wrongIn(outside, seen)).toEqual([expect.stringContaining('no right')]);
  });

  test('the checks go on when one cannot be made, and all are told', async () => {
    const { outside, seen } = deployment((method, url) => {
      if (url.endsWith('/api/certificate-authority')) return undefined;
      throw new Error(`${method} ${url} refuses the connection`);
    });
    expect(await wrongIn(outside, seen)).toHaveLength(6);
    expect(seen.printed.join('\n')).toContain('What is left to do');
  });
});

test('a check that fails only at first is made again', async () => {
  let calls = 0;
  const { outside, seen } = deployment((method, url, headers) => {
    if (method !== 'GET' || !url.includes('enroll.') || headers['x-arr-clientcert']) return undefined;
    calls += 1;
    return calls < 3 ? { status: 503, headers: {}, body: 'starting' } : undefined;
  });
  expect(await finishDeployment(outside)).toBe(true);
  expect([calls, seen.errors]).toEqual([3, []]);
  expect(seen.waited).toBeGreaterThan(0);
});

describe('with digest, where nobody is asked for a certificate', () => {
  const withDigest = (before: Parameters<typeof deployment>[0]) => {
    const all = deployment(before);
    all.azure['functionapp config'] = settings('digest');
    all.azure['resource show'] = { properties: { ...ASKS_FOR_CERTIFICATES, clientCertEnabled: false } };
    return all;
  };

  test('what is not SyncML is sent back, with a forged certificate header too', async () => {
    const { outside, seen } = withDigest(managesWith('digest'));
    expect(await finishDeployment(outside)).toBe(true);
    expect(seen.printed.filter((line) => /^ {2}ok .*(management|forged.*nothing)/.test(line))).toHaveLength(2);
  });

  test('a forged certificate header that changes anything is WRONG', async () => {
    const { outside, seen } = withDigest((...call) =>
      call[2]['x-arr-clientcert'] ? { status: 200, headers: {}, body: '' } : managesWith('digest')(...call),
    );
    expect(await finishDeployment(outside)).toBe(false);
    expect(seen.errors).toEqual([expect.stringContaining('forged certificate header changes nothing in that')]);
  });
});
