import { app, type InvocationContext, type Timer } from '@azure/functions';
import { dueActions } from '../../shared/certificates/authority-dates.ts';
import { now } from '../../shared/platform/clock.ts';
import { logTo } from '../../shared/platform/log.ts';
import { services } from '../services.ts';

/** What an alert rule can look for; a change here is a change of every rule that people made. */
const EVENT = 'certificate-authority-due';

/** Every day: says in the log what has to be done about the certificate authority before it ends. */
app.timer('certificate-authority-due', {
  schedule: '0 41 4 * * *',
  async handler(_timer: Timer, context: InvocationContext) {
    const log = logTo(context);
    const { authorities, awaitingOwnRoot } = await services().catalogue.read();
    if (authorities.length === 0 && !awaitingOwnRoot) {
      const todo = 'Nobody can enroll. POST /api/certificate-authority makes one, or says why it cannot.';
      log.error('There is no certificate authority', { event: EVENT, todo });
    }
    for (const { what, urgency, ends, daysLeft, message } of dueActions(authorities, now())) {
      const facts = { event: EVENT, what, ends: ends.toISOString(), daysLeft, todo: message };
      if (urgency === 'urgent') log.error('The certificate authority ends', facts);
      else log.warn('The certificate authority is due for a roll-over', facts);
    }
  },
});
