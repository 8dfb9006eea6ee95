import * as z from 'zod';
import { certificateEnd } from '../devices/device.ts';
import { conflict } from '../platform/problem.ts';
import { action } from './action.ts';

/** CertificateStore CSP, My/WSTEP/Renew/RenewNow: the renewal follows the session (MS-MDE2 3.5). */
export const renewCertificate = action({
  name: 'renew-certificate',
  summary: 'Has the device renew its management certificate now; by itself it does so in the last 60 days.',
  input: z.strictObject({}),
  plan(device, _, { now }) {
    const end = certificateEnd(device);
    if (end !== '' && end < now.toISOString()) {
      throw conflict(`Its certificate ended on ${end.slice(0, 10)}: it can neither call nor renew. Enroll it anew.`);
    }
    return {
      commands: [{ verb: 'Exec', target: './Device/Vendor/MSFT/CertificateStore/My/WSTEP/Renew/RenewNow' }],
      warnings: ['The old certificate stays good until its own end.'],
    };
  },
});
