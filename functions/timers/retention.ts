import { app, type InvocationContext, type Timer } from '@azure/functions';
import { pruneDevices } from '../../shared/commands/retention.ts';
import { pruneJournal } from '../../shared/enrollment/journal/journal.ts';
import { now } from '../../shared/platform/clock.ts';
import { logTo } from '../../shared/platform/log.ts';
import { pruneTraces } from '../../shared/trace/trace.ts';
import { services } from '../services.ts';

/** Every night: deletes what has been kept long enough. */
app.timer('retention', {
  schedule: '0 23 3 * * *',
  async handler(_timer: Timer, context: InvocationContext) {
    const { storage } = services();
    const at = now();
    const { commands, ended, idempotencyKeys } = await pruneDevices(storage, at);
    const attempts = await pruneJournal(storage, at);
    const traced = await pruneTraces(storage, at);
    logTo(context).info('Deleted what was kept long enough', { commands, ended, attempts, idempotencyKeys, traced });
  },
});
