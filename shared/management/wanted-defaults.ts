import type { Policy } from '../catalogue/policy.ts';

/** One part: `value` is absent where it is not wanted (any more). Named by its setting. */
export interface WantedDefault {
  name: string;
  value?: string;
}

export const NAME_TEMPLATE = 'deviceDefaults.nameTemplate';
export const PUSH_NAME = 'push.packageFamilyName';

/** @returns every part with the value that the organisation wants, in the order of sending */
export function wantedDefaults({ support, deviceDefaults, push }: Policy): WantedDefault[] {
  const { nameTemplate, userMayDisconnect, completePage } = deviceDefaults;
  const values: Record<string, string> = {
    'support.phone': support.phone,
    'support.email': support.email,
    'support.website': support.website,
    [NAME_TEMPLATE]: nameTemplate,
    // Disconnecting is allowed where nobody forbids it, so only the ban is written, and deleted when it ends.
    'deviceDefaults.userMayDisconnect': userMayDisconnect ? '' : '0',
    'deviceDefaults.completePage.title': completePage.title,
    'deviceDefaults.completePage.text': completePage.text,
    'deviceDefaults.completePage.linkAddress': completePage.linkAddress,
    'deviceDefaults.completePage.linkText': completePage.linkText,
    [PUSH_NAME]: push.packageFamilyName,
  };
  return Object.entries(values).map(([name, value]) => (value === '' ? { name } : { name, value }));
}
