import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** Gives a private key of RSA with so many bits, another one each time. */
export type MakeKey = (bits: number) => Promise<KeyObject>;

export const makeKey: MakeKey = async (bits) => {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: bits });
  return privateKey;
};
