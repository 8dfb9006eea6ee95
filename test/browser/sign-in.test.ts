import { beforeEach, describe, expect, test } from 'vitest';
import { contrast } from '../../shared/pages/colour.ts';
import { CLIENT_ID, TENANT, useEntraIssuer } from '../support/entra-issuer.ts';
import { useLanyard } from '../support/lanyard.ts';
import { catchHandOver, isTooWide, useChromium, type WatchedPage } from './browser.ts';

/** The sign-in page as a person meets it. */
const lanyard = useLanyard();
const chromium = useChromium();
useEntraIssuer();

const APPRU = 'ms-app://windows.immersivecontrolpanel';
const PHONE = { width: 320, height: 640 };
const DESKTOP = { width: 1280, height: 800 };
const SUPPORT = { phone: '+49 30 1234567', email: 'help@example.org', website: 'https://help.example.org/' };

const settings = (more: object = {}) =>
  lanyard().admin.call('PUT', '/api/settings', { organisation: 'Contoso', ...more });
const withEntra = { signIn: { entra: { tenantId: TENANT, clientId: CLIENT_ID } } };

function address(parameters: Record<string, string> = {}): string {
  return `${lanyard().local.enrollUrl}/EnrollmentServer/SignIn?${new URLSearchParams({ appru: APPRU, ...parameters })}`;
}

const secretField = (page: WatchedPage) => page.getByLabel('Secret of your invitation');
const userField = (page: WatchedPage) => page.getByLabel('User name');
const connect = (page: WatchedPage) => page.getByRole('button', { name: 'Connect' });
const done = (page: WatchedPage) => page.getByRole('heading', { name: 'You are signed in' }).waitFor();

beforeEach(() => settings());

describe.each([
  ['a phone', PHONE],
  ['a desktop', DESKTOP],
])('on %s', (name, viewport) => {
  test('a person signs in by invitation, with the keyboard alone, and Windows gets the token at once', async () => {
    await settings({ support: SUPPORT });
    const { user, secret } = await lanyard().invite('kim@example.org');
    const page = await chromium.open({ viewport });
    const handedOver = await catchHandOver(page);
    await page.goto(address({ login_hint: user, username: user }));
    expect(await page.title()).toBe('Connect this PC to Contoso');
    expect(await userField(page).inputValue()).toBe(user);
    expect(await secretField(page).evaluate((field) => field === document.activeElement)).toBe(true);
    await chromium.picture(page, `${name} 1 sign in`);
    expect(await isTooWide(page)).toBe(false);
    await page.keyboard.type(secret.toLowerCase().replaceAll('-', ' '));
    await page.keyboard.press('Enter');
    await done(page);
    await chromium.picture(page, `${name} 2 signed in`);
    const { action, fields } = (await handedOver())!;
    expect(action).toBe(APPRU);
    expect(fields).toEqual([['wresult', expect.stringMatching(/^[A-Za-z0-9._~-]{100,}$/)]]);
  });

  test('a wrong secret is said, the field is marked and ready for the next try, and what was typed stays', async () => {
    const { user } = await lanyard().invite('lee@example.org');
    const page = await chromium.open({ viewport });
    await page.goto(address());
    expect(await userField(page).evaluate((field) => field === document.activeElement)).toBe(true);
    await userField(page).fill(user);
    await secretField(page).fill('AAAA-BBBB-CCCC-DDDD');
    await connect(page).click();
    const alert = page.getByRole('alert');
    await alert.waitFor();
    expect(await alert.innerText()).toMatch(/The user name or the secret is not right[^§]*give this code:\s*\d{8}-/);
    expect(await page.title()).toBe('Error: Connect this PC to Contoso');
    expect(await userField(page).inputValue()).toBe(user);
    expect(await secretField(page).inputValue()).toBe('');
    expect(await secretField(page).getAttribute('aria-invalid')).toBe('true');
    expect(await secretField(page).evaluate((field) => field === document.activeElement)).toBe(true);
    expect(await isTooWide(page)).toBe(false);
    await chromium.picture(page, `${name} 3 wrong secret`);
  });

  test('names of any length and script fit', async () => {
    const user = `${'w'.repeat(200)}@${'long-domain-'.repeat(8)}example.org`;
    for (const [kind, organisation] of [
      ['long', 'W'.repeat(60)],
      ['right to left', 'مؤسسة لانيارد للتعليم 🦊 (Ltd.)'],
      ['emoji', '👩‍💻👨‍👩‍👧‍👦🏳️‍🌈 & <Söhne> "GmbH"'],
    ] as const) {
      await settings({ organisation, support: { ...SUPPORT, website: `https://help.example.org/${'x'.repeat(200)}` } });
      const page = await chromium.open({ viewport });
      await page.goto(address({ login_hint: user }));
      expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe(`Connect this PC to ${organisation}`);
      expect(await isTooWide(page)).toBe(false);
      await chromium.picture(page, `${name} 4 ${kind} name`);
    }
  });

  test('a link with the secret in it needs one click', async () => {
    const { user, secret } = await lanyard().invite('max@example.org');
    const page = await chromium.open({ viewport });
    const handedOver = await catchHandOver(page);
    await page.goto(address({ login_hint: user, accesstoken: secret }));
    expect(await secretField(page).count()).toBe(0);
    await chromium.picture(page, `${name} 5 link`);
    await connect(page).click();
    await done(page);
    expect((await handedOver())?.fields).toHaveLength(1);
  });

  test('a link whose secret is not good asks for another', async () => {
    const page = await chromium.open({ viewport });
    await page.goto(address({ login_hint: 'max@example.org', accesstoken: 'AAAA-BBBB-CCCC-DDDD' }));
    await connect(page).click();
    await page.getByRole('alert').waitFor();
    expect(await secretField(page).inputValue()).toBe('');
    await page.goto(address({ login_hint: 'max@example.org', accesstoken: 'AAAA-BBBB-CCCC-DDDD' }));
    await page.getByRole('link', { name: 'Use another invitation' }).click();
    expect(await userField(page).inputValue()).toBe('max@example.org');
    expect(page.url()).not.toContain('AAAA');
  });

  test('Microsoft Entra is offered where it is set up, and leads there and back', async () => {
    await settings(withEntra);
    const page = await chromium.open({ viewport });
    const handedOver = await catchHandOver(page);
    await page.goto(address({ login_hint: 'kim@example.org' }));
    await chromium.picture(page, `${name} 6 with Microsoft`);
    expect(await isTooWide(page)).toBe(false);
    await page.getByRole('link', { name: 'Sign in with Microsoft' }).click();
    await done(page);
    expect(new URL(page.url()).pathname).toBe('/EnrollmentServer/SignIn/Callback');
    expect((await handedOver())?.fields).toEqual([['wresult', expect.stringMatching(/^[A-Za-z0-9._~-]{100,}$/)]]);
    expect(await page.context().cookies()).toEqual([]);
  });
});

describe('without script', () => {
  test('everything works; the last step takes a click', async () => {
    const { user, secret } = await lanyard().invite('nora@example.org');
    const page = await chromium.open({ viewport: DESKTOP, javaScriptEnabled: false });
    await page.goto(address({ login_hint: user }));
    await secretField(page).fill(secret);
    await connect(page).click();
    await done(page);
    const form = page.locator('form');
    expect(await form.getAttribute('action')).toBe(APPRU);
    expect(await form.locator('input').count()).toBe(1);
    expect(await page.getByRole('button', { name: 'Continue' }).isVisible()).toBe(true);
  });

  test('a person who is not sent on by the script goes on by the button', async () => {
    const { user, secret } = await lanyard().invite('olga@example.org');
    const page = await chromium.open({ viewport: DESKTOP });
    const handedOver = await catchHandOver(page);
    await page.goto(address({ login_hint: user }));
    await secretField(page).fill(secret);
    await connect(page).click();
    await done(page);
    await page.evaluate(() => sessionStorage.clear());
    await page.getByRole('button', { name: 'Continue' }).press('Enter');
    expect((await handedOver())?.fields).toHaveLength(1);
  });
});

describe('who cannot see well', () => {
  const colours = ['#1f5fa8', '#ffffff', '#000000', '#ffe600', '#00ff7f', '#7a0019'];

  test.each(colours)('can read the page of an organisation whose colour is %s, by day and by night', async (colour) => {
    await settings({ support: SUPPORT, signIn: { colour, ...withEntra.signIn } });
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await chromium.open({ viewport: PHONE, colorScheme });
      await page.goto(address({ login_hint: 'kim@example.org' }));
      await secretField(page).fill('AAAA-BBBB-CCCC-DDDD');
      await connect(page).click();
      await page.getByRole('alert').waitFor();
      await chromium.picture(page, `colour ${colour.slice(1)} ${colorScheme}`);
      for (const { text, colour: own, background } of await textsOf(page)) {
        expect(contrast(hex(own), hex(background)), `${text} in ${colorScheme}`).toBeGreaterThanOrEqual(4.5);
      }
    }
  });

  test('can double the size of all text on the narrowest window', async () => {
    await settings({ support: SUPPORT, ...withEntra });
    const page = await chromium.open({ viewport: PHONE });
    await page.goto(address({ login_hint: 'kim@example.org' }));
    await page.evaluate(() => {
      // What a browser's own setting for the size of text does.
      document.documentElement.style.fontSize = '200%';
    });
    await chromium.picture(page, 'text of double size');
    expect(await isTooWide(page)).toBe(false);
  });

  test('finds what the keyboard is on, and everything by its name', async () => {
    await settings({ support: SUPPORT, ...withEntra });
    const page = await chromium.open({ viewport: DESKTOP });
    await page.goto(address({ login_hint: 'kim@example.org' }));
    await page.locator('body').evaluate((body) => {
      (document.activeElement as HTMLElement).blur();
      body.tabIndex = -1;
      body.focus();
    });
    const visited: string[] = [];
    for (let n = 0; n < 8; n += 1) {
      await page.keyboard.press('Tab');
      const { name, outline } = await page.evaluate(() => {
        const element = document.activeElement as HTMLInputElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return {
          name: element.labels?.[0]?.textContent ?? element.textContent ?? '',
          outline: `${outlineStyle} ${outlineWidth}`,
        };
      });
      expect(outline).toBe('solid 3px');
      visited.push(name);
    }
    expect(visited).toEqual([
      'Sign in with Microsoft',
      'User name (your e-mail address)',
      'Secret of your invitation',
      'Connect',
      'What the codes mean, and what to do',
      SUPPORT.phone,
      SUPPORT.email,
      SUPPORT.website,
    ]);
    expect(await page.getAttribute('html', 'lang')).toBe('en');
  });
});

describe('somebody who means harm', () => {
  const payloads = [
    '"><script>window.hacked=1</script>',
    `'><img src=x onerror="window.hacked=1">`,
    'javascript:window.hacked=1',
    '</style></title><script>window.hacked=1</script>',
    '\u0000<svg onload=window.hacked=1>',
  ];
  const parameters = [
    'appru',
    'login_hint',
    'username',
    'user',
    'accesstoken',
    'deviceidentifier',
    'tenantidentifier',
    'ownership',
    'state',
  ];

  test.each(parameters)('gets no script in by %s', async (parameter) => {
    await settings(withEntra);
    const page = await chromium.open({ viewport: DESKTOP });
    for (const payload of payloads) {
      for (const value of [payload, `ms-app://x${payload}`]) {
        await page.goto(address({ login_hint: 'kim@example.org', [parameter]: value }));
        expect(await page.evaluate(() => Object.hasOwn(window, 'hacked'))).toBe(false);
      }
    }
    page.complaints = page.complaints.filter((each) => !/status of 400/.test(each));
  });

  test('gets none in by what is typed, nor by the name of the organisation', async () => {
    await settings({ organisation: '<script>window.hacked=1</script>"\'' });
    const page = await chromium.open({ viewport: DESKTOP });
    for (const payload of payloads.slice(0, 4)) {
      await page.goto(address());
      await userField(page).fill(payload);
      await secretField(page).fill(payload);
      await connect(page).click();
      await page.getByRole('alert').waitFor();
      expect(await userField(page).inputValue()).toBe(payload);
      expect(await page.evaluate(() => Object.hasOwn(window, 'hacked'))).toBe(false);
    }
  });

  test('who did get markup in could run nothing and send nothing', async () => {
    const page = await chromium.open({ viewport: DESKTOP });
    await page.goto(address({ login_hint: 'kim@example.org' }));
    const broken = await page.evaluate(async () => {
      const found: string[] = [];
      addEventListener('securitypolicyviolation', (event) => found.push(event.effectiveDirective));
      const script = document.createElement('script');
      script.textContent = 'window.hacked=1';
      document.body.append(script);
      const image = document.createElement('img');
      image.src = 'https://evil.example/x.png';
      document.body.append(image);
      const form = document.createElement('form');
      form.action = 'https://evil.example/';
      document.body.append(form);
      form.submit();
      for (let n = 0; n < 50 && found.length < 3; n += 1) await new Promise((done) => setTimeout(done, 20));
      return { found, hacked: Object.hasOwn(window, 'hacked') };
    });
    expect(broken.hacked).toBe(false);
    expect(broken.found.toSorted()).toEqual(['form-action', 'img-src', 'script-src-elem']);
    expect(page.complaints.length).toBeGreaterThan(0);
    page.complaints = [];
  });

  test('is not helped by the policy of the last page, which lets its one form through to Windows', async () => {
    const { user, secret } = await lanyard().invite('pia@example.org');
    const page = await chromium.open({ viewport: PHONE });
    await page.goto(address({ login_hint: user, accesstoken: secret }));
    await connect(page).click();
    // Chromium would ask the person whether to send the form there, and not if the policy had stopped it.
    await page.waitForURL('chrome-error://chromewebdata/');
    expect(await page.locator('body').innerText()).toMatch(/not secure/i);
  });

  test('who leads somebody to the page with a way back of his own gets nothing', async () => {
    const page = await chromium.open({ viewport: PHONE });
    await page.goto(address({ appru: 'https://evil.example/' }));
    expect(await page.getByRole('heading', { level: 1 }).innerText()).toBe('Please start in Windows Settings');
    expect(await page.locator('form, a').count()).toBe(0);
    await chromium.picture(page, 'not from Windows');
    page.complaints = page.complaints.filter((each) => !/status of 400/.test(each));
  });
});

/** Each piece of text that is shown, with its colour and the one behind it. */
function textsOf(page: WatchedPage): Promise<{ text: string; colour: string; background: string }[]> {
  return page.evaluate(() => {
    const behind = (element: Element | null): string => {
      if (!element) return 'rgb(255, 255, 255)';
      const { backgroundColor } = getComputedStyle(element);
      return backgroundColor === 'rgba(0, 0, 0, 0)' ? behind(element.parentElement) : backgroundColor;
    };
    return [...document.body.querySelectorAll('*')]
      .filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent?.trim()))
      .filter((element) => element.tagName !== 'SCRIPT')
      .map((element) => ({
        text: element.textContent?.trim() ?? '',
        colour: getComputedStyle(element).color,
        background: behind(element),
      }));
  });
}

function hex(colour: string): string {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour);
  if (!parts) throw new Error(`${colour} is no plain colour`);
  return `#${parts
    .slice(1)
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')}`;
}
