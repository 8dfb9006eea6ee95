/**
 * The script of an invitation's page. It reads the token behind the `#`, which anybody may have written: it is held to its
 * form to the letter, shown as text and nothing else, the server must be the one that gave the page, and the only address
 * that is made of it begins with `ms-device-enrollment:`. It is text, not a module, because it goes into
 * the page as it stands, with no value in it. The link is made as `enrollmentDeepLink` makes it.
 */
export const JOIN_SCRIPT = `'use strict';
function readToken(fragment, server) {
  if (!/^[A-Za-z0-9_-]{1,6000}$/.test(fragment)) return undefined;
  let token;
  try {
    const bytes = Uint8Array.from(atob(fragment.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    token = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (typeof token !== 'object' || token === null) return undefined;
  const text = (value, form) => typeof value === 'string' && form.test(value);
  const absentOr = (value, form) => value === undefined || text(value, form);
  const good =
    text(token.user, /^(?=.{1,320}$)[^\\s\\p{C}@\\\\/]+@[^\\s\\p{C}@\\\\/]+\\.[^\\s\\p{C}@\\\\/]+$/u) &&
    text(token.secret, /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){3}$/) &&
    token.server === server &&
    text(token.expires, /^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(?:\\.\\d{3})?Z$/) &&
    !Number.isNaN(Date.parse(token.expires)) &&
    text(token.organisation, /^\\P{C}{1,60}$/u) &&
    absentOr(token.ownership, /^(?:unknown|personal|corporate)$/) &&
    absentOr(token.deviceIdentifier, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) &&
    absentOr(token.tenantIdentifier, /^\\P{C}{1,200}$/u) &&
    (token.secretInLink === undefined || token.secretInLink === true);
  return good ? token : undefined;
}
function deepLink(token) {
  const encode = (value) =>
    encodeURIComponent(value).replace(/[!'()*]/g, (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
  const ownership = { unknown: '1', personal: '2', corporate: '3' }[token.ownership];
  const parameters = [
    ['username', token.user],
    ['servername', token.server],
    ['accesstoken', token.secretInLink ? token.secret : undefined],
    ['deviceidentifier', token.deviceIdentifier],
    ['tenantidentifier', token.tenantIdentifier],
    ['ownership', ownership],
  ];
  const query = parameters.filter(([, value]) => value !== undefined).map(([name, value]) => name + '=' + encode(value));
  return 'ms-device-enrollment:?' + ['mode=mdm', ...query].join('&');
}
function show() {
  const at = (id) => document.getElementById(id);
  const page = at('join');
  const fragment = location.hash.slice(1);
  const token = readToken(fragment, page.dataset.server);
  const ended = token !== undefined && Date.parse(token.expires) <= Date.now();
  const usable = token !== undefined && !ended;
  at('invitation').hidden = !usable;
  at('refused').hidden = usable;
  at('message').textContent = usable
    ? ''
    : ended
      ? 'This invitation ended on ' + new Date(token.expires).toLocaleString() + '. Ask for a new one.'
      : fragment === ''
        ? 'The address of this page is not complete: the part behind the # is missing. Copy the whole address out of the message.'
        : 'The address of this page is damaged or for another server. Copy the whole address out of the message, or ask for a new one.';
  if (!usable) {
    at('open').removeAttribute('href');
    for (const id of ['user', 'secret', 'until']) at(id).textContent = '';
    return;
  }
  at('user').textContent = token.user;
  at('secret').textContent = token.secret;
  at('until').textContent = new Date(token.expires).toLocaleString();
  at('open').href = deepLink(token);
}
async function copy(event) {
  const source = document.getElementById(event.currentTarget.dataset.copies);
  let said = 'Copied.';
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    getSelection().selectAllChildren(source);
    said = 'Selected. Copy it with Ctrl+C.';
  }
  document.getElementById('copied').textContent = said;
}
if (typeof document !== 'undefined') {
  for (const button of document.querySelectorAll('[data-copies]')) button.addEventListener('click', copy);
  addEventListener('hashchange', show);
  show();
}
`;
