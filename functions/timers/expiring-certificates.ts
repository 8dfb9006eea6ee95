import { app, type InvocationContext, type Timer } from '@azure/functions';
import { reportExpiring } from '../../shared/devices/expiring.ts';
import { sweepReturned } from '../../shared/enrollment/return.ts';
import { now } from '../../shared/platform/clock.ts';
import { logTo } from '../../shared/platform/log.ts';
import { services } from '../services.ts';

/** Every day: warns of certificates that end soon, and ends enrollments whose device has enrolled anew since. */
app.timer('expiring-certificates', {
  schedule: '0 11 4 * * *',
  async handler(_timer: Timer, context: InvocationContext) {
    const { storage } = services();
    const log = logTo(context);
    const ended = await sweepReturned(storage, now());
    const expiring = await reportExpiring(storage, now(), log);
    log.info('Looked at certificates and returned devices', { expiring, ended });
  },
});
