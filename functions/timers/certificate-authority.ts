import { app, type InvocationContext, type Timer } from '@azure/functions';
import { daysAwaitingOwnRoot, dueActions } from '../../shared/certificates/authority-dates.ts';
import { now } from '../../shared/platform/clock.ts';
import { logTo } from '../../shared/platform/log.ts';
import { services } from '../services.ts';

/** What an alert rule can look for; a change here is a change of every rule that people made. */
const EVENT = 'certificate-authority-due';

/**
 * Every day: says in the log what has to be done about the certificate authority before it ends, that there is none, and that a
 * request which was made a day ago or earlier still waits for the organisation's own root.
 */
app.timer('certificate-authority-due', {
  schedule: '0 41 4 * * *',
  async handler(_timer: Timer, context: InvocationContext) {
    const log = logTo(context);
    const { authorities, awaitingOwnRoot } = await services().catalogue.read();
    if (authorities.length === 0 && !awaitingOwnRoot) {
      const todo = 'Nobody can enroll. POST /api/certificate-authority makes one, or says why it cannot.';
      log.error('There is no certificate authority', { event: EVENT, todo });
    }
    const daysWaiting = daysAwaitingOwnRoot(awaitingOwnRoot, now());
    if (daysWaiting >= 1) {
      const nobodyEnrolls = authorities.length === 0;
      const facts = { event: EVENT, awaitingOwnRoot, daysWaiting, todo: ownRootTodo(nobodyEnrolls) };
      const line = 'A signing request waits for your own root';
      if (nobodyEnrolls) log.error(line, facts);
      else log.warn(line, facts);
    }
    for (const { what, urgency, ends, daysLeft, message } of dueActions(authorities, now())) {
      const facts = { event: EVENT, what, ends: ends.toISOString(), daysLeft, todo: message };
      if (urgency === 'urgent') log.error('The certificate authority ends', facts);
      else log.warn('The certificate authority is due for a roll-over', facts);
    }
  },
});

function ownRootTodo(nobodyEnrolls: boolean): string {
  const until = nobodyEnrolls ? 'Nobody can enroll until it is answered' : 'The old CA signs until it is answered';
  return (
    `${until}: "node lanyard authority install" takes what your root signed. ` +
    'To call it off: "node lanyard authority signing-request --give-up".'
  );
}
