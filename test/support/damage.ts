import fc from 'fast-check';

/** What happens to a message on its way, or in the hands of somebody who wants to see what it does. */
export type Damage =
  | { kind: 'cut' | 'double'; from: number; length: number }
  | { kind: 'word'; at: number; word: string }
  | { kind: 'name'; at: number; name: string }
  | { kind: 'byte'; at: number; byte: number }
  | { kind: 'element'; at: number; again: boolean }
  | { kind: 'attribute'; at: number; value: string | undefined };

const place = fc.double({ min: 0, max: 0.999, noNaN: true });

/**
 * @param words values that decide something in this language; one stands where another was
 * @param names elements of this language; one stands where another was
 */
export function damages(words: readonly string[], names: readonly string[]): fc.Arbitrary<Damage[]> {
  const one: fc.Arbitrary<Damage> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('word' as const), at: place, word: fc.constantFrom(...words) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('name' as const), at: place, name: fc.constantFrom(...names) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('attribute' as const),
        at: place,
        value: fc.option(fc.constantFrom(...words), { nil: undefined }),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('element' as const), at: place, again: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('byte' as const), at: place, byte: fc.nat(255) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom('cut' as const, 'double' as const),
        from: place,
        length: fc.nat(60),
      }),
    },
  );
  return fc.array(one, { minLength: 1, maxLength: 5 });
}

/** The text after one damage; as it was where it has nothing of the kind. */
export function damaged(text: string, damage: Damage): string {
  if (damage.kind === 'word') return replaceOne(text, /(?<=>)[^<>]+(?=<)/g, damage.at, () => damage.word);
  if (damage.kind === 'name') {
    const { name } = damage;
    return replaceOne(text, /<([\w:]+)([^<>]*)>([^<>]*)<\/\1>/g, damage.at, (match) => {
      const [, old = '', attributes, content] = match;
      const prefixed = old.includes(':') ? `${old.split(':')[0]}:${name}` : name;
      return `<${prefixed}${attributes}>${content}</${prefixed}>`;
    });
  }
  if (damage.kind === 'attribute') {
    const { value } = damage;
    return replaceOne(text, / ([\w:]+)="[^"<>]*"/g, damage.at, (match) =>
      value === undefined ? '' : ` ${match[1]}="${value.replaceAll('"', '&quot;')}"`,
    );
  }
  if (damage.kind === 'element') {
    const { at, again } = damage;
    // The root is left alone: without it there is no message to speak of.
    const openings = [...text.matchAll(/<([\w:]+)(?: [^<>]*)?(?<!\/)>/g)].slice(1);
    const opening = openings[Math.floor(openings.length * at)];
    if (!opening) return text;
    const closing = `</${opening[1]}>`;
    const end = text.indexOf(closing, opening.index) + closing.length;
    return text.slice(0, opening.index) + text.slice(opening.index, end).repeat(again ? 2 : 0) + text.slice(end);
  }
  if (damage.kind === 'byte') {
    const at = Math.floor(text.length * damage.at);
    return text.slice(0, at) + String.fromCharCode(damage.byte) + text.slice(at + 1);
  }
  const from = Math.floor(text.length * damage.from);
  const part = text.slice(from, from + damage.length);
  return text.slice(0, from) + (damage.kind === 'double' ? part + part : '') + text.slice(from + damage.length);
}

function replaceOne(text: string, pattern: RegExp, at: number, by: (match: RegExpMatchArray) => string): string {
  const matches = [...text.matchAll(pattern)];
  const match = matches[Math.floor(matches.length * at)];
  return match ? text.slice(0, match.index) + by(match) + text.slice(match.index! + match[0].length) : text;
}
