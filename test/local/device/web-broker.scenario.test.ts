import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readPage } from '../../../local/device/html-form.ts';
import { type BrokerOptions, webBroker } from '../../../local/device/web-broker.ts';

/** The web view of the simulated PC, before a site that does what a server of ours should not. */
interface Answer {
  status?: number;
  headers?: Record<string, string | string[]>;
  body?: string;
}

let site: Server;
let base: string;
let pages: Record<string, Answer> = {};
const came: { method: string; url: string; cookie: string; body: string }[] = [];

beforeAll(async () => {
  site = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    came.push({ method, url, cookie: headers.cookie ?? '', body: await text(request) });
    const { status = 200, headers: own = {}, body = '' } = pages[url.split('?')[0] ?? ''] ?? { status: 404 };
    response.writeHead(status, own).end(body);
  }).listen(0, '127.0.0.1');
  await once(site, 'listening');
  base = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
});
afterAll(() => site.close());
beforeEach(() => {
  came.length = 0;
});

async function text(request: IncomingMessage): Promise<string> {
  let all = '';
  for await (const chunk of request) all += String(chunk);
  return all;
}

const APPRU = 'ms-app://windows.immersivecontrolpanel';
const handOver = (fields: string, action = APPRU) =>
  `<form method="post" action="${action}">${fields}</form><script>document.forms[0].submit()</script>`;

function open(options: Partial<BrokerOptions> = {}): Promise<string> {
  const broker = webBroker({ person: { user: 'kim@example.org', secret: 'S' }, ...options });
  return broker(`${base}/start?appru=${encodeURIComponent(APPRU)}&login_hint=kim`);
}

describe('the web view of the simulated PC', () => {
  test('takes wresult as it stands up to the next field, and decodes nothing', async () => {
    const fields = '<input name="a" value="1"><input name="wresult" value="x+y/z=="><input name="b" value="2">';
    pages = { '/start': { body: handOver(fields) } };
    expect(await open()).toBe('x%2By%2Fz%3D%3D');
  });

  test('types user and secret where they are asked for, and sends what is hidden along', async () => {
    const form = `<form method="post" action="/check"><input type=hidden name=k value='a&amp;b'>
      <label for="u">Name</label><input id="u" name="u"><label for="p">Your secret</label><input id="p" name="p"></form>`;
    pages = { '/start': { body: form }, '/check': { body: handOver('<input name="wresult" value="t">') } };
    expect(await open()).toBe('t');
    expect(came[1]).toMatchObject({ method: 'POST', body: 'k=a%26b&u=kim%40example.org&p=S' });
  });

  test('follows redirects, and keeps cookies for where they came from until they end', async () => {
    pages = {
      '/start': { status: 302, headers: { location: '/two', 'set-cookie': ['a=1; Path=/', 'b=2'] } },
      '/two': { status: 303, headers: { location: '/three', 'set-cookie': 'a=; Max-Age=0' } },
      '/three': { body: handOver('<input name="wresult" value="t">') },
    };
    await open();
    expect(came.map(({ cookie }) => cookie)).toEqual(['', 'a=1; b=2', 'b=2']);
  });

  test('adds the parameters of the link that opened Settings', async () => {
    pages = { '/start': { body: handOver('<input name="wresult" value="t">') } };
    await open({ link: { accessToken: 'a b', ownership: '2' } });
    expect(came[0]?.url).toMatch(/&login_hint=kim&accesstoken=a%20b&ownership=2$/);
  });

  test.each<[string, Record<string, Answer>, RegExp]>([
    ['a page has an error status', { '/start': { status: 429, body: '<form></form>' } }, /HTTP 429/],
    ['the page says that something is wrong', { '/start': { body: '<p role="alert">No &amp; no</p>' } }, /No & no/],
    ['there is nothing to do', { '/start': { body: '<h1>Hello</h1>' } }, /the page says: Hello/],
    ['the form hands over something else', { '/start': { body: handOver('<input name="x" value="1">') } }, /nothing/],
    [
      'the form is sent by GET',
      { '/start': { body: handOver('<input name="wresult">').replace('post', 'get') } },
      /nothing/,
    ],
    ['it goes round in circles', { '/start': { status: 302, headers: { location: '/start' } } }, /circles/],
  ])('gives up when %s', async (_, answers, words) => {
    pages = answers;
    await expect(open()).rejects.toMatchObject({ hresult: '0x8018000F', message: expect.stringMatching(words) });
  });

  test.each<[string, Record<string, Answer>]>([
    [
      'a form where its page lets none go',
      {
        '/start': {
          headers: { 'content-security-policy': "default-src 'none'; form-action 'self' ms-appx-web:" },
          body: handOver('<input name="wresult" value="t">'),
        },
      },
    ],
    [
      'a form that is sent on there',
      {
        '/start': {
          headers: { 'content-security-policy': "form-action 'self'" },
          body: '<form method="post" action="/check"><input name="u"></form>',
        },
        '/check': { status: 302, headers: { location: 'http://localhost:9/elsewhere' } },
      },
    ],
  ])('stops %s', async (_, answers) => {
    pages = answers;
    await expect(open()).rejects.toMatchObject({ hresult: '0x8018000F', message: expect.stringMatching(/may not go/) });
  });

  test('lets a form go where its page says', async () => {
    const policy = { 'content-security-policy': "default-src 'none'; form-action 'self' ms-app:" };
    const form = '<form method="post" action="/check"><input name="u"></form>';
    pages = {
      '/start': { headers: policy, body: form },
      '/check': { headers: policy, body: handOver('<input name="wresult" value="t">') },
    };
    expect(await open()).toBe('t');
  });

  test('gives up when the form goes to another app than Windows asked for', async () => {
    pages = { '/start': { body: handOver('<input name="wresult" value="t">', 'ms-app://somebody.else') } };
    await expect(open()).rejects.toMatchObject({ hresult: '0x8018000F' });
  });
});

test('a page is read by its forms, links, labels and words, whatever quotes it uses', () => {
  const page = readPage(`<!doctype html><title>A &lt;b&gt;</title><style>p{}</style>
    <p>One <b>two</b> &#x1F98A;&#33;</p><a href='/x?a=1&amp;b=2'>Go <i>on</i></a>
    <form action=/y><label for=n>Your name</label><input id=n name=n value="&quot;q&quot;" value="second"><input type=submit></form>`);
  expect(page).toMatchObject({
    title: 'A <b>',
    links: [{ href: '/x?a=1&b=2', text: 'Go on' }],
    forms: [{ method: 'get', action: '/y', fields: [{ name: 'n', value: '"q"', label: 'Your name', type: 'text' }] }],
  });
  expect(page.forms[0]?.sendsItself).toBe(false);
  expect(page.text).toContain('One two 🦊!');
  expect(readPage('no page at all')).toMatchObject({ forms: [], links: [], title: '' });
});
