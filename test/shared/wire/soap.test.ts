import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDiscover } from '../../../shared/wire/discovery.ts';
import { readEnvelope, SoapError, writeEnvelope } from '../../../shared/wire/soap.ts';
import { WireError } from '../../../shared/wire/wire-error.ts';
import { readRequestSecurityToken } from '../../../shared/wire/wstep.ts';
import { readGetPolicies } from '../../../shared/wire/xcep.ts';
import { parseXml, xml } from '../../../shared/wire/xml.ts';
import { binaryToken, discover, envelope, getPolicies, tokenRequest, usernameToken } from './samples.ts';

describe('reading an envelope', () => {
  test('gives the header trimmed and the first element of the body', () => {
    const read = readEnvelope(
      envelope({ action: '\n urn:act ', messageId: ' urn:uuid:1\t', body: '<!-- c --> <x/><y/>' }),
    );
    expect(read).toMatchObject({ action: 'urn:act', messageId: 'urn:uuid:1', body: { name: 'x' }, security: {} });
    expect(read.to).toBe('https://Enroll.Example.org:443/EnrollmentServer/Any.svc');
  });

  test('reads an envelope without a header', () => {
    const read = readEnvelope(
      Buffer.from('<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><x/></e:Body></e:Envelope>'),
    );
    expect(read).toMatchObject({ body: { name: 'x' }, security: {} });
    expect([read.action, read.messageId, read.to]).toEqual([undefined, undefined, undefined]);
  });

  test.each(['wsse:Type', 'Type'])('trims the user name and never the password, whose type is %s', (type) => {
    const security = usernameToken('\n user@example.org ', '  a b&amp;c\n', type);
    expect(readEnvelope(envelope({ security, body: '<x/>' })).security.usernameToken).toEqual({
      username: 'user@example.org',
      password: '  a b&c\n',
    });
  });

  test('reads the empty password of a renewal', () => {
    const security = usernameToken('user@example.org', '').replace(/<wsse:Password.*Password>/, '<wsse:Password/>');
    expect(readEnvelope(envelope({ security, body: '<x/>' })).security.usernameToken?.password).toBe('');
  });

  test('reads a token of the header, wrapped in lines', () => {
    const security = `<wsse:Security>${binaryToken('urn:ietf:params:oauth:token-type:jwt', '\n  YWJj\r\n ZGVm\n')}</wsse:Security>`;
    expect(readEnvelope(envelope({ security, body: '<x/>' })).security).toEqual({
      usernameToken: undefined,
      binarySecurityToken: { valueType: 'urn:ietf:params:oauth:token-type:jwt', token: 'YWJjZGVm' },
    });
  });

  test.each([
    ['another document', '<html/>', 'html, not a SOAP Envelope'],
    ['SOAP 1.1', '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"/>', 'not SOAP 1.2'],
    ['no body', '<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"/>', 'no Body'],
    [
      'an empty body',
      '<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body> </Body></Envelope>',
      'Body is empty',
    ],
  ])('refuses %s and says so', (_, text, message) => {
    expect(() => readEnvelope(Buffer.from(text))).toThrow(SoapError);
    expect(() => readEnvelope(Buffer.from(text))).toThrow(message);
  });

  test('damaged requests are read or refused with an error of the wire, never anything else', () => {
    const samples = [discover(), getPolicies(), tokenRequest()].map((sample) => sample.toString());
    const readers = [readDiscover, readGetPolicies, readRequestSecurityToken];
    fc.assert(
      fc.property(damaged(samples), fc.constantFrom(...readers), (bytes, read) => {
        try {
          read(readEnvelope(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      }),
      { numRuns: 400 },
    );
  });
});

/** A sample with a piece cut out, doubled or replaced. */
function damaged(samples: string[]): fc.Arbitrary<Buffer> {
  const noise = fc.oneof(
    fc.string(),
    fc.constantFrom('<', '>', '"', '&', '</s:Body>', '<a>', ' xmlns=""', 'xmlns:s="x"', ''),
  );
  return fc
    .tuple(fc.constantFrom(...samples), fc.nat(), fc.nat({ max: 200 }), noise, fc.boolean())
    .map(([sample, position, length, text, twice]) => {
      const at = position % sample.length;
      const middle = twice ? sample.slice(at, at + length).repeat(2) : text;
      return Buffer.from(sample.slice(0, at) + middle + sample.slice(at + length));
    });
}

describe('writing an envelope', () => {
  test('echoes the MessageID, and writes no RelatesTo where there was none', () => {
    const reply = (relatesTo?: string) => writeEnvelope({ action: 'urn:a', relatesTo, body: xml`<x/>` }).toString();
    expect(reply('urn:uuid:<1>')).toContain('<a:RelatesTo>urn:uuid:&lt;1&gt;</a:RelatesTo>');
    expect(reply()).not.toContain('RelatesTo');
  });

  test('has SOAP 1.2, the action to be understood, and both schema prefixes on the body', () => {
    const text = writeEnvelope({ action: 'urn:a', activityId: 'id-1', body: xml`<x i="1"/>` }).toString();
    expect(text).toBe(
      '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing">' +
        '<s:Header><a:Action s:mustUnderstand="1">urn:a</a:Action>' +
        '<ActivityId CorrelationId="id-1" xmlns="http://schemas.microsoft.com/2004/09/ServiceModel/Diagnostics">id-1</ActivityId></s:Header>' +
        '<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><x i="1"/></s:Body></s:Envelope>',
    );
    expect(parseXml(text).name).toBe('Envelope');
  });
});
