import { app, type InvocationContext, type Timer } from '@azure/functions';
import { countDevices } from '../../shared/enrollment/eligibility/count-devices.ts';
import { sweepIdentities } from '../../shared/enrollment/identity-sweep.ts';
import { now } from '../../shared/platform/clock.ts';
import { logTo } from '../../shared/platform/log.ts';
import { services } from '../services.ts';

/**
 * Every hour: compares enrollments of which more is known by now, which may end old ones; then makes true what the limits of
 * devices go by.
 */
app.timer('device-counts', {
  schedule: '0 37 * * * *',
  async handler(_timer: Timer, context: InvocationContext) {
    const { storage, catalogue } = services();
    const { policy } = await catalogue.read();
    const { compared } = await sweepIdentities(storage, now());
    const { devices, freed } = await countDevices(storage, policy.enrollment, now());
    logTo(context).info('Compared and counted the devices', { compared, devices, freed });
  },
});
