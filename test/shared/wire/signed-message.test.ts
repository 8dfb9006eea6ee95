import { createHash, createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { canonicalXml } from '../../../local/device/canonical-xml.ts';
import { signMessage } from '../../../local/device/signed-request.ts';
import { readSignedMessage, SignatureError } from '../../../shared/wire/signed-message.ts';
import { readEnvelope } from '../../../shared/wire/soap.ts';
import { XmlError } from '../../../shared/wire/xml.ts';
import { DOMParser } from '../../../shared/wire/xml-signature.js';

const SOAP = 'http://www.w3.org/2003/05/soap-envelope';
const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const DSIG = 'http://www.w3.org/2000/09/xmldsig#';
const EXCLUSIVE = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const INCLUSIVE = 'http://www.w3.org/TR/2001/REC-xml-c14n-20010315';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

const body = (user: string) => `<Body xmlns="${SOAP}"><u:User xmlns:u="urn:x">${user}</u:User></Body>`;
const message = (content = body('kim')) =>
  `<s:Envelope xmlns:s="${SOAP}" xmlns:wsse="${WSSE}"><s:Header><wsse:Security><wsse:BinarySecurityToken>QUJD</wsse:BinarySecurityToken></wsse:Security></s:Header>${content}</s:Envelope>`;
const signedText = (text = message()) =>
  signMessage(Buffer.from(text), { key, certificate: Buffer.alloc(0) }).toString();
const read = (text: string, publicPart = publicKey) => readSignedMessage(Buffer.from(text), publicPart).toString();
const userOf = (text: string) => readEnvelope(Buffer.from(text)).body.text;

/** The signature over `SignedInfo` made anew, as an attacker who has a key of his own or the sender himself could. */
function signAnew(text: string, change: (signedInfo: string) => string, by = createPrivateKey(key)): string {
  const [own = ''] = /<SignedInfo>.*?<\/SignedInfo>/s.exec(text) ?? [];
  const changed = change(own);
  const canonical = canonicalXml(changed.replace('<SignedInfo>', `<SignedInfo xmlns="${DSIG}">`), 'exclusive');
  const value = sign('sha256', Buffer.from(canonical), by).toString('base64');
  return text.replace(own, () => changed).replace(/<SignatureValue>[^<]*/, () => `<SignatureValue>${value}`);
}

const withTransform = (info: string, more: string) => info.replace('</Transforms>', `${more}</Transforms>`);

describe('a signed message', () => {
  test('is read as what the signature covers, which is all but itself', () => {
    const covered = read(signedText());
    expect(userOf(covered)).toBe('kim');
    expect(covered).not.toContain('Signature');
    expect(readEnvelope(Buffer.from(covered)).security.binarySecurityToken?.token).toBe('QUJD');
  });

  test('may carry a byte order mark and a declaration', () => {
    const [, rest = ''] = /^(.*)$/s.exec(signedText()) ?? [];
    expect(userOf(read(`\ufeff<?xml version="1.0" encoding="utf-8"?>${rest}`))).toBe('kim');
  });

  test('may name the canonical form, where Windows leaves it to the standard', () => {
    const digest = createHash('sha256').update(canonicalXml(message(), 'exclusive')).digest('base64');
    const text = signAnew(signedText(), (info) =>
      withTransform(info, `<Transform Algorithm="${EXCLUSIVE}"/>`).replace(
        /<DigestValue>[^<]*/,
        `<DigestValue>${digest}`,
      ),
    );
    expect(userOf(read(text))).toBe('kim');
  });

  test('may have gone through a writer of other line ends, quotes, prefixes and order of attributes', () => {
    const odd = body('kim').replace('<u:User ', '<u:User z="1"\n  Name="a&amp;b" u:a="2" xmlns:unused="urn:unused" ');
    const text = signedText(message(`\n  ${odd}\n`)).replace(`xmlns:s="${SOAP}"`, `xmlns:s='${SOAP}'`);
    expect(userOf(read(`<?xml version="1.0"?>\r\n${text.replaceAll('\n', '\r\n')}\r\n`))).toBe('kim');
  });
});

describe('refused is a message', () => {
  test('that was changed by a letter, anywhere', () => {
    const text = signedText();
    for (const [from, to] of [
      ['>kim<', '>sam<'],
      ['QUJD', 'QUJE'],
      ['<s:Header>', '<s:Header x="">'],
      ['<u:User', '<u:User x="1"'],
      ['urn:x', 'urn:y'],
    ] as const) {
      expect(() => read(text.replace(from, to)), from).toThrow(SignatureError);
    }
  });

  test('that another key signed', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(() => read(signedText(), other.publicKey)).toThrow('does not fit');
    expect(() => read(signAnew(signedText(), (info) => info, other.privateKey))).toThrow('does not fit');
  });

  test('whose KeyInfo brings a certificate of its own', () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const forged = signAnew(signedText(), (info) => info, other.privateKey).replace(
      /<KeyInfo>.*<\/KeyInfo>/s,
      `<KeyInfo><X509Data><X509Certificate>AAAA</X509Certificate></X509Data></KeyInfo>`,
    );
    expect(() => read(forged)).toThrow('does not fit');
  });

  test('without a signature, with two, or with one in another place', () => {
    const text = signedText();
    const [signature = ''] = /<Signature .*<\/Signature>/s.exec(text) ?? [];
    expect(() => read(message())).toThrow('no Signature');
    expect(() => read(text.replace('</wsse:Security>', () => `${signature}</wsse:Security>`))).toThrow('more than one');
    expect(() => read(text.replace('</s:Envelope>', () => `<x>${signature}</x></s:Envelope>`))).toThrow(
      'more than one',
    );
    expect(() => read(text.replace(signature, '').replace('</s:Envelope>', () => `${signature}</s:Envelope>`))).toThrow(
      'no Signature',
    );
    expect(() => read(text.replace('</s:Envelope>', '<x:Signature xmlns:x="urn:x"/></s:Envelope>'))).toThrow(
      'more than one',
    );
  });

  test('that wraps what was signed and shows something else', () => {
    const text = signedText();
    const wrapped = text.replace(body('kim'), `${body('boss')}<Wrapper>${body('kim')}</Wrapper>`);
    expect(() => read(wrapped)).toThrow('does not fit');
    const inside = `<s:Envelope xmlns:s="${SOAP}" xmlns:wsse="${WSSE}"><s:Header><wsse:Security/></s:Header>${body('boss')}${text}</s:Envelope>`;
    expect(() => read(inside)).toThrow('no Signature');
  });

  test.each([
    ['refers to a part', (info: string) => info.replace('URI=""', 'URI="#body"')],
    ['refers to nothing', (info: string) => info.replace(' URI=""', '')],
    ['refers to elsewhere', (info: string) => info.replace('URI=""', 'URI="http://example.org/"')],
    [
      'refers twice',
      (info: string) => info.replace(/<Reference.*<\/Reference>/s, (reference) => reference + reference),
    ],
    ['has no reference', (info: string) => info.replace(/<Reference.*<\/Reference>/s, '')],
    ['has no transforms', (info: string) => info.replace(/<Transforms>.*<\/Transforms>/s, '')],
    [
      'has one transform too many',
      (info: string) => withTransform(info, `<Transform Algorithm="${EXCLUSIVE}"/>`.repeat(2)),
    ],
    [
      'selects by XPath',
      (info: string) => info.replace(`${DSIG}enveloped-signature`, 'http://www.w3.org/TR/1999/REC-xpath-19991116'),
    ],
    [
      'transforms by XSLT',
      (info: string) => withTransform(info, '<Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>'),
    ],
    ['keeps comments', (info: string) => withTransform(info, `<Transform Algorithm="${EXCLUSIVE}WithComments"/>`)],
    [
      'is canonical in another way',
      (info: string) =>
        info.replace(
          `<CanonicalizationMethod Algorithm="${EXCLUSIVE}"`,
          `<CanonicalizationMethod Algorithm="${INCLUSIVE}"`,
        ),
    ],
    ['is signed with SHA-1', (info: string) => info.replace(/xmldsig-more#rsa-sha256/, 'xmldsig#rsa-sha1')],
    ['has a digest of SHA-1', (info: string) => info.replace('http://www.w3.org/2001/04/xmlenc#sha256', `${DSIG}sha1`)],
    [
      'is signed with a secret',
      (info: string) =>
        info.replace(
          'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
          'http://www.w3.org/2001/04/xmldsig-more#hmac-sha256',
        ),
    ],
    [
      'names prefixes of its own',
      (info: string) =>
        withTransform(
          info,
          `<Transform Algorithm="${EXCLUSIVE}"><InclusiveNamespaces xmlns="${EXCLUSIVE}" PrefixList="s"/></Transform>`,
        ),
    ],
    [
      'hides a digest in a digest',
      (info: string) => info.replace('<DigestValue>', '<DigestValue><DigestValue>AAAA</DigestValue>'),
    ],
  ])('whose signature %s, though it fits', (_, change) => {
    expect(() => read(signAnew(signedText(), change))).toThrow(SignatureError);
  });

  test('that is signed with the public key as a secret', () => {
    const secret = publicKey.export({ type: 'spki', format: 'pem' });
    for (const method of [`${DSIG}hmac-sha1`, 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256']) {
      const text = signedText().replace('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', method);
      const [info = ''] = /<SignedInfo>.*<\/SignedInfo>/s.exec(text) ?? [];
      const canonical = canonicalXml(info.replace('<SignedInfo>', `<SignedInfo xmlns="${DSIG}">`), 'exclusive');
      const value = createHmac('sha1', secret).update(canonical).digest('base64');
      expect(() => read(text.replace(/<SignatureValue>[^<]*/, `<SignatureValue>${value}`))).toThrow(SignatureError);
    }
  });

  test.each([
    ['a comment in a value', (text: string) => text.replace('>kim<', '>ki<!-- -->m<')],
    ['a comment in the digest', (text: string) => text.replace('<DigestValue>', '<DigestValue><!-- AAAA -->')],
    ['a CDATA section', (text: string) => text.replace('>kim<', '><![CDATA[kim]]><')],
    ['a processing instruction', (text: string) => text.replace('>kim<', '>kim<?x?><')],
    ['a character reference', (text: string) => text.replace('>kim<', '>&#107;im<')],
    ['a control character', (text: string) => text.replace('>kim<', '>kim\u0001<')],
  ])('with %s, which leaves what was signed the same', (_, change) => {
    expect(() => read(change(signedText()))).toThrow(SignatureError);
  });

  test('that the reader of messages does not read, before anything else looks at it', () => {
    const text = signedText();
    const parsed = vi.spyOn(DOMParser.prototype, 'parseFromString');
    for (const bad of [
      `<!DOCTYPE x [<!ENTITY e "kim">]>${text}`,
      text.replace('>kim<', `>${'<a>'.repeat(70)}${'</a>'.repeat(70)}<`),
      `${text}<x/>`,
      text.slice(0, -5),
    ]) {
      expect(() => read(bad)).toThrow(XmlError);
    }
    expect(parsed).not.toHaveBeenCalled();
    parsed.mockRestore();
  });

  test('with more in it than a request has, before the library takes minutes over it', () => {
    const parsed = vi.spyOn(DOMParser.prototype, 'parseFromString');
    expect(() => read(signedText().replace('>kim<', `>${'<a/>'.repeat(40_000)}<`))).toThrow('more than 1000 elements');
    expect(parsed).not.toHaveBeenCalled();
    parsed.mockRestore();
  });

  test('and the reason quotes nothing of it', () => {
    const reason = (() => {
      try {
        return read(signedText().replace('>kim<', '>SECRET<'));
      } catch (error) {
        return String(error);
      }
    })();
    expect(reason).not.toMatch(/SECRET|[A-Za-z0-9+/]{40}/);
  });
});

test('the key of a certificate is enough to read with', () => {
  expect(userOf(read(signedText(), createPublicKey(key)))).toBe('kim');
});
