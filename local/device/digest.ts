import { createHash } from 'node:crypto';

const md5 = (data: Buffer | string): Buffer => createHash('md5').update(data).digest();

/**
 * The Cred data of `syncml:auth-md5` (OMA DM Security 5.1.3.2): B64(H(B64(H(name:secret)) ":" nonce)).
 * The nonce comes as base64 and goes into the hash as raw bytes.
 */
export function md5Credential(name: string, secret: string, nonce: string): string {
  const pair = md5(`${name}:${secret}`).toString('base64');
  return md5(Buffer.concat([Buffer.from(`${pair}:`), Buffer.from(nonce, 'base64')])).toString('base64');
}
