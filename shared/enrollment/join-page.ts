import type { Policy } from '../catalogue/policy.ts';
import { sha256 } from '../platform/ids.ts';
import { type Xml, xml } from '../wire/xml.ts';
import { JOIN_SCRIPT } from './join-page-script.ts';

/**
 * The page that an invitation leads to. Mail programs and filters drop `ms-device-enrollment:` links, so people are sent an
 * https address; the page has the link as a button, and the same in words for every other browser.
 */
export interface JoinPage {
  html: string;
  headers: Record<string, string>;
}

/**
 * @param policy organisation, colour and help desk, which are the server's own and never those that an address claims
 * @param enrollUrl origin of the enroll app; the page takes invitations for no other
 */
export function joinPage(policy: Policy, enrollUrl: string): JoinPage {
  const style = styleFor(policy.signIn.colour);
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
${xml`<title>Connect your PC to ${policy.organisation}</title>`}
<style>${style}</style>
</head>
<body>
${body(policy, enrollUrl)}
<script>${JOIN_SCRIPT}</script>
</body>
</html>
`;
  return { html, headers: headersFor(style) };
}

function body(policy: Policy, enrollUrl: string): Xml {
  return xml`<main id="join" data-server="${enrollUrl}">
<p class="organisation">${policy.organisation}</p>
<h1>Connect your Windows PC to work</h1>
<noscript><p class="message">Your browser does not run the script of this page. Follow the steps below, with the user name and the secret of the message that you were sent.</p></noscript>
<p id="message" class="message" role="status"></p>
<p><a id="open" class="button" hidden="hidden">Open Windows Settings</a></p>
<section id="invitation" hidden="hidden" aria-labelledby="yours">
<h2 id="yours">Your invitation</h2>
<dl>
<dt>User name</dt><dd><code id="user"></code> <button type="button" data-copies="user" aria-label="Copy the user name">Copy</button></dd>
<dt>Secret, typed as the password</dt><dd><code id="secret"></code> <button type="button" data-copies="secret" aria-label="Copy the secret">Copy</button></dd>
<dt>Good until</dt><dd id="until"></dd>
</dl>
<p id="copied" role="status"></p>
<p>The button works in <strong>Microsoft Edge</strong> only. Edge asks whether it may open Windows: choose <em>Open</em>. Where nothing happens, follow the steps below.</p>
</section>
<h2>By hand, in any browser or none</h2>
<ol>
<li>Open <em>Settings</em>, <em>Accounts</em>, <em>Access work or school</em>.</li>
<li>Choose <em>Enroll only in device management</em>. (Not <em>Connect</em>, which is something else.)</li>
<li>Type your user name. When Windows asks for a server, it is <code>${enrollUrl}</code>. When it asks for a password, it is the secret.</li>
</ol>
<h2>If it does not work</h2>
<ul>
<li>Sign in to the PC as its administrator. A standard user cannot connect it, nor can the account that is called Administrator.</li>
<li>Another organisation may manage the PC already. Disconnect it there first.</li>
<li>Whoever has the secret can connect a PC in your name. Do not pass it on.</li>
${helpLines(policy.support)}</ul>
</main>`;
}

function helpLines({ phone, email, website }: Policy['support']): Xml[] {
  const line = (content: Xml) => xml`<li>${content}</li>\n`;
  const mailAddress = email.split('@').map(encodeURIComponent).join('@');
  return [
    ...(phone ? [line(xml`Help by phone: ${phone}`)] : []),
    ...(email ? [line(xml`Help by mail: <a href="mailto:${mailAddress}">${email}</a>`)] : []),
    ...(website ? [line(xml`More help: <a href="${website}" rel="noreferrer">${website}</a>`)] : []),
  ];
}

function styleFor(colour: string): string {
  return `
:root { color-scheme: light dark; }
body { margin: 0; font: 1rem/1.5 system-ui, "Segoe UI", sans-serif; overflow-wrap: anywhere; }
main { max-width: 40rem; margin: 0 auto; padding: 1rem; border-top: 0.5rem solid ${colour}; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; }
h2 { font-size: 1.15rem; margin: 1.75rem 0 0.5rem; }
.organisation { font-weight: 600; margin: 0.5rem 0; }
.message { font-weight: 600; }
.message:empty, #copied:empty { display: none; }
.button { display: inline-block; padding: 0.75rem 1.25rem; border-radius: 0.25rem; background: ${colour}; color: ${inkOn(colour)}; font-weight: 600; text-decoration: none; border: 1px solid ${inkOn(colour)}; }
[hidden] { display: none; }
dt { margin-top: 0.75rem; }
dd { margin: 0; }
code { font: 1.05rem ui-monospace, Consolas, monospace; user-select: all; }
button { font: inherit; padding: 0.25rem 0.75rem; min-height: 2rem; }
a:focus-visible, button:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
li { margin-bottom: 0.5rem; }
`;
}

/** Black or white, whichever is easier to read on a colour of the form `#rrggbb` (WCAG 2.2, relative luminance). */
function inkOn(colour: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 ? '#ffffff' : '#000000';
}

/** Nothing is loaded, sent, framed or run but the one script and the one style, which are named by their hashes (CSP Level 3). */
function headersFor(style: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(JOIN_SCRIPT)}'`,
    `style-src '${hashOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return {
    'Content-Security-Policy': policy.join('; '),
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Cross-Origin-Opener-Policy': 'same-origin',
  };
}

function hashOf(text: string): string {
  return `sha256-${sha256(text).toString('base64')}`;
}
