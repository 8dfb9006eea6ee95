import { describe, expect, test } from 'vitest';
import { readXml, select, textAt, textOf, XmlUnreadable } from '../../../local/device/xml-reader.ts';

describe('a document', () => {
  test.each([
    ['a document type', '<!DOCTYPE a><a/>'],
    ['a second root', '<a/><b/>'],
    ['text behind the root', '<a/>text'],
    ['an open element', '<a><b></a>'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['an undeclared prefix', '<x:a/>'],
    ['a NUL', '<a>\0</a>'],
    ['nothing', '  '],
  ])('with %s is not read', (_, text) => {
    expect(() => readXml(text)).toThrow(XmlUnreadable);
  });

  test('must be UTF-8', () => {
    expect(() => readXml(Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c, 0x2f, 0x61, 0x3e]))).toThrow('UTF-8');
  });

  test('keeps text, CDATA and children in order', () => {
    const root = readXml('\uFEFF<?xml version="1.0"?><a> one<b>two</b><![CDATA[<three>]]> </a>').children[0];
    expect(root && textOf(root)).toBe(' onetwo<three>');
  });
});

describe('a path', () => {
  const document = readXml(
    '<r xmlns="urn:one" xmlns:t="urn:two"><Box type="A"><Name>first</Name></Box><Box type="B"><Name>second</Name><t:Name>third</t:Name></Box></r>',
  );
  const n = { o: 'urn:one', t: 'urn:two' };

  test.each([
    ['//o:Box//o:Name', 'first'],
    ["//o:Box[@type='B']/o:Name", 'second'],
    ['//t:Name', 'third'],
    ['/o:r/o:Box/t:Name', 'third'],
    ['//o:name', undefined],
    ['//Name', undefined],
    ["//o:Box[@type='a']", undefined],
  ])('%s finds %s', (path, text) => {
    expect(textAt(document, path, n)).toBe(text);
  });

  test('that begins with // starts at the document, whatever node it is asked of', () => {
    const second = select(document, '//o:Box', n)[1];
    expect(second && textAt(second, '//o:Name', n)).toBe('first');
    expect(second && textAt(second, 'o:Name', n)).toBe('second');
  });
});
