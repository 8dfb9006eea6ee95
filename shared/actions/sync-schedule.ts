import * as z from 'zod';
import { action } from './action.ts';

/** DMClient CSP, Poll: the last of the three sets, which goes on for ever (count 0); the others ended after the enrollment. */
export const syncSchedule = action({
  name: 'sync-schedule',
  summary: 'Changes how often this device calls, until it enrolls anew.',
  input: z.strictObject({
    everyMinutes: z.int().min(15).max(1_440),
    pollOnLogin: z.boolean().optional().describe('whether it also calls when somebody signs in'),
  }),
  plan(device, { everyMinutes, pollOnLogin }) {
    const poll = `./Device/Vendor/MSFT/DMClient/Provider/${device.providerId}/Poll`;
    const often = everyMinutes < 60;
    return {
      commands: [
        {
          verb: 'Replace',
          items: [
            { target: `${poll}/IntervalForRemainingScheduledRetries`, data: String(everyMinutes), format: 'int' },
            { target: `${poll}/NumberOfRemainingScheduledRetries`, data: '0', format: 'int' },
            ...(pollOnLogin === undefined
              ? []
              : [{ target: `${poll}/PollOnLogin`, data: String(pollOnLogin), format: 'bool' }]),
          ],
        },
      ],
      warnings: [
        'It holds for this device until it enrolls anew; the schedule for all is in the settings (poll), and is given at enrollment.',
        ...(often ? ['So many calls cost battery and money; an hour or more is enough for most.'] : []),
      ],
    };
  },
});
