// A process of its own: says that it is ready, waits for a line, opens the folder that it was given, prints the certificates.
import { once } from 'node:events';
import { openKeyFolder } from '../../../shared/certificates/file-keys.ts';

process.stdout.write('ready\n');
await once(process.stdin, 'data');
const ca = await openKeyFolder(process.argv[2]!, new Date());
process.stdout.write(`${ca.rootCertificate.toString('base64')} ${ca.issuingCertificate.toString('base64')}\n`);
process.stdin.destroy();
