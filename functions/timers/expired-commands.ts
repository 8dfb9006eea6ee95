import { app, type InvocationContext, type Timer } from '@azure/functions';
import { expireCommands } from '../../shared/commands/expiry.ts';
import { now } from '../../shared/platform/clock.ts';
import { logTo } from '../../shared/platform/log.ts';
import { services } from '../services.ts';

/** Every hour: ends the commands whose time is over before they were sent. */
app.timer('expired-commands', {
  schedule: '0 47 * * * *',
  async handler(_timer: Timer, context: InvocationContext) {
    const expired = await expireCommands(services().storage, now());
    logTo(context).info('Ended the commands that were not sent in time', { expired });
  },
});
