import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files in which a simulated device of a test keeps its key and certificate, PEM. */
export async function credentialsOf(
  folder: string,
  name: string,
): Promise<{ key: string; cert: string; header: string }> {
  const root = join(folder, 'devices');
  const own = (await readdir(root)).find((entry) => entry === name || entry.endsWith(`-${name}`)) ?? '';
  const key = await readFile(join(root, own, 'client-key.pem'), 'utf8');
  const cert = await readFile(join(root, own, 'client-certificate.pem'), 'utf8');
  return { key, cert, header: cert.replace(/-----[^-]+-----|\s/g, '') };
}
