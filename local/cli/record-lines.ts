import { printable } from './printable.ts';

/**
 * A record for people, a line a value, so that each can be read and copied as it is: what lies deeper is named by its path
 * (`nextContact.due`, `flags.1.kind`), words of a list stand on one line, and what is empty is left out.
 *
 * @param record as the admin API gives it
 */
export function recordLines(record: object): string[] {
  const values = flat('', record);
  const width = Math.max(...values.map(([name]) => name.length), 0);
  return values.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`);
}

function flat(name: string, value: unknown): [string, string][] {
  if (value === undefined || value === '') return [];
  if (value === null) return [[name, 'none']];
  if (typeof value !== 'object') return [[name, String(value)]];
  if (Array.isArray(value) && value.every((each) => typeof each !== 'object')) {
    return value.length > 0 ? [[name, value.join(', ')]] : [];
  }
  const parts: [string, unknown][] = Array.isArray(value)
    ? value.map((each, index) => [String(index + 1), each])
    : Object.entries(value);
  return parts.flatMap(([part, each]) => flat(name === '' ? part : `${name}.${part}`, each));
}
