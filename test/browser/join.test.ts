import { describe, expect, test } from 'vitest';
import { type JoinToken, joinAddress } from '../../shared/enrollment/invitations/join-link.ts';
import { useLanyard } from '../support/lanyard.ts';
import { isTooWide, useChromium, type WatchedPage } from './browser.ts';

/** The page of an invitation as the invited person meets it. */
const lanyard = useLanyard();
const chromium = useChromium();

const PHONE = { width: 320, height: 640 };
const DESKTOP = { width: 1280, height: 800 };

const button = (page: WatchedPage) => page.getByRole('link', { name: 'Open Windows Settings' });
const refusal = (page: WatchedPage) => page.getByRole('alert');
const shown = (page: WatchedPage) => page.locator('main').innerText();

function token(change: Partial<JoinToken> = {}): string {
  return joinAddress({
    user: 'kim@example.org',
    secret: 'QCNG-QFW3-918B-J754',
    server: lanyard().local.enrollUrl,
    expires: new Date(Date.now() + 3_600_000).toISOString(),
    organisation: 'Contoso',
    ...change,
  });
}

/** The same fragment, but of an address that leads to our server whatever it says of itself. */
const here = (address: string) => `${lanyard().local.enrollUrl}/join#${address.split('#')[1]}`;

describe.each([
  ['a phone', PHONE],
  ['a desktop', DESKTOP],
])('on %s', (name, viewport) => {
  test('an invited person finds the button, the user name and the secret', async () => {
    await lanyard().admin.call('PUT', '/api/settings', {
      organisation: 'Contoso',
      support: { phone: '+49 30 1234567', email: 'help@example.org', website: 'https://help.example.org/' },
    });
    const invitation = await lanyard().post('/api/invitations', { user: 'kim@example.org', ownership: 'personal' });
    const page = await chromium.open({ viewport });
    await page.goto(invitation.joinPage);
    expect(await page.title()).toBe('Connect your PC to Contoso');
    expect(await button(page).getAttribute('href')).toBe(invitation.deepLink);
    expect(await shown(page)).toContain(invitation.user);
    expect(await shown(page)).toContain(invitation.secret);
    expect(await shown(page)).toContain('Microsoft Edge');
    expect(await refusal(page).count()).toBe(0);
    expect(await isTooWide(page)).toBe(false);
    await chromium.picture(page, `join ${name}`);
    expect(lanyard().logs.join('\n')).not.toContain(invitation.secret);
    expect(lanyard().logs.join('\n')).not.toContain(invitation.joinPage.split('#')[1]);
  });
});

test('the button comes first on the keyboard, then the two that copy, and what they copy is said', async () => {
  const page = await chromium.open({ permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto(token());
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  const order: (string | null | undefined)[] = [];
  for (let n = 0; n < 3; n += 1) {
    await page.keyboard.press('Tab');
    order.push(await focused());
  }
  expect(order).toEqual(['Open Windows Settings', 'Copy the user name', 'Copy the secret']);
  await page.keyboard.press('Enter');
  await page.getByText('Copied.').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('QCNG-QFW3-918B-J754');
});

test('where nothing may be copied, the text is marked for Ctrl+C', async () => {
  const page = await chromium.open();
  await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }));
  await page.goto(token());
  await page.getByRole('button', { name: 'Copy the user name' }).click();
  await page.getByText('Selected.').waitFor();
  expect(await page.evaluate(() => getSelection()?.toString())).toBe('kim@example.org');
});

test('without script the steps are there, with the server', async () => {
  const page = await chromium.open({ javaScriptEnabled: false, viewport: PHONE });
  await page.goto(token());
  expect(await shown(page)).toContain('Your browser does not run the script');
  expect(await shown(page)).toContain('Enroll only in device management');
  expect(await shown(page)).toContain(lanyard().local.enrollUrl);
  expect(await button(page).count()).toBe(0);
  await chromium.picture(page, 'join without script');
});

test.each<[string, () => string, RegExp]>([
  ['an invitation that has ended', () => token({ expires: '2026-01-01T00:00:00.000Z' }), /ended on/],
  ['an address without its second half', () => token().split('#')[0]!, /not complete/],
  ['an address that was cut', () => token().slice(0, -20), /damaged/],
  ['an invitation of another server', () => here(token({ server: 'https://evil.example' })), /another server/],
  ['markup for a secret', () => token({ secret: '<img src=x onerror=alert(1)>' }), /damaged/],
  ['a script for a user', () => token({ user: 'javascript:alert(1)' }), /damaged/],
])('for %s there is no button, no secret, and a sentence that says why', async (name, address, sentence) => {
  const page = await chromium.open({ viewport: PHONE });
  await page.goto(address());
  await refusal(page).getByText(sentence).waitFor();
  expect(await button(page).count()).toBe(0);
  expect(await page.locator('a[href^="ms-device-enrollment"], img').count()).toBe(0);
  expect(await shown(page)).not.toContain('kim@example.org');
  expect(await isTooWide(page)).toBe(false);
  await chromium.picture(page, `join ${name}`);
});

test('an address that is put right in the same window works, and one that is broken takes the secret away again', async () => {
  const page = await chromium.open();
  await page.goto(token().slice(0, -20));
  await refusal(page).waitFor();
  await page.goto(token());
  await button(page).waitFor();
  await page.evaluate(() => {
    location.hash = 'nothing';
  });
  await refusal(page).waitFor();
  expect(await page.locator('#secret').textContent()).toBe('');
  expect(await page.locator('#open').getAttribute('href')).toBeNull();
});
