import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { isIP } from 'node:net';
import type { DeepLink } from './deep-link.ts';
import { DeviceError, HRESULT } from './errors.ts';
import { formMayGo } from './form-action.ts';
import { type Form, readPage, type WebPage } from './html-form.ts';

/** The person before the web view. */
export interface Person {
  user: string;
  /** the secret of an invitation, to be typed where the page asks for one */
  secret?: string;
  /** the words of a link to choose in place of filling the form, e.g. `Microsoft` */
  chooses?: RegExp;
}

export interface BrokerOptions {
  person: Person;
  /** PEM roots; left out, the roots of Node */
  trust?: string[];
  /** the link that opened Settings, where there was one: Windows adds its parameters to the page's address */
  link?: Pick<DeepLink, 'accessToken' | 'deviceIdentifier' | 'tenantIdentifier' | 'ownership'>;
  localAddress?: string;
  /** told about each page and redirect: what was asked for, and the page that came */
  onPage?: (exchange: { method: string; url: string; status: number; page?: WebPage }) => void;
}

const MAX_STEPS = 20;
const MAX_PAGE = 2 * 1024 * 1024;

interface Navigation {
  method: 'GET' | 'POST';
  url: string;
  body?: string;
  /** the page whose form this comes of, and its Content-Security-Policy */
  form?: { page: string; policy?: string };
}

/**
 * The web authentication broker of Windows (MS-MDE2 3.2), as far as a server notices: opens the sign-in page, follows
 * redirects and forms, keeps cookies, and ends when something is sent to the address `appru`. What is sent is searched for
 * `wresult=` and taken up to the next `&` as it stands: the client does not decode it.
 *
 * @returns a `signIn` for an enrollment: gets the address with appru, login_hint and username, gives the text of `wresult`.
 *   Errors: DeviceError 0x8018000F when the person cannot go on, a page has an error status, or nothing is handed over.
 */
export function webBroker(options: BrokerOptions): (authenticationUrl: string) => Promise<string> {
  return async (authenticationUrl) => {
    const url = withDeepLink(authenticationUrl, options.link);
    const appru = new URL(url).searchParams.get('appru') ?? '';
    const cookies = new Map<string, string>();
    let next: Navigation = { method: 'GET', url };
    for (let step = 0; step < MAX_STEPS; step += 1) {
      if (isAppru(next.url, appru)) return resultIn(next);
      next = await visit(options, next, cookies);
    }
    throw failure('the sign-in goes round in circles');
  };
}

function withDeepLink(url: string, link: BrokerOptions['link']): string {
  const parameters = [
    ['accesstoken', link?.accessToken],
    ['deviceidentifier', link?.deviceIdentifier],
    ['tenantidentifier', link?.tenantIdentifier],
    ['ownership', link?.ownership],
  ];
  return parameters.reduce(
    (address, [name, value]) => (value === undefined ? address : `${address}&${name}=${encodeURIComponent(value)}`),
    url,
  );
}

function isAppru(url: string, appru: string): boolean {
  return appru !== '' && (url === appru || url.startsWith(`${appru}/`) || url.startsWith(`${appru}?`));
}

function resultIn({ method, body = '' }: Navigation): string {
  const at = body.indexOf('wresult=');
  if (method !== 'POST' || at < 0) throw failure('nothing was handed over to Windows');
  return body.slice(at + 'wresult='.length).split('&')[0] ?? '';
}

async function visit(
  options: BrokerOptions,
  navigation: Navigation,
  cookies: Map<string, string>,
): Promise<Navigation> {
  const reply = await fetchPage(options, navigation, cookies);
  const { status, location } = reply;
  if (status >= 300 && status < 400 && location !== undefined) {
    options.onPage?.({ method: navigation.method, url: navigation.url, status });
    return checked({ method: 'GET', url: new URL(location, navigation.url).href, form: navigation.form });
  }
  const page = readPage(reply.body);
  options.onPage?.({ method: navigation.method, url: navigation.url, status, page });
  // The broker shows an error of its own for such a page, and the person sees nothing of it.
  if (status >= 400) throw failure(`the page answers HTTP ${status}`);
  return actOn(page, { page: navigation.url, policy: reply.policy }, options.person);
}

/** What the person, or the page by itself, does next. */
function actOn(page: WebPage, from: { page: string; policy?: string }, person: Person): Navigation {
  const own = page.forms.find(({ sendsItself }) => sendsItself);
  if (own) return send(own, from);
  if (page.alert !== undefined) throw failure(`the page says: ${page.alert}`);
  const chosen = person.chooses && page.links.find(({ text }) => person.chooses?.test(text));
  if (chosen) return { method: 'GET', url: new URL(chosen.href, from.page).href };
  const [form] = page.forms;
  if (!form) throw failure(`the page says: ${page.text.slice(0, 300)}`);
  return send(fill(form, person), from);
}

function fill(form: Form, { user, secret }: Person): Form {
  const fields = form.fields.map((field) => {
    if (field.type === 'hidden') return field;
    if (!/secret|password/i.test(`${field.name} ${field.label}`)) return { ...field, value: user };
    if (secret === undefined) throw failure(`the page asks for "${field.label}" and the person has none`);
    return { ...field, value: secret };
  });
  return { ...form, fields };
}

function send({ method, action, fields }: Form, form: { page: string; policy?: string }): Navigation {
  const base = form.page;
  const body = fields.map(({ name, value }) => `${formEncoded(name)}=${formEncoded(value)}`).join('&');
  // An address in a Windows app has no base and may be no address for the parser at all.
  const target = /^[a-z-]+:/i.test(action) ? action : new URL(action || base, base).href;
  if (method !== 'post') return checked({ method: 'GET', url: `${target}?${body}`, form });
  return checked({ method: 'POST', url: target, body, form });
}

/** The web view holds a form, and what redirects it, to the policy of the page. */
function checked(navigation: Navigation): Navigation {
  const { form, url } = navigation;
  if (form && !formMayGo(form.policy, form.page, url)) throw failure(`a form of ${form.page} may not go to ${url}`);
  return navigation;
}

/** As forms are sent: `application/x-www-form-urlencoded`. */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}

async function fetchPage(
  options: BrokerOptions,
  { method, url, body }: Navigation,
  cookies: Map<string, string>,
): Promise<{ status: number; location?: string; policy?: string; body: string }> {
  const { origin, protocol } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'http:') throw failure(`nobody opens ${url}`);
  const start = protocol === 'https:' ? request : plainRequest;
  const jar = [...cookies].filter(([key]) => key.startsWith(`${origin} `));
  const headers: Record<string, string> = { accept: 'text/html' };
  if (jar.length > 0)
    headers['cookie'] = jar.map(([key, value]) => `${key.slice(origin.length + 1)}=${value}`).join('; ');
  if (body !== undefined) {
    headers['content-type'] = 'application/x-www-form-urlencoded';
    headers['content-length'] = String(Buffer.byteLength(body));
  }
  const { localAddress, trust } = options;
  const family = localAddress === undefined ? undefined : isIP(localAddress);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(failure(`${new URL(url).host} cannot be reached: ${error.message}`, error));
    const call = start(url, { method, headers, ca: trust, localAddress, family, agent: false }, (incoming) => {
      for (const cookie of incoming.headers['set-cookie'] ?? []) keep(cookies, origin, cookie);
      const chunks: Buffer[] = [];
      let size = 0;
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_PAGE) incoming.destroy(new Error('the page has no end'));
        chunks.push(chunk);
      });
      incoming.on('error', fail);
      incoming.on('end', () => {
        const { location } = incoming.headers;
        const policy = incoming.headers['content-security-policy']?.toString();
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: incoming.statusCode ?? 0, ...(location !== undefined && { location }), policy, body: text });
      });
    });
    call.on('error', fail);
    call.end(body);
  });
}

/** Cookies by origin and name; one that has ended is forgotten. */
function keep(cookies: Map<string, string>, origin: string, cookie: string): void {
  const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim());
  const [name = '', ...value] = pair.split('=');
  const ended = attributes.some((each) => /^max-age=-?0*$/i.test(each)) || value.join('=') === '';
  if (ended) cookies.delete(`${origin} ${name}`);
  else cookies.set(`${origin} ${name}`, value.join('='));
}

function failure(message: string, cause?: unknown): DeviceError {
  return new DeviceError(HRESULT.webAuthentication, 'sign-in', message, { cause });
}
