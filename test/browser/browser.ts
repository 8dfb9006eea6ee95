import { accessSync, constants, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';

/** Where Chromium lies on Debian, on other systems, and wherever CHROMIUM says. */
const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** @throws Error that says what to install: a browser test without a browser has failed. */
function executable(): string {
  const places = process.env['CHROMIUM'] ? [process.env['CHROMIUM']] : PLACES;
  for (const place of places) {
    try {
      accessSync(place, constants.X_OK);
      return place;
    } catch {
      // the next one
    }
  }
  throw new Error(
    `Chromium is missing (${places.join(', ')}). Install it (Debian: apt-get install chromium) or name it in CHROMIUM.`,
  );
}

/** What a form tried to send to Windows. */
export interface HandedOver {
  action: string;
  fields: [string, string][];
}

/** A page in Chromium, with everything that went wrong in it. */
export interface WatchedPage extends Page {
  /** Errors of the console and of scripts, broken policies, requests to anybody else. */
  complaints: string[];
}

export interface Chromium {
  /** A page of its own, which nobody has used: another person at another PC. */
  open(options?: BrowserContextOptions): Promise<WatchedPage>;
  /** Keeps a picture, to be looked at by a person; the folder is named at the end. */
  picture(page: Page, name: string): Promise<void>;
}

/** Starts Chromium before the tests of a file. After each test no page may have complained. */
export function useChromium(): Chromium {
  let browser: Browser | undefined;
  let pages: WatchedPage[] = [];
  const pictures = process.env['SCREENSHOTS'] ?? mkdtempSync(join(tmpdir(), 'lanyard-pages-'));
  beforeAll(async () => {
    // Root has no sandbox; the pages are our own.
    browser = await chromium.launch({ executablePath: executable(), args: ['--no-sandbox'] });
  });
  afterEach(async () => {
    const complaints = pages.flatMap((page) => page.complaints);
    await Promise.all(pages.map((page) => page.context().close()));
    pages = [];
    expect(complaints).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    console.log(`Pictures of the pages: ${pictures}`);
  });
  return {
    async open(options = {}) {
      const context = await browser!.newContext({ ignoreHTTPSErrors: true, ...options });
      const page = watch(await context.newPage());
      pages.push(page);
      return page;
    },
    async picture(page, name) {
      await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
    },
  };
}

/** Chromium takes every scheme that it does not know for plain http; the web view of Windows knows this one. */
const TO_WINDOWS = /^Mixed Content: .* form that targets an insecure endpoint 'ms-app/;

function watch(page: Page): WatchedPage {
  const complaints: string[] = [];
  page.on('console', (message) => {
    const isComplaint = message.type() === 'error' || message.type() === 'warning';
    if (isComplaint && !TO_WINDOWS.test(message.text())) complaints.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`script: ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const { protocol, hostname } = new URL(request.url());
    const isOwn = hostname === 'localhost' || protocol === 'ms-app:' || protocol === 'ms-appx-web:';
    if (!isOwn) complaints.push(`request: ${request.url()}`);
  });
  return Object.assign(page, { complaints });
}

/**
 * Takes what a page hands to Windows, for Chromium knows no way to an app of Windows and shows a warning in its place. Reads
 * what the browser would send, of a form that sends itself and of one that a person sends.
 */
export async function catchHandOver(page: Page): Promise<() => Promise<HandedOver | undefined>> {
  await page.addInitScript(() => {
    const note = (form: HTMLFormElement) => {
      if (!form.action.startsWith('ms-app')) return false;
      const fields = [...new FormData(form)].map(([name, value]) => [name, String(value)]);
      sessionStorage.setItem('handed-over', JSON.stringify({ action: form.getAttribute('action'), fields }));
      return true;
    };
    const submit = HTMLFormElement.prototype.submit;
    HTMLFormElement.prototype.submit = function () {
      if (!note(this)) submit.call(this);
    };
    addEventListener('submit', (event) => {
      if (note(event.target as HTMLFormElement)) event.preventDefault();
    });
  });
  return async () => {
    const text = await page.evaluate(() => sessionStorage.getItem('handed-over'));
    return text === null ? undefined : (JSON.parse(text) as HandedOver);
  };
}

/** Whether anything of the page is wider than the window, so that it has to be moved sideways. */
export function isTooWide(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
