import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalXml } from '../../../local/device/canonical-xml.ts';
import { element, escapeXml, textElement } from '../../../local/device/xml-writer.ts';
import { CanonicalXml, DOMParser, ExclusiveCanonicalization } from '../../../shared/wire/xml-signature.js';

describe('the exclusive canonical form', () => {
  test.each([
    ['<a/>', '<a></a>'],
    ['<a b="2" a="1"/>', '<a a="1" b="2"></a>'],
    ['<p:a xmlns:p="u" xmlns:q="v"><b/></p:a>', '<p:a xmlns:p="u"><b></b></p:a>'],
    ['<a xmlns:p="u"><p:b/><p:b/></a>', '<a><p:b xmlns:p="u"></p:b><p:b xmlns:p="u"></p:b></a>'],
    ['<a xmlns="u"><b><c xmlns=""/></b></a>', '<a xmlns="u"><b><c xmlns=""></c></b></a>'],
    ['<a xmlns:p="2" xmlns:q="1" p:x="" q:y="" z=""/>', '<a xmlns:p="2" xmlns:q="1" z="" q:y="" p:x=""></a>'],
    ['<a>&lt;&gt;&amp;&quot;&#xD;</a>', '<a>&lt;&gt;&amp;"&#xD;</a>'],
    ['<a b="&lt;&gt;&amp;&quot;&#xD;"/>', '<a b="&lt;>&amp;&quot;&#xD;"></a>'],
  ])('of %s is %s', (markup, canonical) => {
    expect(canonicalXml(markup, 'exclusive')).toBe(canonical);
  });
});

describe('the inclusive canonical form', () => {
  test.each([
    ['<a/>', '<a></a>'],
    ['<p:a xmlns:q="v" xmlns:p="u"><b/></p:a>', '<p:a xmlns:p="u" xmlns:q="v"><b></b></p:a>'],
    ['<a xmlns:p="u"><p:b xmlns:p="u"/></a>', '<a xmlns:p="u"><p:b></p:b></a>'],
    ['<a xmlns="u"><b><c xmlns=""/></b></a>', '<a xmlns="u"><b><c xmlns=""></c></b></a>'],
    ['<a xmlns:p="2" xmlns:q="1" p:x="" q:y="" z=""/>', '<a xmlns:p="2" xmlns:q="1" z="" q:y="" p:x=""></a>'],
  ])('of %s is %s', (markup, canonical) => {
    expect(canonicalXml(markup, 'inclusive')).toBe(canonical);
  });
});

describe('both canonical forms', () => {
  test.each([
    ['inclusive', CanonicalXml],
    ['exclusive', ExclusiveCanonicalization],
  ] as const)('are those that another writer gives, for whatever this device writes: %s', (form, Other) => {
    const name = fc.constantFrom('a', 'p:a', 'q:b');
    const text = fc.string({ unit: fc.constantFrom('x', '<', '&', '"', '>', '\r', 'ü', ' ') });
    const tree = (depth: number): fc.Arbitrary<object> =>
      fc.record({
        name,
        xmlns: fc.option(fc.constantFrom('urn:1', 'urn:2'), { nil: undefined }),
        own: fc.option(text, { nil: undefined }),
        other: fc.option(text, { nil: undefined }),
        text,
        children: depth === 0 ? fc.constant([]) : fc.array(tree(depth - 1), { maxLength: 3 }),
      });
    // biome-ignore lint/suspicious/noExplicitAny: a tree that refers to itself
    const write = (node: any): ReturnType<typeof element> =>
      element(node.name, [escapeXml(node.text), ...node.children.map(write)], {
        ...(node.xmlns === undefined ? {} : { xmlns: node.xmlns, 'xmlns:q': node.xmlns }),
        ...(node.own === undefined ? {} : { own: node.own }),
        ...(node.other === undefined ? {} : { 'p:other': node.other, 'a-1': '' }),
      });
    fc.assert(
      fc.property(tree(3), (node) => {
        const markup = element('root', [write(node), textElement('end', '')], {
          'xmlns:p': 'urn:p',
          'xmlns:q': 'urn:q',
        });
        const root = new DOMParser().parseFromString(markup, 'text/xml').documentElement;
        expect(canonicalXml(markup, form)).toBe(new Other().process(root, {}).toString());
      }),
      { numRuns: 300 },
    );
  });

  test('of what this device does not write are not guessed', () => {
    for (const markup of ['<a><!-- b --></a>', '<a><?p?></a>', '<a>', '<a/><b/>', 'a', '']) {
      expect(() => canonicalXml(markup, 'exclusive')).toThrow();
    }
  });
});
