import * as z from 'zod';
import { conflict } from '../platform/problem.ts';
import { action } from './action.ts';
import { collectionXml } from './log-collection.ts';
import { logContainer } from './uploaded-logs.ts';

/** Windows 10 1903, the first with the DiagnosticArchive. */
const FIRST_BUILD = 18362;
/** The signature is good for 7 days less a quarter of an hour; what is not sent an hour before its end is not sent any more. */
const EXPIRES_IN_HOURS = 7 * 24 - 1;

/** DiagnosticLog CSP, ArchiveDefinition: Windows collects, zips, and puts the zip into a container that only it can write to. */
export const collectLogs = action({
  name: 'collect-logs',
  summary: 'Has the device collect what helps with management (events, registry, reports), zip it and upload it.',
  input: z.strictObject({}),
  async plan(device, _, { id, now, uploads }) {
    const build = Number(device.facts['osVersion']?.value?.split('.')[2]);
    if (Number.isInteger(build) && build < FIRST_BUILD) {
      throw conflict(`Windows collects logs from 10 1903 (build ${FIRST_BUILD}) on; the device has build ${build}.`);
    }
    const { url } = await uploads.openForUpload(logContainer(device.id, id), now);
    const target = './Vendor/MSFT/DiagnosticLog/DiagnosticArchive/ArchiveDefinition';
    const data = collectionXml({ id, sasUrl: url });
    return {
      commands: [{ verb: 'Exec', target, data, format: 'chr', secret: true, expiresInHours: EXPIRES_IN_HOURS }],
      warnings: [
        'The logs hold names of users, networks and programs: tell the person, and give them to nobody who does not need them.',
        'The device has 7 days to call and to upload; then ask again. What was uploaded is deleted 30 days later.',
        'It may take a quarter of an hour after the session. Look for it with: node lanyard logs DEVICE',
      ],
    };
  },
});
