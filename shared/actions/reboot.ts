import * as z from 'zod';
import { action } from './action.ts';

/** Reboot CSP, RebootNow: within five minutes after the session. */
export const reboot = action({
  name: 'reboot',
  summary: 'Restarts the device.',
  input: z.strictObject({}),
  plan: () => ({ commands: [REBOOT_NOW], warnings: [RESTARTS] }),
});

export const REBOOT_NOW = { verb: 'Exec', target: './Device/Vendor/MSFT/Reboot/RebootNow' } as const;
export const RESTARTS =
  'The device restarts within five minutes after the session, whoever works on it: what is not saved is lost.';
