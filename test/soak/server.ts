import { startLocal } from '../../local/deployment.ts';

/**
 * The three apps in a process of their own, on storage that outlives it: what a test may kill.
 * Arguments: the folder, the connection string of the storage, the ports of enroll, manage and bare.
 */
const [folder = '', storage = '', enroll, manage, bare] = process.argv.slice(2);
const ports = { enroll: Number(enroll), manage: Number(manage), bare: Number(bare) };
await startLocal({ folder, storage, ports });
process.stdout.write('up\n');
// Nobody is left to serve, and nobody to end this process, when the test is gone.
process.stdin.on('end', () => process.exit(0)).resume();
