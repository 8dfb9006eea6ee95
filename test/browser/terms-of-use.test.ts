import { beforeAll, describe, expect, test } from 'vitest';
import { useLanyard } from '../support/lanyard.ts';
import { CLIENT_ID, TENANT, useMockEntra } from '../support/mock-entra.ts';
import { isTooWide, useChromium } from './browser.ts';

/** The terms of use as a person meets them while the PC joins Entra: Windows opens the page with a token in the header. */
const entra = useMockEntra();
const lanyard = useLanyard();
const chromium = useChromium();

const BACK = 'ms-appx-web://Microsoft.AAD.BrokerPlugin/DRS';
const TEXT = `Lock your PC when you leave it.\n\n${'Keep what belongs to the organisation on its PC. '.repeat(30)}`;

beforeAll(() =>
  lanyard().admin.call('PUT', '/api/settings', {
    organisation: 'Contoso',
    entra: { tenantId: TENANT, audiences: [CLIENT_ID] },
    termsOfUse: { version: '2026-01', text: TEXT, required: true },
  }),
);

async function open(viewport: { width: number; height: number }, more: { javaScriptEnabled?: boolean } = {}) {
  const token = await entra.token({ now: lanyard().now() });
  const page = await chromium.open({ viewport, extraHTTPHeaders: { authorization: `Bearer ${token}` }, ...more });
  const query = new URLSearchParams({ redirect_uri: BACK, 'client-request-id': 'r1', 'api-version': '1.0' });
  await page.goto(`${lanyard().local.enrollUrl}/entra/TermsOfUse?${query}`);
  return page;
}

describe.each([
  ['a phone', { width: 320, height: 640 }],
  ['a desktop', { width: 1280, height: 800 }],
])('on %s', (name, viewport) => {
  test('the terms can be read, and both answers are there by their names', async () => {
    const page = await open(viewport);
    await chromium.picture(page, `terms ${name}`);
    expect(await isTooWide(page)).toBe(false);
    await page.getByText('Lock your PC when you leave it.').waitFor();
    await page.getByRole('button', { name: 'Accept' }).waitFor();
    expect(await page.getByRole('button').count()).toBe(2);
  });
});

test('accepting, with the keyboard and without script, leads back to Windows with a proof', async () => {
  const page = await open({ width: 480, height: 640 }, { javaScriptEnabled: false });
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.getByRole('button', { name: 'Accept' }).press('Enter');
  const reply = await answer;
  expect(reply.status()).toBe(302);
  expect(await reply.headerValue('location')).toMatch(
    /^ms-appx-web:\/\/Microsoft\.AAD\.BrokerPlugin\/DRS\?.*IsAccepted=true.*OpaqueBlob=[A-Za-z0-9._-]{50,}/i,
  );
});
