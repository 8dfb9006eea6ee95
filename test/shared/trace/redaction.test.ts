import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SECRET_NODES } from '../../../shared/commands/secret-nodes.ts';
import { traceOf } from '../../../shared/trace/exchange.ts';
import { HIDDEN, redact, writeRedacted } from '../../../shared/trace/redaction.ts';
import { isShownNode, SHOWN_NODES } from '../../../shared/trace/shown-nodes.ts';
import { nodePath, relation } from '../../../shared/wire/node-path.ts';
import { parseXml } from '../../../shared/wire/xml.ts';

const HEADER =
  '<SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>7</SessionID><MsgID>2</MsgID><Target><LocURI>https://mdm.example.org/ManagementServer/MDM.svc?code=CANARY</LocURI></Target><Source><LocURI>CANARY</LocURI></Source></SyncHdr>';

function syncML(body: string, header = HEADER): string {
  return `<SyncML xmlns="SYNCML:SYNCML1.2">${header}<SyncBody>${body}<Final/></SyncBody></SyncML>`;
}

function shown(text: string, isSecret: (locUri: string) => boolean = () => false): string {
  return writeRedacted(redact(parseXml(Buffer.from(text)), { isSecret }));
}

const results = (node: string, data: string) =>
  `<Results><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>2</CmdRef><Item><Source><LocURI>${node}</LocURI></Source><Data>${data}</Data></Item></Results>`;
const replace = (node: string, data: string, meta = '') =>
  `<Replace><CmdID>3</CmdID><Item><Target><LocURI>${node}</LocURI></Target>${meta}<Data>${data}</Data></Item></Replace>`;
const alert = (type: string, data: string) =>
  `<Alert><CmdID>2</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">${type}</Type></Meta><Data>${data}</Data></Item></Alert>`;

describe('a trace shows', () => {
  test.each([
    ['the value of a listed node', results('./DevDetail/SwV', '10.0.26200.1'), '<Data>10.0.26200.1</Data>'],
    ['it under any spelling', results('./Device/Vendor/MSFT/DeviceStatus/OS/Edition', '4'), '<Data>4</Data>'],
    ['what the server sets there', replace('./Vendor/MSFT/DMClient/Provider/Lanyard/Poll/PollOnLogin', 'true'), 'true'],
    [
      'statuses',
      '<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>2</CmdRef><Cmd>Get</Cmd><Data>404</Data></Status>',
      '<Data>404</Data>',
    ],
    [
      'what Windows adds to them',
      '<Status><CmdID>1</CmdID><CmdRef>2</CmdRef><Data originalerror="0x80070005">500</Data></Status>',
      'originalerror="0x80070005"',
    ],
    ['codes of alerts', '<Alert><CmdID>1</CmdID><Data>1201</Data></Alert>', '<Data>1201</Data>'],
    ['who is signed in', alert('com.microsoft/MDM/LoginStatus', 'user'), '<Data>user</Data>'],
    [
      'the addresses of all nodes',
      replace('./Vendor/MSFT/WiFi/Profile/Office/WlanXml', 'x'),
      './Vendor/MSFT/WiFi/Profile/Office/WlanXml',
    ],
    [
      'the address of the server without its query',
      '',
      '<LocURI>https://mdm.example.org/ManagementServer/MDM.svc</LocURI>',
    ],
  ])('%s', (_, body, expected) => {
    expect(shown(syncML(body))).toContain(expected);
  });
});

describe('a trace does not show', () => {
  const credential = (data: string) =>
    HEADER.replace(
      '</SyncHdr>',
      `<Cred><Meta><Format xmlns="syncml:metinf">b64</Format></Meta><Data>${data}</Data></Cred></SyncHdr>`,
    );
  test.each([
    ['the device id and the query of the address', '', HEADER],
    ['a password', replace('./Vendor/MSFT/Accounts/Users/a/Password', 'CANARY'), HEADER],
    ['a node that nobody listed', results('./Vendor/MSFT/Contoso/Thing', 'CANARY'), HEADER],
    [
      'the profile of a wireless network, sent as markup',
      replace('./Vendor/MSFT/WiFi/Profile/a/WlanXml', '<p xmlns="x"><key>CANARY</key></p>'),
      HEADER,
    ],
    ['markup in a listed node', results('./DevDetail/SwV', '<CANARY a="CANARY"/>'), HEADER],
    ['a listing of many nodes', results('./DevDetail/SwV?list=StructData', 'CANARY'), HEADER],
    ['a credential', '', credential('CANARY')],
    ['a user name', '', HEADER.replace('</Source>', '<LocName>CANARY</LocName></Source>')],
    [
      'a nonce',
      '<Status><CmdID>1</CmdID><CmdRef>0</CmdRef><Chal><Meta><NextNonce xmlns="syncml:metinf">CANARY</NextNonce></Meta></Chal><Data>401</Data></Status>',
      HEADER,
    ],
    ['a token of Entra', alert('com.microsoft/MDM/AADUserToken', 'CANARY'), HEADER],
    ['the data of an alert of another type', alert('com.contoso/CANARY', 'user CANARY'), HEADER],
    [
      'a value with two addresses of which one is not listed',
      results(
        './DevDetail/SwV</LocURI></Source><Target><LocURI>./Vendor/MSFT/Contoso/Thing</LocURI></Target><Source><LocURI>./DevDetail/SwV',
        'CANARY',
      ),
      HEADER,
    ],
    ['data outside an item', '<Get><CmdID>1</CmdID><Data>CANARY</Data></Get>', HEADER],
    [
      'elements and attributes that it does not know',
      '<Get CANARY="CANARY"><CmdID>1</CmdID><CANARY>CANARY</CANARY></Get>',
      HEADER,
    ],
    [
      'elements of other namespaces',
      '<Get><CmdID>1</CmdID><Item xmlns="urn:x"><Data>CANARY</Data></Item></Get>',
      HEADER,
    ],
    ['comments and stray text', '<!-- CANARY --><Get>CANARY<CmdID>1</CmdID></Get>', HEADER],
    [
      'an address that is none',
      '<Get><CmdID>1</CmdID><Item><Target><LocURI>CANARY</LocURI></Target></Item></Get>',
      HEADER,
    ],
    ['identifiers that are none', '<Get><CmdID>CANARY</CmdID></Get>', HEADER.replace('>7<', '>CANARY-7890<')],
  ])('%s', (_, body, header) => {
    const text = syncML(body, header);
    expect(text).toContain('CANARY');
    expect(shown(text)).not.toContain('CANARY');
    expect(shown(text)).toContain(HIDDEN);
  });

  test('a listed node that somebody marked as a secret', () => {
    const text = syncML(replace('./DevDetail/Ext/Microsoft/DNSComputerName', 'CANARY'));
    expect(shown(text)).toContain('CANARY');
    expect(shown(text, (node) => node.endsWith('DNSComputerName'))).not.toContain('CANARY');
  });
});

test('no node that holds a secret is listed, and none above or below one', () => {
  for (const secret of SECRET_NODES) {
    const path = nodePath(`./${secret.replaceAll('*', 'x')}`);
    expect(isShownNode(`./Vendor/MSFT/${secret.replaceAll('*', 'x')}`), secret).toBe(false);
    for (const node of SHOWN_NODES) expect(relation(path, node), `${secret} and ${node}`).not.toBe('below');
  }
});

/** Markup in which the canary stands wherever a text or an attribute can. */
const NAMES =
  'Get Replace Results Status Alert Item Target Source LocURI LocName Data Meta Type Format Cred Chal NextNonce Correlator CmdID MsgRef CmdRef Cmd Atomic Thing'.split(
    ' ',
  );
const CANARY = 'kJ3-canary value';
const NODES = ['./DevDetail/Nope', './Vendor/MSFT/WiFi/Profile/a/WlanXml', './Vendor/MSFT/Policy/Config/A/B'];

const { markup } = fc.letrec<{ markup: string }>((tie) => ({
  markup: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant(CANARY),
    fc.constantFrom(...NODES).map((node) => `<Target><LocURI>${node}</LocURI></Target>`),
    fc
      .tuple(
        fc.constantFrom(...NAMES),
        fc.boolean(),
        fc.constantFrom('', 'syncml:metinf', 'urn:other'),
        fc.array(tie('markup'), { maxLength: 4 }),
      )
      .map(([name, hasAttribute, namespace, inner]) => {
        const attribute = hasAttribute ? ` originalerror="${CANARY}"` : '';
        const declared = namespace ? ` xmlns="${namespace}"` : '';
        return `<${name}${declared}${attribute}>${inner.join('')}</${name}>`;
      }),
  ),
}));

test('no value outside the list survives, neither in the XML nor in the words, wherever it stands', () => {
  fc.assert(
    fc.property(fc.array(markup, { minLength: 1, maxLength: 6 }), fc.array(markup, { maxLength: 3 }), (body, head) => {
      const text = Buffer.from(syncML(body.join(''), HEADER.replace('</SyncHdr>', `${head.join('')}</SyncHdr>`)));
      const exchange = traceOf({
        at: new Date(0),
        received: text,
        sent: text,
        before: text,
        repeated: false,
        isSecret: () => false,
      });
      expect(JSON.stringify(exchange)).not.toMatch(/canary/i);
    }),
    { numRuns: 200 },
  );
});

test('an item of thousands of addresses and values is looked at once, so that a message cannot keep the server busy', () => {
  let asked = 0;
  const isSecret = () => {
    asked += 1;
    return false;
  };
  const item = (addresses: number) =>
    `<Replace><CmdID>3</CmdID><Item>${'<Source><LocURI>./DevInfo/Man</LocURI></Source>'.repeat(addresses)}${'<Data>Contoso</Data>'.repeat(9_000)}</Item></Replace>`;
  expect(shown(syncML(item(2)), isSecret)).toContain('<Data>Contoso</Data>');
  expect(asked).toBe(2);
  expect(shown(syncML(item(9_000)), isSecret)).not.toContain('Contoso');
});
