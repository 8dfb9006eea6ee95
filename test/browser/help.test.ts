import { expect, test } from 'vitest';
import { useLanyard } from '../support/lanyard.ts';
import { isTooWide, useChromium } from './browser.ts';

/** The help page as a person finds it. */
const lanyard = useLanyard();
const chromium = useChromium();

const SUPPORT = { phone: '+49 30 1234567', email: 'help@example.org', website: 'https://help.example.org/' };
const APPRU = 'ms-app://windows.immersivecontrolpanel';

test.each([
  ['a phone', { width: 320, height: 640 }],
  ['a desktop', { width: 1280, height: 800 }],
])(
  'on %s a person gets there from the sign-in page and the page of an invitation, and finds his code',
  async (name, viewport) => {
    await lanyard().admin.call('PUT', '/api/settings', {
      organisation: 'Contoso',
      ways: ['Federated'],
      support: SUPPORT,
    });
    const { enrollUrl } = lanyard().local;
    const page = await chromium.open({ viewport });
    for (const from of [`/EnrollmentServer/SignIn?appru=${encodeURIComponent(APPRU)}`, '/join']) {
      await page.goto(enrollUrl + from);
      await page.getByRole('link', { name: 'What the codes mean, and what to do' }).click();
      await page.getByRole('heading', { name: 'Help with connecting a PC to Contoso' }).waitFor();
      expect(new URL(page.url()).pathname).toBe('/help');
    }
    const text = await page.locator('main').innerText();
    expect(text).toMatch(/0x80180002\s+User name or secret is wrong/);
    expect(text).toContain(enrollUrl);
    expect(await page.getByRole('link', { name: SUPPORT.phone }).getAttribute('href')).toBe('tel:+49301234567');
    expect(await isTooWide(page)).toBe(false);
    await chromium.picture(page, `help ${name}`);
  },
);
