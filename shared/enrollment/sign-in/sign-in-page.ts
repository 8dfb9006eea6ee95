import type { Policy } from '../../catalogue/policy.ts';
import { type Html, html } from '../../pages/html.ts';
import { type Page, type PageOwner, page } from '../../pages/page.ts';
import { ENTRA_SIGN_IN_PATH, SIGN_IN_PATH } from '../../wire/paths.ts';
import { HELP_PATH } from '../help/help-address.ts';
import { carriedAlong, MAX_SECRET, MAX_USER, type SignInRequest } from './sign-in-request.ts';

/** The pages of signing in, in words for people who have never heard of device management. */

export interface Mistake {
  /** What is wrong and what to do. */
  message: string;
  field?: 'user' | 'secret';
  /** Names the attempt in the journal. */
  traceId?: string;
}

function ownerOf({ organisation, signIn, support }: Policy, helpPage?: string): PageOwner {
  return { organisation, colour: signIn.colour, support, helpPage };
}

/** Whether people can sign in with Microsoft Entra here. */
export function offersEntra({ signIn }: Policy): boolean {
  return signIn.entra.clientId !== '';
}

/**
 * Asks who it is: by Microsoft Entra where that is set up, and by invitation. A link with the secret in it needs one click,
 * so that a page that is merely opened enrolls nothing.
 */
export function signInPage(policy: Policy, request: SignInRequest, mistake?: Mistake): Page {
  const title = `${mistake ? 'Error: ' : ''}Connect this PC to ${policy.organisation}`;
  const entra = offersEntra(policy) ? entraWay(request) : undefined;
  const main = html`<h1>Connect this PC to <bdi>${policy.organisation}</bdi></h1>
<p>Sign in so that <bdi>${policy.organisation}</bdi> can set up and protect this PC.</p>${mistake && summary(mistake)}
${entra}${invitationForm(request, mistake, entra !== undefined)}`;
  return page(ownerOf(policy, HELP_PATH), { title, main, formAction: "'self'" });
}

function summary({ message, field, traceId }: Mistake): Html {
  const text = field ? html`<a href="#${field}">${message}</a>` : html`${message}`;
  return html`<div role="alert" id="error"><h2>That did not work</h2><p>${text}</p>${codeFor(traceId)}</div>`;
}

/** What the help desk looks the attempt up by. */
function codeFor(traceId: string | undefined): Html | undefined {
  return traceId === undefined ? undefined : html`<p>If you ask for help, give this code: <b>${traceId}</b></p>`;
}

function entraWay(request: SignInRequest): Html {
  const query = new URLSearchParams([...carriedAlong(request), ['login_hint', request.user]]);
  return html`<a class="button" href="${`${ENTRA_SIGN_IN_PATH}?${query}`}">Sign in with Microsoft</a>
<h2>Or use an invitation</h2>`;
}

function hidden(pairs: readonly [string, string][]): Html[] {
  return pairs.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
}

function invitationForm(request: SignInRequest, mistake: Mistake | undefined, isSecond: boolean): Html {
  const { user, accessToken } = request;
  const byLink = accessToken !== undefined && user !== '' && mistake === undefined;
  const fields = byLink
    ? html`${hidden([
        ['user', user],
        ['secret', accessToken],
      ])}<p>Your invitation is for <bdi><b>${user}</b></bdi>.</p>`
    : html`${userField(user, mistake, isSecond)}${secretField(mistake, user !== '' && !isSecond)}`;
  const second = new URLSearchParams([...carriedAlong(request), ['login_hint', user]]);
  const other = byLink && html`<p><a href="${`${SIGN_IN_PATH}?${second}`}">Use another invitation</a></p>`;
  return html`<form method="post" action="${SIGN_IN_PATH}">${hidden(carriedAlong(request))}${fields}
<button class="button${isSecond && ' second'}">Connect</button></form>${other}`;
}

function userField(user: string, mistake: Mistake | undefined, isSecond: boolean): Html {
  const wrong = mistake?.field === 'user';
  return html`<label for="user">User name (your e-mail address)</label>
<input id="user" name="user" value="${user}" maxlength="${MAX_USER}" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false" required${marks(wrong, wrong || (user === '' && !isSecond && !mistake))}>`;
}

function secretField(mistake: Mistake | undefined, isNext: boolean): Html {
  const wrong = mistake?.field === 'secret';
  return html`<label for="secret">Secret of your invitation</label><small id="hint">16 letters and digits, such as ABCD-1234-EFGH-5678. Dashes and capitals do not matter.</small>
<input id="secret" name="secret" class="secret" maxlength="${MAX_SECRET}" autocomplete="off" autocapitalize="characters" spellcheck="false" required${marks(wrong, wrong || (isNext && !mistake), 'hint')}>`;
}

/** The attributes of a field that depend on the case: what is wrong with it, what describes it, whether one begins there. */
function marks(isWrong: boolean, hasFocus: boolean, describedBy?: string): Html {
  const described = [isWrong && 'error', describedBy].filter(Boolean).join(' ');
  return html`${described !== '' && html` aria-describedby="${described}"`}${isWrong && html` aria-invalid="true"`}${hasFocus && html` autofocus`}`;
}

/**
 * Hands the token to Windows: a form that goes to `appru` with the hidden `wresult` (MS-MDE2 3.2). The script sends it at
 * once; without script a click does. Nothing else is in the form, for Windows looks for `wresult=` in what it is sent.
 */
export function handOverPage(policy: Policy, { appru, target }: SignInRequest, token: string): Page {
  const main = html`<h1>You are signed in</h1>
<p>Windows now connects this PC to <bdi>${policy.organisation}</bdi>. If nothing happens, choose Continue.</p>
<form method="post" action="${appru}">${hidden([['wresult', token]])}<button class="button" autofocus>Continue</button></form>`;
  const script = 'document.forms[0].submit()';
  return page(ownerOf(policy), { title: 'You are signed in', main, formAction: target, script });
}

/** Where a sign-in ends that somebody tries in a browser: what came with it is not looked at. */
export function triedPage(policy: Policy): Page {
  return plainPage(policy, 'Signing in works', [
    'This was a try in a browser: nothing was connected, and no use of an invitation was counted.',
    'To connect a PC, start in Windows Settings.',
  ]);
}

/** For whoever did not come from Windows, and where nothing can be done on the page. */
export function plainPage(policy: Policy, title: string, paragraphs: readonly string[], traceId?: string): Page {
  const main = html`<h1>${title}</h1>${paragraphs.map((text) => html`<p>${text}</p>`)}${codeFor(traceId)}`;
  return page(ownerOf(policy, traceId && HELP_PATH), { title, main });
}
