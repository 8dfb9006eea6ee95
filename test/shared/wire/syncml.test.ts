import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientCommand, readSyncHdr, readSyncML, SyncMLError } from '../../../shared/wire/syncml.ts';
import { XmlError } from '../../../shared/wire/xml.ts';
import { DEVICE_ID, MANAGEMENT_URL, PACKAGE_1, type SyncMLParts, syncHdr, syncML } from './samples.ts';

const read = (body: string, parts: Partial<SyncMLParts> = {}) => readSyncML(syncML({ body, ...parts }));
const only = (body: string): ClientCommand => read(body).commands[0]!;
const status = (inner: string) => `<Status><CmdID>1</CmdID><MsgRef>1</MsgRef>${inner}</Status>`;
const replace = (item: string) => `<Replace><CmdID>2</CmdID><Item>${item}</Item></Replace>`;

describe('the header', () => {
  test.each(['SYNCML:SYNCML1.1', 'SYNCML:SYNCML1.2'])('is read in the namespace %s', (namespace) => {
    expect(read(PACKAGE_1, { namespace }).header).toEqual({
      sessionId: '1',
      msgId: '1',
      target: MANAGEMENT_URL,
      source: DEVICE_ID,
      meta: {},
    });
  });

  test.each(['1', '0A3F', 'ff01', '007', '\n 12 '])('keeps the session id %j as text', (sessionId) => {
    expect(read('', { header: syncHdr({ sessionId }) }).header.sessionId).toBe(sessionId.trim());
  });

  test('gives the credential with the name that it belongs to', () => {
    const source = `<LocURI> ${DEVICE_ID}\n</LocURI><LocName> name-1 </LocName>`;
    const meta =
      '<Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta>';
    const more = `<RespURI>https://b.example.org/</RespURI><Cred>${meta}<Data> Zz6EivR3yeaaENcRN6lpAQ==\n</Data></Cred>`;
    expect(read('', { header: syncHdr({ source, more }) }).header).toMatchObject({
      source: DEVICE_ID,
      locName: 'name-1',
      respUri: 'https://b.example.org/',
      cred: { type: 'syncml:auth-md5', format: 'b64', data: 'Zz6EivR3yeaaENcRN6lpAQ==' },
    });
  });

  test('keeps an incomplete credential, so that it can be refused as one', () => {
    expect(read('', { header: syncHdr({ more: '<Cred/>' }) }).header.cred).toEqual({ type: '', format: '', data: '' });
  });

  test('gives the size that the device can take', () => {
    const more = '<Meta><MaxMsgSize xmlns="syncml:metinf"> 524288 </MaxMsgSize></Meta>';
    expect(read('', { header: syncHdr({ more }) }).header.meta).toEqual({ maxMsgSize: 524288 });
  });

  const without = (name: string) => syncHdr().replace(new RegExp(`<${name}>.*</${name}>`), '');
  test.each([
    [syncML({ body: '', header: without('SessionID') }), 'no SessionID'],
    [syncML({ body: '', header: syncHdr({ sessionId: ' ' }) }), 'no SessionID'],
    [syncML({ body: '', header: syncHdr({ sessionId: '1'.repeat(129) }) }), 'SessionID is longer'],
    [syncML({ body: '', header: without('MsgID') }), 'no MsgID'],
    [syncML({ body: '', header: without('Source') }), 'no Source/LocURI'],
    [syncML({ body: '', header: without('Target') }), 'no Target/LocURI'],
    [syncML({ body: '', namespace: 'SYNCML:SYNCML2.0' }), '"SYNCML:SYNCML2.0" is not known'],
    [Buffer.from('<SyncML xmlns="SYNCML:SYNCML1.2"><SyncBody/></SyncML>'), 'no SyncHdr'],
    [Buffer.from(`<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr>${syncHdr()}</SyncHdr></SyncML>`), 'no SyncBody'],
    [Buffer.from('<html/>'), 'html, not SyncML'],
    [syncML({ body: status('<Cmd>Get</Cmd><Data>200</Data>') }), 'Status has no CmdRef'],
    [syncML({ body: '<Results><CmdID>1</CmdID><Item/></Results>' }), 'Results has no CmdRef'],
    [syncML({ body: status('<CmdRef>5</CmdRef>') }), 'Status has no Data'],
    [syncML({ body: status('<CmdRef>5</CmdRef><Data>OK</Data>') }), 'Status has Data "OK", not a number'],
    [syncML({ body: '<Alert><CmdID>1</CmdID></Alert>' }), 'Alert has no Data'],
    [syncML({ body: '<Alert><CmdID>1</CmdID><Data>-1</Data></Alert>' }), 'Alert has Data "-1"'],
  ])('what is missing or wrong is named (%#)', (bytes, message) => {
    expect(() => readSyncML(bytes)).toThrow(SyncMLError);
    expect(() => readSyncML(bytes)).toThrow(message);
  });
});

describe('the commands of a device', () => {
  test('package 1 comes in document order with the ids of the device', () => {
    const { commands, final } = read(PACKAGE_1);
    expect(final).toBe(true);
    expect(commands.map((c) => [c.kind, c.cmdId])).toEqual([
      ['Alert', '2'],
      ['Alert', '3'],
      ['Replace', '4'],
    ]);
    expect(commands[0]).toEqual({ kind: 'Alert', cmdId: '2', code: 1201, items: [] });
    expect(commands[1]).toMatchObject({
      code: 1224,
      items: [{ meta: { type: 'com.microsoft/MDM/LoginStatus' }, data: 'user', moreData: false }],
    });
    const facts = commands[2]!.items.map((i) => [i.source, i.data]);
    expect(facts).toEqual([
      ['./DevInfo/DevId', DEVICE_ID],
      ['./DevInfo/Man', 'Example'],
      ['./DevInfo/Mod', 'Model 7'],
      ['./DevInfo/DmV', '1.3'],
      ['./DevInfo/Lang', 'de-CH'],
    ]);
  });

  test('a message without Final is not final', () => {
    expect(read(PACKAGE_1, { final: false }).final).toBe(false);
  });

  test('a Get of several items has a Status for each and one Results without Cmd', () => {
    const part = (target: string, code: number) =>
      `<Status><CmdID>2</CmdID><MsgRef>2</MsgRef><CmdRef>5</CmdRef><Cmd>Get</Cmd><TargetRef> ${target} </TargetRef><Data>${code}</Data></Status>`;
    const { commands } = read(
      `${part('./DevDetail/SwV', 200)}${part('./DevDetail/None', 404)}` +
        '<Results><CmdID>4</CmdID><MsgRef>2</MsgRef><CmdRef>5</CmdRef><Item><Source><LocURI>./DevDetail/SwV</LocURI></Source><Data>10.0.26100.1742</Data></Item></Results>',
    );
    expect(commands[0]).toEqual({
      kind: 'Status',
      cmdId: '2',
      msgRef: '2',
      cmdRef: '5',
      cmd: 'Get',
      targetRef: './DevDetail/SwV',
      code: 200,
      items: [],
    });
    expect(commands[1]).toMatchObject({ targetRef: './DevDetail/None', code: 404 });
    expect(commands[2]).toEqual({
      kind: 'Results',
      cmdId: '4',
      msgRef: '2',
      cmdRef: '5',
      items: [{ source: './DevDetail/SwV', meta: {}, data: '10.0.26100.1742', moreData: false }],
    });
  });

  test('a Status keeps the HRESULT behind its code', () => {
    const read = only(
      status(
        '<CmdRef>5</CmdRef><Cmd>Exec</Cmd><SourceRef>a</SourceRef><Data msft:originalerror="0x80070057"> 500\n</Data>',
      ),
    );
    expect(read).toMatchObject({ code: 500, originalError: '0x80070057', sourceRef: 'a' });
  });

  test('a Status may challenge us and carry items', () => {
    const chal =
      '<Chal><Meta><Type>syncml:auth-md5</Type><Format>b64</Format><NextNonce> Tm9uY2U= </NextNonce></Meta></Chal>';
    const read = only(status(`<CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>${chal}<Data>200</Data><Item><Data>x</Data></Item>`));
    expect(read).toMatchObject({
      cmdRef: '0',
      chal: { type: 'syncml:auth-md5', format: 'b64', nextNonce: 'Tm9uY2U=' },
      items: [{ data: 'x' }],
    });
  });

  test('a reference without MsgRef is to our first message', () => {
    expect(only('<Results><CmdID>4</CmdID><CmdRef>5</CmdRef></Results>')).toMatchObject({ msgRef: '1', items: [] });
  });

  test.each([
    [
      'with the namespace of metinf',
      '<Meta><Type xmlns="syncml:metinf">T</Type><Format xmlns="syncml:metinf">int</Format></Meta>',
    ],
    ['with a prefix', '<Meta xmlns:m="syncml:metinf"><m:Type>T</m:Type><m:Format>int</m:Format></Meta>'],
    ['without a namespace of their own', '<Meta><Type>\n T </Type><Format>int</Format></Meta>'],
    ['outside Meta', '<Type>T</Type><Meta><Format xmlns="syncml:metinf">int</Format></Meta>'],
    ['wholly without Meta', '<Type>T</Type><Format>int</Format>'],
  ])('an item has its Type and Format: %s', (_, meta) => {
    const { items } = only(replace(`${meta}<Data>1</Data>`));
    expect(items).toEqual([{ meta: { type: 'T', format: 'int' }, data: '1', moreData: false }]);
  });

  test('an item completes its Meta from that of the command', () => {
    const { items } = only(
      '<Replace><CmdID>2</CmdID><Meta><Type>common</Type><Mark>critical</Mark></Meta><Item><Meta><Type>own</Type></Meta></Item><Item/></Replace>',
    );
    expect(items.map((i) => i.meta)).toEqual([
      { type: 'own', mark: 'critical' },
      { type: 'common', mark: 'critical' },
    ]);
  });

  test('the alert of a user who leaves is read whole', () => {
    const meta =
      '<Meta><Type> com.microsoft:mdm.unenrollment.userrequest</Type><Format>int</Format><Mark>critical</Mark></Meta>';
    expect(
      only(
        `<Alert><CmdID>4</CmdID><Data>1226</Data><Correlator> c-1 </Correlator><Item>${meta}<Data>1</Data></Item></Alert>`,
      ),
    ).toEqual({
      kind: 'Alert',
      cmdId: '4',
      code: 1226,
      correlator: 'c-1',
      items: [
        {
          meta: { type: 'com.microsoft:mdm.unenrollment.userrequest', format: 'int', mark: 'critical' },
          data: '1',
          moreData: false,
        },
      ],
    });
  });

  test.each([
    ['white space', '<Data> a\n b </Data>', ' a\n b '],
    ['nothing', '<Data/>', ''],
    ['no Data', '', undefined],
    ['escaped XML', '<Data>&lt;a b="1"&gt;\n&lt;/a&gt;</Data>', '<a b="1">\n</a>'],
    ['CDATA', '<Data><![CDATA[<a/>]]></Data>', '<a/>'],
    ['markup', '<Data>\n <a b="1"><c>x</c></a>\n</Data>', '<a b="1"><c>x</c></a>'],
    ['markup of another namespace', '<Data><a xmlns="urn:x"><c/></a></Data>', '<a xmlns="urn:x"><c/></a>'],
  ])('Data that is %s comes as text', (_, data, expected) => {
    expect(only(replace(data)).items[0]?.data).toBe(expected);
  });

  test('a chunk says how long the object is and that more follows', () => {
    const { items } = only(replace('<Meta><Size>70000</Size></Meta><Data>abc</Data><MoreData/>'));
    expect(items[0]).toEqual({ meta: { size: 70000 }, data: 'abc', moreData: true });
  });

  test('an item may have a target', () => {
    expect(only(replace('<Target><LocURI> ./a </LocURI></Target>')).items[0]?.target).toBe('./a');
  });

  test.each(['Atomic', 'Sequence', 'Copy', 'Put', 'Surprise'])('%s is kept as another command', (name) => {
    expect(only(`<${name}><CmdID>7</CmdID><Item/></${name}>`)).toMatchObject({ kind: 'Other', name, cmdId: '7' });
  });

  test('a command without CmdID has an empty one', () => {
    expect(only('<Exec><Item/></Exec>')).toMatchObject({ kind: 'Exec', name: 'Exec', cmdId: '' });
  });
});

test('damaged messages are read or refused with an error of SyncML or XML, never anything else', () => {
  const sample = syncML({
    header: syncHdr({ more: '<Cred><Meta><Type>syncml:auth-md5</Type></Meta><Data>x</Data></Cred>' }),
    body: `${PACKAGE_1}${status('<CmdRef>1</CmdRef><Chal><Meta/></Chal><Data>200</Data>')}${replace('<Data><a>x</a></Data>')}`,
  });
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 8 }),
    fc.constantFrom('<', '</Item>', '&#0;', '<Data>').map((t) => Buffer.from(t)),
  );
  let accepted = 0;
  fc.assert(
    fc.property(fc.nat({ max: sample.length }), fc.nat({ max: 60 }), noise, (at, length, bytes) => {
      try {
        readSyncML(Buffer.concat([sample.subarray(0, at), bytes, sample.subarray(at + length)]));
        accepted += 1;
      } catch (error) {
        expect(error instanceof SyncMLError || error instanceof XmlError).toBe(true);
      }
    }),
    { numRuns: 400, examples: [[0, 0, Buffer.alloc(0)]] },
  );
  expect(accepted).toBeGreaterThan(0);
});

describe('the header alone', () => {
  test.each(['SYNCML:SYNCML1.1', 'SYNCML:SYNCML1.2'])(
    'is what the whole message says, whatever follows it: %s',
    (namespace) => {
      const whole = syncML({ body: PACKAGE_1, namespace });
      const cut = Buffer.from(`${whole.toString().split('<SyncBody')[0]}<SyncBody><unfinished`);
      expect(readSyncHdr(cut)).toEqual(readSyncML(whole).header);
    },
  );

  test('is found under a prefix', () => {
    const text =
      '<s:SyncML xmlns:s="SYNCML:SYNCML1.2"><s:SyncHdr><s:SessionID>1</s:SessionID><s:MsgID>2</s:MsgID><s:Target><s:LocURI>t</s:LocURI></s:Target><s:Source><s:LocURI>s</s:LocURI></s:Source></s:SyncHdr ><rest';
    expect(readSyncHdr(Buffer.from(text))).toMatchObject({ sessionId: '1', msgId: '2', target: 't', source: 's' });
  });

  test.each([
    ['does not end', '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr>'],
    ['ends too late', `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><!--${'x'.repeat(17_000)}--></SyncHdr>`],
    ['is not there', '<SyncML xmlns="SYNCML:SYNCML1.2"><Other/></SyncHdr>'],
    ['ends in a comment only', '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><!-- </SyncHdr> -->'],
    ['is of something else', '<Other><SyncHdr></SyncHdr>'],
  ])('that %s is refused', (_, text) => {
    expect(() => readSyncHdr(Buffer.from(text))).toThrow(/./);
    try {
      readSyncHdr(Buffer.from(text));
    } catch (error) {
      expect(error instanceof SyncMLError || error instanceof XmlError).toBe(true);
    }
  });
});
