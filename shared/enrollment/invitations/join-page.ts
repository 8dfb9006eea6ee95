import type { Policy } from '../../catalogue/policy.ts';
import { type Html, html } from '../../pages/html.ts';
import { type Page, page } from '../../pages/page.ts';
import { HELP_PATH } from '../help/help-address.ts';
import { JOIN_SCRIPT } from './join-page-script.ts';

/**
 * The page that an invitation leads to. Mail programs and filters drop `ms-device-enrollment:` links, so people are sent an
 * https address; the page has the link as a button, and the same in words for every other browser.
 *
 * @param policy organisation, colour and help desk, which are the server's own and never those that an address claims
 * @param enrollUrl origin of the enroll app; the page takes invitations for no other
 */
export function joinPage(policy: Policy, enrollUrl: string): Page {
  const { organisation, support, signIn } = policy;
  const { body, headers } = page(
    { organisation, colour: signIn.colour, support, helpPage: HELP_PATH },
    { title: `Connect your PC to ${organisation}`, main: main(organisation, enrollUrl), script: JOIN_SCRIPT },
  );
  // Whatever leads away from here learns not even that there is an invitation.
  return { body, headers: { ...headers, 'Referrer-Policy': 'no-referrer' } };
}

function main(organisation: string, enrollUrl: string): Html {
  return html`<div id="join" data-server="${enrollUrl}">
<p>${organisation}</p>
<h1>Connect your Windows PC to work</h1>
<noscript><div role="alert">Your browser does not run the script of this page. Follow the steps below, with the user name and the secret of the message that you were sent.</div></noscript>
<div id="refused" role="alert" hidden><h2>This address does not work</h2><p id="message"></p></div>
<section id="invitation" aria-labelledby="yours" hidden>
<a id="open" class="button">Open Windows Settings</a>
<p>The button works in <strong>Microsoft Edge</strong> only. Edge asks whether it may open Windows: choose <em>Open</em>. Where nothing happens, follow the steps below.</p>
<h2 id="yours">Your invitation</h2>
${copied('user', 'User name', 'Copy the user name')}
${copied('secret', 'Secret, which you type as the password', 'Copy the secret')}
<p role="status" id="copied"></p>
<p>Good until <span id="until"></span>. It is for you alone: whoever has the secret can connect a PC in your name.</p>
</section>
<h2>By hand, in any browser or none</h2>
<ol>
<li>Open <em>Settings</em>, <em>Accounts</em>, <em>Access work or school</em>.</li>
<li>Choose <em>Enroll only in device management</em>. (Not <em>Connect</em>, which is something else.)</li>
<li>Type your user name. When Windows asks for a server, it is <span class="secret">${enrollUrl}</span>. When it asks for a password, it is the secret.</li>
</ol>
<h2>If it does not work</h2>
<ul>
<li>Sign in to the PC as its administrator. A standard user cannot connect it, nor can the account that is called Administrator.</li>
<li>Another organisation may manage the PC already. Disconnect it there first.</li>
</ul>
</div>`;
}

function copied(id: string, label: string, button: string): Html {
  return html`<p>${label}<br><span class="secret" id="${id}"></span></p>
<button type="button" class="button second" data-copies="${id}">${button}</button>`;
}
