import type { Policy } from '../../catalogue/policy.ts';
import { html } from '../../pages/html.ts';
import { type Page, page } from '../../pages/page.ts';
import { TERMS_OF_USE_PATH } from '../../wire/paths.ts';
import type { WindowsScheme } from '../sign-in/windows-redirect.ts';

/**
 * The terms of use as Windows shows them inside its own page, with or without script. A join has no Decline of its own:
 * whoever does not want to joins nothing, and Windows has a button for that.
 *
 * @param v.form what the form brings back
 * @param v.scheme where Windows waits for the answer
 */
export function termsPage(policy: Policy, v: { form: string; scheme: WindowsScheme; mayDecline: boolean }): Page {
  const paragraphs = policy.termsOfUse.text.split(/\n\s*\n/).map((text) => html`<p>${text.trim()}</p>\n`);
  const decline = html`<button class="button second" name="answer" value="decline">Decline</button>`;
  const main = html`<h1>Terms of use</h1>
<p>${policy.organisation} asks you to read and accept this before your device is set up.</p>
<section aria-label="Terms of use">
${paragraphs}</section>
<form method="post" action="${TERMS_OF_USE_PATH}">
<input type="hidden" name="form" value="${v.form}">
<button class="button" name="answer" value="accept">Accept</button>
${v.mayDecline && decline}
</form>`;
  // The answer to the form leads back into Windows, and the policy holds for where a form leads as well.
  return framed(policy, { title: 'Terms of use', main, formAction: `'self' ${v.scheme}` });
}

/** For whoever cannot be sent back to Windows, since it is not known where it waits. */
export function noTermsPage(policy: Policy, what: string): Page {
  return framed(policy, {
    title: 'This did not work',
    main: html`<h1>This did not work</h1><p role="alert">${what}</p>`,
  });
}

function framed({ organisation, signIn, support }: Policy, content: Parameters<typeof page>[1]): Page {
  return page({ organisation, colour: signIn.colour, support }, { ...content, mayBeFramed: true });
}
