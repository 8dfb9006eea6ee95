import { app, type InvocationContext, type Timer } from '@azure/functions';
import { sweepUnenrolling } from '../../shared/devices/sweep.ts';
import { now } from '../../shared/platform/clock.ts';
import { logTo } from '../../shared/platform/log.ts';
import { services } from '../services.ts';

/** Every hour: decides what time alone decides about devices that are to leave or were told to wipe themselves. */
app.timer('silent-devices', {
  schedule: '0 17 * * * *',
  async handler(_timer: Timer, context: InvocationContext) {
    const log = logTo(context);
    const { seen, changed } = await sweepUnenrolling(services().storage, now(), log);
    log.info('Looked at the devices that are to leave', { seen, changed });
  },
});
