// A DER writer for the tests: by hand, so that certificates and requests can be made that no library would write,
// and so that what the product writes and reads is not judged by the library it uses.
import { type KeyObject, sign } from 'node:crypto';

export function tlv(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...header), content]);
}

export const sequence = (...members: Buffer[]) => tlv(0x30, ...members);
export const set = (...members: Buffer[]) => tlv(0x31, ...members);
export const integer = (...bytes: number[]) => tlv(0x02, Buffer.of(...bytes));
export const boolean = (value: boolean) => tlv(0x01, Buffer.of(value ? 0xff : 0));
export const bitString = (bytes: Buffer, unusedBits = 0) => tlv(0x03, Buffer.of(unusedBits), bytes);
export const octetString = (bytes: Buffer) => tlv(0x04, bytes);
export const nothing = () => tlv(0x05);
export const utf8String = (text: string) => tlv(0x0c, Buffer.from(text));
export const printableString = (text: string) => tlv(0x13, Buffer.from(text, 'latin1'));

export function objectIdentifier(dotted: string): Buffer {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]];
  const base128 = (arc: number) => {
    const bytes = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80);
    return bytes;
  };
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

export const commonName = (value: Buffer) => set(sequence(objectIdentifier('2.5.4.3'), value));
export const time = (date: Date) => tlv(0x17, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));

/** `members` are the bytes between the outer SEQUENCE and the algorithm; wraps and signs them the way X.509 and PKCS#10 do. */
export function signed(
  toBeSigned: Buffer,
  key: KeyObject,
  algorithm = { digest: 'sha256', identifier: sequence(objectIdentifier('1.2.840.113549.1.1.11'), nothing()) },
): Buffer {
  return sequence(toBeSigned, algorithm.identifier, bitString(sign(algorithm.digest, toBeSigned, key)));
}
