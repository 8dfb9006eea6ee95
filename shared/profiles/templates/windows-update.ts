import * as z from 'zod';
import { policy, template } from './template.ts';

const days = (most: number) => z.int().min(0).max(most);
const hour = z.int().min(0).max(23);

/** Policy CSP, area Update (Microsoft Learn). */
export const windowsUpdate = template({
  name: 'windows-update',
  title: 'Windows Update ring',
  summary: 'Says how long updates are held back, by when they must be in, and when the PC must not restart.',
  notes: ['A ring is a profile with a tag: first a few PCs without a delay, then the rest.'],
  secrets: [],
  atomic: false,
  input: z
    .strictObject({
      deferQualityDays: days(30).default(7),
      deferFeatureDays: days(365).default(30),
      deadlineQualityDays: days(30).default(3),
      deadlineFeatureDays: days(30).default(7),
      graceDays: days(7).default(2),
      activeFrom: hour.default(8),
      activeUntil: hour.default(17),
      /** Office and other products of Microsoft too. */
      microsoftUpdate: z.boolean().default(true),
      drivers: z.boolean().default(true),
    })
    .refine(({ activeFrom, activeUntil }) => hoursBetween(activeFrom, activeUntil) <= 18, {
      path: ['activeUntil'],
      message: 'is more than 18 hours after activeFrom, which Windows does not take',
    })
    .refine(({ activeFrom, activeUntil }) => activeFrom !== activeUntil, {
      path: ['activeUntil'],
      message: 'is the same as activeFrom',
    }),
  settings: (input) => [
    policy('Update', 'DeferQualityUpdatesPeriodInDays', input.deferQualityDays),
    policy('Update', 'DeferFeatureUpdatesPeriodInDays', input.deferFeatureDays),
    policy('Update', 'ConfigureDeadlineForQualityUpdates', input.deadlineQualityDays),
    policy('Update', 'ConfigureDeadlineForFeatureUpdates', input.deadlineFeatureDays),
    policy('Update', 'ConfigureDeadlineGracePeriod', input.graceDays),
    policy('Update', 'ActiveHoursStart', input.activeFrom),
    policy('Update', 'ActiveHoursEnd', input.activeUntil),
    policy('Update', 'AllowMUUpdateService', input.microsoftUpdate),
    policy('Update', 'ExcludeWUDriversInQualityUpdate', !input.drivers),
  ],
});

function hoursBetween(from: number, until: number): number {
  return (until - from + 24) % 24;
}
