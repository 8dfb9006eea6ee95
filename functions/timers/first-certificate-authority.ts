import { app, type InvocationContext, type Timer } from '@azure/functions';
import { writeAudit } from '../../shared/audit/audit.ts';
import { makeFirstAuthority } from '../../shared/certificates/first-authority.ts';
import { sha256Thumbprint } from '../../shared/certificates/thumbprint.ts';
import { now } from '../../shared/platform/clock.ts';
import { errorFacts, logTo } from '../../shared/platform/log.ts';
import { authorityPlace } from '../admin/authority-place.ts';
import { services } from '../services.ts';

/** Who it was, in the audit. */
const ACTOR = 'Lanyard, by timer';

/**
 * Every ten minutes: makes the certificate authority of a deployment that was made without a command line. Rights that were
 * just given take minutes to be known everywhere, so the first runs may fail, which is not worth a mail; where there is still
 * none in the night, `certificate-authority-due` says so.
 */
async function makeAuthority(_timer: Timer, context: InvocationContext): Promise<void> {
  const log = logTo(context);
  const { storage, catalogue } = services();
  // what is stored now decides, and not what this instance read a minute ago
  catalogue.forget();
  const at = now();
  const issuing = await makeFirstAuthority(catalogue.read, () => authorityPlace(services()), at).catch((error) => {
    log.warn('The certificate authority could not be made; the next try is in ten minutes', errorFacts(error));
  });
  if (!issuing) return;
  const subject = sha256Thumbprint(issuing);
  log.info('Made the certificate authority', { issuing: subject });
  await writeAudit(storage, { at: at.toISOString(), actor: ACTOR, act: 'publish CA', subject, outcome: 'done' });
}

// Where an administrator makes it, the app is not woken for it. The app loads before its settings are read and checked, so the
// variable is looked at by itself; a wrong one is told by the first call.
if (process.env['LANYARD_FIRST_CA']?.trim() === 'timer') {
  app.timer('first-certificate-authority', { schedule: '0 */10 * * * *', handler: makeAuthority });
}
