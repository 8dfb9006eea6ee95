import type { Policy } from '../../catalogue/policy.ts';
import { html } from '../../pages/html.ts';
import { type Page, page } from '../../pages/page.ts';
import { CODES } from './codes.ts';

/** A help desk's number that changes is seen within this time. */
const KEPT_FOR_SECONDS = 600;

/**
 * What people can do who cannot connect their PC, the same for everybody: so it is kept by whoever has it, and costs no call
 * to storage but the settings.
 *
 * @param policy organisation, colour and help desk
 * @param enrollUrl origin of the enroll app, which people type as the server
 */
export function helpPage({ organisation, support, signIn }: Policy, enrollUrl: string): Page {
  const codes = CODES.map(
    ({ code, meaning, todo }) => html`<dt id="${code}"><b>${code}</b></dt>
<dd>${meaning}<br>${todo}</dd>
`,
  );
  const main = html`<h1>Help with connecting a PC to <bdi>${organisation}</bdi></h1>
<p>If this page came in the window of Windows, go back with <em>Alt</em> and the left arrow, or close the window and start again in Settings.</p>
<h2>What stands in the way most</h2>
<ul>
<li>Sign in to the PC as an <strong>administrator</strong> of it. A standard user cannot connect it, nor can the account that is itself called Administrator.</li>
<li>Another organisation may manage the PC already: <em>Settings</em>, <em>Accounts</em>, <em>Access work or school</em>. Disconnect it there first.</li>
<li>There, choose <em>Enroll only in device management</em>, on some PCs behind <em>Add a work or school account</em>. <em>Connect</em> is something else.</li>
<li>The button of an invitation works in <strong>Microsoft Edge</strong> only.</li>
<li>When Windows asks for a server, it is <span class="secret">${enrollUrl}</span>. When it asks for a password, it is the secret of your invitation. Dashes, blanks and capitals do not matter.</li>
</ul>
<h2>What the codes mean</h2>
<dl>
${codes}</dl>
<h2>When you ask for help</h2>
<p>Say the code, and the number that Windows or our page shows with it. It looks like <span class="secret">20260301-0d2b86b263e1</span>, and says what happened. Never tell anybody the secret of your invitation.</p>`;
  const owner = { organisation, colour: signIn.colour, support };
  return page(owner, { title: `Help with connecting a PC to ${organisation}`, main, keptForSeconds: KEPT_FOR_SECONDS });
}
