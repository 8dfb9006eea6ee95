import { describe, expect, test } from 'vitest';
import { carriedAlong, readSignInRequest } from '../../../../shared/enrollment/sign-in/sign-in-request.ts';
import {
  SIGN_IN_SCHEMES,
  signInTarget,
  TERMS_SCHEMES,
  windowsScheme,
} from '../../../../shared/enrollment/sign-in/windows-redirect.ts';

describe('an address in Windows', () => {
  test.each([
    ['ms-app://windows.immersivecontrolpanel', 'ms-app:'],
    ['ms-app://s-1-15-2-1910091885-1573563583-1104941280-2418270861-3411158377-2822700936-2990310272/', 'ms-app:'],
    ['ms-appx-web://Microsoft.AAD.BrokerPlugin/x?a=1&b=%20', 'ms-appx-web:'],
  ])('%s is taken', (address, scheme) => {
    expect(windowsScheme(address, SIGN_IN_SCHEMES)).toBe(scheme);
  });

  test('takes no token under the scheme of the terms of use, nor its answer under that of the sign-in', () => {
    const setUp = 'ms-aadj-redir://auth/mdm';
    expect(windowsScheme(setUp, TERMS_SCHEMES)).toBe('ms-aadj-redir:');
    expect(windowsScheme(setUp, SIGN_IN_SCHEMES)).toBeUndefined();
    expect(windowsScheme('ms-app://windows.immersivecontrolpanel', TERMS_SCHEMES)).toBeUndefined();
  });

  test.each([
    '',
    'ms-app:',
    'ms-app://',
    'ms-app:windows.immersivecontrolpanel',
    'MS-APP://windows.immersivecontrolpanel',
    'ms-app-x://a',
    'ms-appx://a',
    ' ms-app://a',
    'ms-app://a\n',
    'ms-app://a b',
    'ms-app://a"onload=x',
    'ms-app://a#fragment',
    'ms-app://user@a',
    'ms-app://a:80/',
    'ms-app://a\\b',
    "ms-app://a/'",
    'ms-app://a/<b>',
    'ms-app://ä/',
    `ms-app://${'a'.repeat(1_000)}`,
    'https://windows.immersivecontrolpanel',
    '//windows.immersivecontrolpanel',
    'javascript:alert(1)',
    'javascript://ms-app://a',
    'data:text/html,ms-app://a',
  ])('%j is not', (address) => {
    expect(windowsScheme(address, SIGN_IN_SCHEMES)).toBeUndefined();
    expect(windowsScheme(address, TERMS_SCHEMES)).toBeUndefined();
  });
});

const OWN = 'https://enroll.example.org:8443';

describe('where a token may go', () => {
  test.each([
    ['ms-app://windows.immersivecontrolpanel', 'ms-app:'],
    [`${OWN}/`, "'self'"],
    [`${OWN}/EnrollmentServer/SignIn/Done?a=1`, "'self'"],
    [`${OWN}//evil.example/`, "'self'"],
  ])('%s is Windows or ours', (address, target) => {
    expect(signInTarget(address, OWN)).toBe(target);
    if (target === "'self'") expect(new URL(address).origin).toBe(OWN);
  });

  test.each([
    OWN,
    `${OWN}0/`,
    `${OWN}.evil.example/`,
    `${OWN}@evil.example/`,
    `${OWN}:1@evil.example/`,
    `${OWN}\\@evil.example/`,
    `${OWN}/\\evil.example/`,
    `${OWN}/#x`,
    `${OWN}/"onload=x`,
    `${OWN}/\n`,
    `${OWN}/${'a'.repeat(1_000)}`,
    ` ${OWN}/`,
    `${OWN.replace('https', 'http')}/`,
    `${OWN.toUpperCase()}/`,
    'https://enroll.example.org/',
    'https://evil.example/?https://enroll.example.org:8443/',
    '/EnrollmentServer/SignIn/Done',
    '//enroll.example.org:8443/',
    'ms-aadj-redir://auth/mdm',
  ])('%j is neither', (address) => {
    expect(signInTarget(address, OWN)).toBeUndefined();
  });
});

describe('what Windows asks of the sign-in page', () => {
  const read = (query: string) => readSignInRequest(new URLSearchParams(query), OWN);
  const APPRU = 'appru=ms-app%3A%2F%2Fwindows.immersivecontrolpanel';

  test('is read with the parameters of a deep link', () => {
    const guid = '0B1E9A2C-52E9-4A7A-8F35-4B2C9D3A6E10';
    const link = `accesstoken=ABCD&deviceidentifier=${guid}&tenantidentifier=contoso&ownership=3`;
    expect(read(`${APPRU}&login_hint=kim%40example.org&username=kim%40example.org&${link}`)).toEqual({
      appru: 'ms-app://windows.immersivecontrolpanel',
      target: 'ms-app:',
      user: 'kim@example.org',
      accessToken: 'ABCD',
      ownership: 'corporate',
      deviceIdentifier: guid.toLowerCase(),
      tenantIdentifier: 'contoso',
    });
  });

  test('takes the name from username where there is no login_hint, and from the form before both', () => {
    expect(read(`${APPRU}&username=a@example.org`)?.user).toBe('a@example.org');
    expect(read(`${APPRU}&login_hint=&username=a@example.org`)?.user).toBe('a@example.org');
    expect(read(`${APPRU}&login_hint=a@example.org&user=b@example.org`)?.user).toBe('b@example.org');
  });

  test.each([
    ['ownership that is none', 'ownership=4', 'ownership'],
    ['ownership by a word', 'ownership=constructor', 'ownership'],
    ['a device that is no GUID', 'deviceidentifier=PC-1', 'deviceIdentifier'],
    ['a tenant without end', `tenantidentifier=${'x'.repeat(201)}`, 'tenantIdentifier'],
    ['a secret without end', `accesstoken=${'x'.repeat(201)}`, 'accessToken'],
  ])('leaves out %s', (_, query, member) => {
    expect(read(`${APPRU}&${query}`)).toMatchObject({ user: '', [member]: undefined });
  });

  test('is nothing where the way back is missing or stands twice', () => {
    expect(read('login_hint=kim%40example.org')).toBeUndefined();
    expect(read(`${APPRU}&${APPRU}`)).toBeUndefined();
    expect(read(`appru=https%3A%2F%2Fevil.example&${APPRU}`)).toBeUndefined();
  });

  test('is carried along as it came, but for the secret', () => {
    const query = `${APPRU}&accesstoken=ABCD&tenantidentifier=contoso&ownership=2`;
    const request = read(query);
    const again = read(new URLSearchParams(carriedAlong(request!)).toString());
    expect(again).toEqual({ ...request, accessToken: undefined });
  });
});
