import { describe, expect, test } from 'vitest';
import { readSyncML } from '../../../shared/wire/syncml.ts';
import {
  alertElement,
  atomicElement,
  CommandError,
  commandElement,
  commandProblem,
  type ServerCommand,
  statusElement,
  writeSyncML,
} from '../../../shared/wire/syncml-writer.ts';
import type { Xml } from '../../../shared/wire/xml.ts';

const message = (body: Xml[], final = true) =>
  writeSyncML({
    sessionId: '0A',
    msgId: 2,
    target: 'DEVICE',
    source: 'https://manage.example.org/ManagementServer/MDM.svc',
    body,
    final,
  });

describe('a message to a device', () => {
  test('has the header in the order of the DTD, no Meta in it, and no white space', () => {
    expect(message([]).toString()).toBe(
      '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>0A</SessionID><MsgID>2</MsgID>' +
        '<Target><LocURI>DEVICE</LocURI></Target><Source><LocURI>https://manage.example.org/ManagementServer/MDM.svc</LocURI></Source></SyncHdr>' +
        '<SyncBody><Final/></SyncBody></SyncML>',
    );
  });

  test('ends with Final only where it is said', () => {
    const status = statusElement(1, { msgRef: '1', cmdRef: '0', cmd: 'SyncHdr', code: 407 });
    expect(message([status], false).toString()).not.toContain('Final');
    expect(readSyncML(message([status])).final).toBe(true);
  });

  test('is UTF-8 bytes', () => {
    const command = commandElement(3, { verb: 'Replace', items: [{ target: './a', data: 'Zürich \u{1F600}' }] });
    expect(message([command]).includes(Buffer.from('Zürich \u{1F600}', 'utf8'))).toBe(true);
  });
});

describe('a Status', () => {
  test('has its elements in the order of the DTD', () => {
    expect(
      String(
        statusElement(3, { msgRef: '1', cmdRef: '4', cmd: 'Replace', targetRef: './a&b', sourceRef: 's', code: 200 }),
      ),
    ).toBe(
      '<Status><CmdID>3</CmdID><MsgRef>1</MsgRef><CmdRef>4</CmdRef><Cmd>Replace</Cmd><TargetRef>./a&amp;b</TargetRef><SourceRef>s</SourceRef><Data>200</Data></Status>',
    );
  });

  test('carries a challenge before its code', () => {
    const chal = { type: 'syncml:auth-md5', format: 'b64', nextNonce: 'Tm9uY2U=' };
    expect(String(statusElement(1, { msgRef: '1', cmdRef: '0', cmd: 'SyncHdr', code: 407, chal }))).toBe(
      '<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Chal><Meta>' +
        '<Type xmlns="syncml:metinf">syncml:auth-md5</Type><Format xmlns="syncml:metinf">b64</Format><NextNonce xmlns="syncml:metinf">Tm9uY2U=</NextNonce>' +
        '</Meta></Chal><Data>407</Data></Status>',
    );
  });
});

describe('a command', () => {
  test.each<[ServerCommand, string]>([
    [
      { verb: 'Get', items: [{ target: './DevDetail/SwV' }, { target: './DevDetail/HwV' }] },
      '<Get><CmdID>9</CmdID><Item><Target><LocURI>./DevDetail/SwV</LocURI></Target></Item><Item><Target><LocURI>./DevDetail/HwV</LocURI></Target></Item></Get>',
    ],
    [
      {
        verb: 'Exec',
        items: [
          {
            target: './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll',
            data: 'Lanyard',
            format: 'chr',
          },
        ],
      },
      '<Exec><CmdID>9</CmdID><Item><Target><LocURI>./Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll</LocURI></Target>' +
        '<Meta><Format xmlns="syncml:metinf">chr</Format></Meta><Data>Lanyard</Data></Item></Exec>',
    ],
    [
      { verb: 'Add', items: [{ target: './x', data: '<a b="1"/>', format: 'xml', type: 'text/plain' }] },
      '<Add><CmdID>9</CmdID><Item><Target><LocURI>./x</LocURI></Target><Meta><Format xmlns="syncml:metinf">xml</Format>' +
        '<Type xmlns="syncml:metinf">text/plain</Type></Meta><Data>&lt;a b=&quot;1&quot;/&gt;</Data></Item></Add>',
    ],
    [
      { verb: 'Replace', items: [{ target: './x', data: '' }] },
      '<Replace><CmdID>9</CmdID><Item><Target><LocURI>./x</LocURI></Target><Data></Data></Item></Replace>',
    ],
    [
      { verb: 'Delete', items: [{ target: './x' }] },
      '<Delete><CmdID>9</CmdID><Item><Target><LocURI>./x</LocURI></Target></Item></Delete>',
    ],
  ])('is written as Windows reads it (%#)', (command, expected) => {
    expect(String(commandElement(9, command))).toBe(expected);
  });

  test.each<[ServerCommand, string]>([
    [{ verb: 'Get', items: [] }, 'Get has no item'],
    [{ verb: 'Exec', items: [{ target: './a' }, { target: './b' }] }, 'Exec has more than one item'],
    [{ verb: 'Get', items: [{ target: '' }] }, 'empty target'],
    [{ verb: 'Get', items: [{ target: '/Vendor/MSFT' }] }, 'begins with a slash'],
    [
      { verb: 'Add', items: [{ target: './a', data: 'x\u0001' }] },
      'data holds a character that XML cannot carry: U+0001 at position 1',
    ],
    [{ verb: 'Add', items: [{ target: './a\uFFFF' }] }, 'target holds a character'],
  ])('that Windows would refuse is refused before, with the reason (%#)', (command, problem) => {
    expect(commandProblem(command)).toContain(problem);
    expect(() => commandElement(1, command)).toThrow(CommandError);
    expect(() => commandElement(1, command)).toThrow(problem);
  });

  test('in an Atomic has its own id', () => {
    const inner = commandElement(6, { verb: 'Delete', items: [{ target: './a' }] });
    expect(String(atomicElement(5, [inner, inner]))).toBe(`<Atomic><CmdID>5</CmdID>${inner}${inner}</Atomic>`);
  });

  test('comes back from a reader with every character of its data', () => {
    const data = ' <a>&amp;]]>"\'\r\n\t\uE000\u{1F600} ';
    const bytes = message([
      commandElement(4, { verb: 'Replace', items: [{ target: './a/%7Bb%7D', data, format: 'chr' }] }),
    ]);
    expect(readSyncML(bytes).commands[0]).toMatchObject({
      kind: 'Replace',
      cmdId: '4',
      items: [{ target: './a/%7Bb%7D', data, meta: { format: 'chr' } }],
    });
  });
});

test('an Alert is its code', () => {
  expect(String(alertElement(2, { code: 1222 }))).toBe('<Alert><CmdID>2</CmdID><Data>1222</Data></Alert>');
});
