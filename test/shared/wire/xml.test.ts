import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  child,
  children,
  descend,
  forbiddenCharacter,
  innerXml,
  parseXml,
  Xml,
  XmlError,
  xml,
} from '../../../shared/wire/xml.ts';

const LEGAL = fc.string({ unit: 'binary' }).filter((text) => forbiddenCharacter(text) === undefined);

function refusal(bytes: Buffer | string, limits?: { maxBytes?: number; maxDepth?: number }): string {
  try {
    parseXml(bytes, limits);
  } catch (error) {
    expect(error).toBeInstanceOf(XmlError);
    return (error as XmlError).message;
  }
  throw new Error('the document was accepted');
}

describe('reading XML', () => {
  test('resolves the namespace of every element and attribute and keeps the order of children', () => {
    const root = parseXml(
      '<r xmlns="urn:default" xmlns:p="urn:p" plain="1" p:own="2"><p:b>x</p:b><a/><c xmlns="">y</c><p:b xmlns:p="urn:q"/></r>',
    );
    expect(root).toMatchObject({ name: 'r', namespace: 'urn:default' });
    expect(root.attributes).toEqual([
      { name: 'plain', namespace: '', value: '1' },
      { name: 'own', namespace: 'urn:p', value: '2' },
    ]);
    expect(root.children.map((c) => [c.name, c.namespace, c.text])).toEqual([
      ['b', 'urn:p', 'x'],
      ['a', 'urn:default', ''],
      ['c', '', 'y'],
      ['b', 'urn:q', ''],
    ]);
    expect(children(root, 'b', 'urn:q')).toHaveLength(1);
  });

  test('keeps white space, joins CDATA with text and leaves the text of children to them', () => {
    const root = parseXml('<r> \n<a>  </a>one <![CDATA[<two> & ]]]]><![CDATA[>]]>&lt;three&#x21;<b>no</b></r>');
    expect(root.text).toBe(' \none <two> & ]]><three!');
    expect(child(root, 'a')?.text).toBe('  ');
    expect(root.content.map((c) => (typeof c === 'string' ? 'text' : c.name)).join(' ')).toMatch(/^text a (text )+b$/);
  });

  test.each([
    ['a byte order mark', Buffer.from('\uFEFF<r>x</r>')],
    ['a declaration of utf-16 over UTF-8 bytes', Buffer.from('<?xml version="1.0" encoding="utf-16"?><r>x</r>')],
    ['both', Buffer.from('\uFEFF<?xml version="1.0" encoding="UTF-16"?>\r\n<r>x</r>\n')],
    ['comments and processing instructions around the root', '<!-- a --><?p i?><r>x</r><!-- <!DOCTYPE z> -->'],
  ])('reads a document with %s', (_, bytes) => {
    expect(parseXml(bytes)).toMatchObject({ name: 'r', text: 'x' });
  });

  test('reads names that JavaScript objects have already', () => {
    const root = parseXml(
      '<constructor><toString>1</toString><__proto__>2</__proto__><hasOwnProperty valueOf="3"/></constructor>',
    );
    expect(root.children.map((c) => [c.name, c.text])).toEqual([
      ['toString', '1'],
      ['__proto__', '2'],
      ['hasOwnProperty', ''],
    ]);
    expect(root.children[2]?.attributes[0]).toMatchObject({ name: 'valueOf', value: '3' });
  });

  test('normalises line ends, but not those written as references', () => {
    expect(parseXml('<r>a\r\nb\rc&#xD;</r>').text).toBe('a\nb\nc\r');
  });

  test.each([
    ['raw', 'EX\u0001-17'],
    ['as a reference', 'EX&#1;-17'],
    ['as a hexadecimal reference', 'EX&#x1F;-17'],
    ['as half of a pair', 'EX&#xD800;-17'],
  ])('reads a control character of a bad serial number as U+FFFD: %s', (_, text) => {
    expect(parseXml(`<r>${text}</r>`).text).toBe('EX\uFFFD-17');
  });

  test.each([
    ['nothing', '', 'no root element'],
    ['white space', ' \n', 'no root element'],
    ['plain text', 'hello', 'Non-whitespace before first tag. (line 1, column 1)'],
    ['an end that is missing', '<a><b></b>', 'Unclosed root tag'],
    ['a cut tag', '<a', 'Unexpected end'],
    ['crossed tags', '<a><b></a></b>', 'Unexpected close tag (line 1, column 10)'],
    ['text after the root', '<a/>x', 'Text data outside of root node'],
    ['a second root', '<a/><b/>', 'second root'],
    ['a bare DOCTYPE', '<!DOCTYPE a><a/>', 'DTD'],
    ['an internal subset', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', 'DTD'],
    ['an external subset', '<!DOCTYPE a SYSTEM "file:///etc/hostname"><a/>', 'DTD'],
    ['an endless declaration', `<a><!${'b'.repeat(3_000_000)}`, 'DTD or other markup declaration'],
    ['a declaration inside', '<a><!ELEMENT b ANY></a>', 'DTD or other markup declaration'],
    ['NUL', '<a>\0</a>', 'NUL'],
    ['a reference to NUL', '<a>&#0;</a>', 'Invalid character entity'],
    ['an entity of HTML', '<a>&nbsp;</a>', 'Invalid character entity'],
    ['an entity of JavaScript', '<a>&constructor;</a>', 'Invalid character entity'],
    ['a prefix of nothing', '<p:a/>', 'Unbound namespace prefix'],
    ['a prefix of JavaScript', '<constructor:a/>', 'undeclared namespace prefix'],
    ['a name with two colons', '<a xmlns:p="urn:p"><p:b:c/></a>', 'not a qualified name'],
    ['an attribute twice', '<a b="1" b="2"/>', 'attribute twice'],
    ['an attribute without quotes', '<a b=1/>', 'Unquoted attribute value'],
    ['ten thousand levels', `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`, 'nested deeper than 64'],
    ['65 levels', `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`, 'nested deeper than 64'],
    ['too many attributes', `<a ${Array.from({ length: 257 }, (_, i) => `b${i}="1"`).join(' ')}/>`, '256 attributes'],
    ['too many elements', `<r>${'<a/>'.repeat(60_000)}</r>`, 'more than 50000 elements'],
    [
      'a crowd of prefixes',
      `<r ${Array.from({ length: 65 }, (_, i) => `xmlns:p${i}="u"`).join(' ')}/>`,
      '64 namespace',
    ],
  ])('refuses %s', (_, text, message) => {
    expect(refusal(Buffer.from(text))).toContain(message);
  });

  test.each([
    ['a stray continuation byte', Buffer.from([0x3c, 0x61, 0x3e, 0x80, 0x3c, 0x2f, 0x61, 0x3e])],
    ['Latin-1', Buffer.from('<a>\u00fc</a>', 'latin1')],
    ['UTF-16', Buffer.from('\uFEFF<a/>', 'utf16le')],
  ])('refuses bytes that are not UTF-8: %s', (_, bytes) => {
    expect(refusal(bytes)).toContain('not UTF-8');
  });

  test('takes exactly as many bytes and levels as it is told', () => {
    const text = '<a><b>\u00e9</b></a>';
    expect(parseXml(text, { maxBytes: Buffer.byteLength(text), maxDepth: 2 }).name).toBe('a');
    expect(refusal(text, { maxBytes: Buffer.byteLength(text) - 1 })).toContain('bytes are more than');
    expect(refusal(text, { maxDepth: 1 })).toContain('nested deeper than 1');
    expect(parseXml(`${'<a>'.repeat(64)}${'</a>'.repeat(64)}`).name).toBe('a');
  });

  test('refuses 40 MB without reading them', () => {
    const begin = process.hrtime.bigint();
    expect(refusal(Buffer.alloc(40 * 1024 * 1024, 'a'))).toContain('more than the 4194304');
    expect(Number(process.hrtime.bigint() - begin) / 1e6).toBeLessThan(1000);
  });

  test('refuses an element with a crowd of attributes before it has read them all', () => {
    const text = `<a ${Array.from({ length: 250_000 }, (_, i) => `b${i}="1"`).join(' ')}/>`;
    const begin = process.hrtime.bigint();
    expect(refusal(text)).toContain('256 attributes');
    expect(Number(process.hrtime.bigint() - begin) / 1e6).toBeLessThan(1500);
  });

  test('counts the namespaces that are in scope together, not those of siblings', () => {
    const sibling = '<a xmlns="urn:a" xmlns:p="urn:p"/>';
    expect(parseXml(`<r>${sibling.repeat(500)}</r>`).children).toHaveLength(500);
    const level = '<a xmlns="urn:a" xmlns:p="urn:p">';
    expect(parseXml(level.repeat(32) + '</a>'.repeat(32)).name).toBe('a');
    expect(refusal(level.repeat(33) + '</a>'.repeat(33))).toContain('64 namespace');
  });

  test('does not quote a long name at length', () => {
    expect(refusal(`<a><${'p'.repeat(10_000)}:b/></a>`).length).toBeLessThan(400);
  });

  test('finds elements by path', () => {
    const root = parseXml('<r><t><u>1</u></t><t><u>2</u></t></r>');
    expect(descend(root, 't', 'u')?.text).toBe('1');
    expect(descend(root, 't', 'x', 'u')).toBeUndefined();
    expect(children(undefined, 'x')).toEqual([]);
  });
});

describe('writing XML', () => {
  test('escapes values and puts Xml in as it is', () => {
    const inner = xml`<b c="${'"\'<>&\t\n'}">${'<&>'}</b>`;
    expect(String(xml`<a>${inner}${[inner, xml`<d/>`]}${undefined}${1}${false}</a>`)).toBe(
      `<a>${inner}${inner}<d/>1false</a>`,
    );
    expect(String(inner)).toBe('<b c="&quot;&apos;&lt;&gt;&amp;&#x9;&#xA;">&lt;&amp;&gt;</b>');
  });

  test('writes no reference for line feeds of text, which stay readable', () => {
    expect(String(xml`<a>${'x\ny\tz\r'}</a>`)).toBe('<a>x\ny\tz&#xD;</a>');
  });

  test.each(['\u0000', 'a\u0008', 'abc\uFFFE', '\uD800', 'x\u001F'])('refuses %j with its place', (text) => {
    expect(() => xml`<a>${text}</a>`).toThrow(XmlError);
    expect(() => xml`<a>${text}</a>`).toThrow(`at position ${text.length - 1}`);
  });

  test('any legal text comes back from an element and from an attribute', () => {
    fc.assert(
      fc.property(LEGAL, LEGAL, (text, value) => {
        const root = parseXml(Buffer.from(String(xml`<a b="${value}" c="x ${value}">${text}<d/>${text}</a>`)));
        expect(root.text).toBe(text + text);
        expect(root.attributes.map((a) => a.value)).toEqual([value, `x ${value}`]);
      }),
      { numRuns: 300 },
    );
  });

  test('no text can become markup, wherever a template puts it', () => {
    fc.assert(
      fc.property(fc.constantFrom('"', "'", '<x/>', '&', ']]>', '-->', '"/><x y="'), LEGAL, (probe, text) => {
        const attribute = xml` b='${probe + text}'`;
        const root = parseXml(String(xml`<a${attribute} c="${text + probe}">${probe}</a>`));
        expect(root.children).toEqual([]);
        expect(root.attributes.map((a) => a.value)).toEqual([probe + text, text + probe]);
        expect(root.text).toBe(probe);
      }),
    );
  });
});

describe('content that is markup', () => {
  test.each([
    ['<a>1</a><b/>', '<a>1</a><b/>'],
    ['<a>one <b>two</b> three</a>', '<a>one <b>two</b> three</a>'],
    ['<a xmlns="urn:x"><b xmlns=""/></a>', '<a xmlns="urn:x"><b xmlns=""/></a>'],
    ['<p:a xmlns:p="urn:x" q="&lt;&quot;"><p:b/></p:a>', '<a xmlns="urn:x" q="&lt;&quot;"><b/></a>'],
    ['<a xml:lang="en">&amp;<![CDATA[<c/>]]></a>', '<a xml:lang="en">&amp;&lt;c/&gt;</a>'],
  ])('%s is written again without the namespace of the message around it', (content, expected) => {
    expect(innerXml(parseXml(`<d xmlns="SYNCML:SYNCML1.2">${content}</d>`))).toBe(expected);
  });

  test('keeps the namespace of attributes', () => {
    const [a] = parseXml(innerXml(parseXml('<d><a xmlns:m="urn:m" m:b="1" c="2"/></d>'))).attributes;
    expect(a).toEqual({ name: 'b', namespace: 'urn:m', value: '1' });
  });

  test('says where a text cannot be carried', () => {
    expect(forbiddenCharacter('abc\u0001')).toBe('U+0001 at position 3');
    expect(forbiddenCharacter('fine \u{1F600}\t\n\r\uE000')).toBeUndefined();
    expect(new Xml('<r/>').toString()).toBe('<r/>');
  });
});
