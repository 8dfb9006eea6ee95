import { InvocationContext } from '@azure/functions';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newGuid, newInvitationSecret, sha256 } from '../../../shared/platform/ids.ts';
import { errorFacts, logLine, logTo } from '../../../shared/platform/log.ts';

describe('a line of the log', () => {
  test('is the message and the facts, without those that are not known', () => {
    expect(logLine('Device enrolled', { device: 'd1', count: 3, joined: false, user: undefined })).toBe(
      'Device enrolled {"device":"d1","count":3,"joined":false}',
    );
    expect(logLine('Started')).toBe('Started');
  });

  test('stays one line whatever a caller sends', () => {
    const line = logLine('Refused\nadmin: all is well', { user: 'a\r\nb\u2028c\u0000' });
    expect(line).toBe('Refused admin: all is well {"user":"a b c "}');
  });

  test('does not grow with what a caller sends', () => {
    expect(logLine('Refused', { user: 'x'.repeat(100_000) }).length).toBeLessThan(1100);
  });

  test('goes to the invocation at its own level', () => {
    const lines: string[] = [];
    const context = new InvocationContext({ logHandler: (level, ...args) => lines.push(`${level} ${args.join(' ')}`) });
    const log = logTo(context);
    log.info('a');
    log.warn('b', { n: 1 });
    log.error('c', errorFacts(new TypeError('bad')));
    expect(lines).toEqual(['information a', 'warning b {"n":1}', 'error c {"error":"TypeError","reason":"bad"}']);
  });
});

/** Bytes that look random and are the same in every run. */
function deterministic(length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => sha256(`block ${i}`));
  return Buffer.concat(blocks).subarray(0, length);
}

describe('a secret in the log is masked', () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
  test.each<[string, string]>([
    ['an invitation secret', 'ABCD-EFGH-JKMN-PQRS'],
    ['an invitation secret in lower case', 'abcd-efgh-jkmn-pqrs'],
    ['a device secret', deterministic(32).toString('base64url')],
    ['a key in base64', deterministic(64).toString('base64')],
    ['a certificate', deterministic(900).toString('base64')],
    ['a token', jwt],
  ])('%s', (_, secret) => {
    for (const line of [logLine(`Got ${secret} from a device`), logLine('Got', { what: `it was ${secret}.` })]) {
      expect(line).not.toContain(secret);
      expect(line).toContain('***');
    }
  });

  test.each<[string, string, string]>([
    ['an Authorization header', 'Authorization: Bearer abc.def.ghi', 'abc.def.ghi'],
    ['Basic credentials', 'basic dXNlcjpwYXNz', 'dXNlcjpwYXNz'],
    ['a SAS', 'https://x.blob.core.windows.net/c?sv=1&sig=Zm9v%2Fbar&se=2', 'Zm9v'],
    ['a function key in a URL', 'GET /api/devices?code=hunter2hunter2', 'hunter2'],
    ['a connection string', 'AccountName=x;AccountKey=Zm9vYmFy;EndpointSuffix=y', 'Zm9vYmFy'],
    ['a PEM key', '-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----', 'MIIB'],
  ])('%s', (_, text, secret) => {
    expect(logLine(text)).not.toContain(secret);
    expect(logLine('x', { text })).not.toContain(secret);
  });

  test.each(['password', 'invitationSecret', 'functionKey', 'api_key', 'nonce', 'accessToken', 'Authorization', 'sig'])(
    'whatever it looks like when the fact is called %s',
    (name) => expect(logLine('x', { [name]: 'ordinary' })).toBe(`x {"${name}":"***"}`),
  );

  test('every invitation secret, wherever it stands', () => {
    fc.assert(
      fc.property(fc.constantFrom(' ', '"', "'", '(', ':', '/', '='), (before) => {
        const secret = newInvitationSecret();
        expect(logLine('x', { text: `said${before}${secret}` })).not.toContain(secret);
      }),
    );
  });
});

test('what an administrator searches for is not masked', () => {
  const facts = {
    device: newGuid(),
    path: `/api/devices/${newGuid()}/commands`,
    thumbprint: sha256('x').toString('hex'),
    target: './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll',
    partitionKey: newGuid(),
    user: 'ada.lovelace@enroll.contoso.example.com',
    hresult: '0x80180014',
    rowKey: '3command|000000000012',
    node: './Vendor/MSFT/Policy/Config/Win32AppInstall/EnableWindows10DesktopInstaller2',
    file: 'Microsoft-Windows-DeviceManagement-Enterprise-Diagnostics-Provider-Admin',
    provider: `Lanyard-${newGuid()}-Enterprise`,
  };
  expect(JSON.parse(logLine('x', facts).slice(2))).toEqual(facts);
});
