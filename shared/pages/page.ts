import { createHash, randomBytes } from 'node:crypto';
import type { Support } from '../catalogue/policy-support.ts';
import { cleanColour, readableOn } from './colour.ts';
import { Html, html } from './html.ts';

/** Whose page it is. */
export interface PageOwner {
  organisation: string;
  /** `#rrggbb` */
  colour: string;
  /** Whom people ask; nothing is shown of what is empty. */
  support?: Support;
  /** Where our own words of help are. */
  helpPage?: string;
}

export interface PageContent {
  /** What a screen reader says first, and a history shows. */
  title: string;
  main: Html;
  /** Where forms of this page may go (Content-Security-Policy `form-action`); nowhere unless given. */
  formAction?: string;
  /** A script of ours: fixed text, no values in it. */
  script?: string;
  /** For a page that Windows shows inside one of its own (Windows 11 does in the set-up of a PC). */
  mayBeFramed?: boolean;
  /** For a page that is the same for everybody: how long whoever has it may show it again. */
  keptForSeconds?: number;
}

/** A page as it goes out; `headers` have all but the length. */
export interface Page {
  body: string;
  headers: Record<string, string>;
}

const LIGHT = '#ffffff';
const DARK = '#1b1b1f';

/** Roughly 2 KB; everything that a page of ours needs, so that nothing is fetched. No colour carries a meaning alone. */
const STYLE = `*{box-sizing:border-box}
body{margin:0;border-top:.4rem solid var(--own);background:var(--back);color:var(--text);font:1rem/1.5 "Segoe UI",system-ui,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main,footer{max-width:28rem;margin:0 auto;padding:1rem 1.25rem}
h1{margin:.5rem 0;font-size:1.5rem;line-height:1.25;font-weight:600}
h2{margin:1.5rem 0 .5rem;font-size:1.1rem}
p{margin:.5rem 0}
label{display:block;margin-top:1rem;font-weight:600}
small{display:block;font-size:.875rem}
input{width:100%;margin-top:.4rem;min-height:2.75rem;padding:.5rem .75rem;border:1px solid var(--line);border-radius:.25rem;background:var(--back);color:inherit;font:inherit}
.secret{font-family:Consolas,ui-monospace,monospace;letter-spacing:.05em}
.button{display:block;width:100%;min-height:2.75rem;margin-top:1.25rem;padding:.6rem 1rem;border:2px solid var(--accent);border-radius:.25rem;background:var(--accent);color:var(--back);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
.second{background:var(--back);color:var(--accent)}
.button:hover{text-decoration:underline}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
[role=alert]{margin:1rem 0;padding:.75rem 1rem;border:2px solid var(--error);border-radius:.25rem}
[role=alert] h2{margin:0;color:var(--error)}
[aria-invalid=true]{border:2px solid var(--error)}
b{display:inline-block}
footer{margin-top:1rem;border-top:1px solid var(--line);font-size:.875rem}
footer h2{margin:0;font-size:1rem}
ul{margin:.5rem 0;padding:0;list-style:none}
main ul{padding-left:1.25rem;list-style:disc}
dd{margin:0 0 .75rem}`;

/**
 * A page in the organisation's name and colour: one answer with everything in it. It may load nothing, be put into no
 * frame unless it says so, and send its forms only where it says; its one script and one style are let through by a nonce of this
 * answer, and where the answer is kept, by their hashes.
 */
export function page(owner: PageOwner, content: PageContent): Page {
  const { title, main, formAction = "'none'", script, mayBeFramed = false, keptForSeconds } = content;
  const style = colours(owner.colour) + STYLE;
  const nonce = keptForSeconds === undefined ? randomBytes(16).toString('base64') : undefined;
  const mark = nonce !== undefined && html` nonce="${nonce}"`;
  const source = (text: string) => (nonce === undefined ? `'sha256-${sha256(text)}'` : `'nonce-${nonce}'`);
  const body = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<meta name="viewport" content="width=device-width,initial-scale=1">
<style${mark}>${new Html(style)}</style></head>
<body><main>${main}</main>${help(owner)}${script !== undefined && html`<script${mark}>${new Html(script)}</script>`}</body></html>
`;
  const policy = [
    "default-src 'none'",
    `style-src ${source(style)}`,
    ...(script === undefined ? [] : [`script-src ${source(script)}`]),
    `form-action ${formAction}`,
    ...(mayBeFramed ? [] : ["frame-ancestors 'none'"]),
    "base-uri 'none'",
  ];
  return {
    body: body.toString(),
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': policy.join('; '),
      'Cache-Control': keptForSeconds === undefined ? 'no-store' : `public, max-age=${keptForSeconds}`,
      // Addresses here can hold a secret of a deep link: nobody else is told them.
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
      ...(mayBeFramed ? {} : { 'X-Frame-Options': 'DENY' }),
    },
  };
}

/** The settings let through nothing but `#rrggbb`; what a style carries is made here again all the same. */
function colours(own: string): string {
  const light = `--own:${cleanColour(own)};--accent:${readableOn(LIGHT, own)};--text:#1b1b1f;--back:${LIGHT};--line:#6b6b73;--error:#b3261e`;
  const dark = `--accent:${readableOn(DARK, own)};--text:#f4f4f6;--back:${DARK};--line:#9a9aa3;--error:#ffb4ab`;
  return `:root{color-scheme:light dark;${light}}@media(prefers-color-scheme:dark){:root{${dark}}}\n`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

function help({ support, helpPage }: PageOwner): Html | undefined {
  const { phone = '', email = '', website = '' } = support ?? {};
  const ways = [
    helpPage !== undefined && html`<li><a href="${helpPage}">What the codes mean, and what to do</a></li>`,
    phone && html`<li><a href="tel:${phone.replace(/[^+\d]/g, '')}">${phone}</a></li>`,
    // Encoded, or what follows a question mark would fill in the rest of a mail.
    email && html`<li><a href="mailto:${email.split('@').map(encodeURIComponent).join('@')}">${email}</a></li>`,
    website && html`<li><a href="${website}" rel="noreferrer">${website}</a></li>`,
  ].filter((way): way is Html => way instanceof Html);
  if (ways.length === 0) return undefined;
  return html`<footer><h2>Do you need help?</h2><ul>${ways}</ul></footer>`;
}
