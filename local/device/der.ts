/** The little of DER (X.690) that a signing request needs. Every function gives one whole encoded value. */

export function tlv(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
}

function length(size: number): Buffer {
  if (size < 0x80) return Buffer.from([size]);
  const digits: number[] = [];
  for (let rest = size; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return Buffer.from([0x80 | digits.length, ...digits]);
}

export const sequence = (...contents: Buffer[]): Buffer => tlv(0x30, ...contents);
export const set = (...contents: Buffer[]): Buffer => tlv(0x31, ...contents);
export const octetString = (content: Buffer): Buffer => tlv(0x04, content);
export const bitString = (content: Buffer): Buffer => tlv(0x03, Buffer.from([0]), content);
export const printableString = (content: Buffer): Buffer => tlv(0x13, content);
export const nullValue = (): Buffer => tlv(0x05);
/** [n], constructed */
export const tagged = (n: number, ...contents: Buffer[]): Buffer => tlv(0xa0 + n, ...contents);

/** A non-negative integer from a number or from big-endian bytes. */
export function integer(value: number | Buffer): Buffer {
  const bytes = typeof value === 'number' ? bigEndian(value) : value;
  return tlv(0x02, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
}

function bigEndian(value: number): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex');
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes: number[] = [];
  for (const arc of [first * 40 + second, ...rest]) {
    const digits = [arc % 128];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
    bytes.push(...digits);
  }
  return tlv(0x06, Buffer.from(bytes));
}
