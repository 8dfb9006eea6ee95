import type { Support } from '../../catalogue/policy-support.ts';

/** The page for people who cannot connect their PC, at the enroll app. */
export const HELP_PATH = '/help';

/** An address over this length would make up most of what a fault says, which Windows keeps in its log and registry. */
const MAX_IN_A_FAULT = 200;

/**
 * Where a sentence that Windows shows sends people for help: the organisation's own page, else ours.
 * @param support the organisation's settings; undefined while they cannot be read
 * @param enrollUrl origin of the enroll app
 */
export function helpAddress(support: Pick<Support, 'website'> | undefined, enrollUrl: string): string {
  const website = support?.website ?? '';
  return website !== '' && website.length <= MAX_IN_A_FAULT ? website : `${enrollUrl}${HELP_PATH}`;
}
