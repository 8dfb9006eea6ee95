import { describe, expect, test } from 'vitest';
import { ProtocolViolation } from '../../../local/device/errors.ts';
import { readServerMessage } from '../../../local/device/syncml-message.ts';
import { command, syncml } from './scripted-server.ts';

const sent =
  '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><SessionID>7</SessionID><MsgID>3</MsgID><Target><LocURI>https://mdm.example</LocURI></Target>' +
  '<Source><LocURI>DEVICE</LocURI></Source></SyncHdr><SyncBody><Alert><CmdID>2</CmdID></Alert><Alert><CmdID>3</CmdID></Alert>' +
  '<Replace><CmdID>4</CmdID></Replace><Final/></SyncBody></SyncML>';
const expected = {
  sessionId: '7',
  msgId: 3,
  deviceId: 'DEVICE',
  lastServerMsgId: 2,
  sent: [
    { cmdId: '2', cmd: 'Alert' },
    { cmdId: '3', cmd: 'Alert' },
    { cmdId: '4', cmd: 'Replace' },
  ],
};
const good = syncml(sent, {
  commands:
    command('Get', 50, { target: './DevDetail/SwV' }) +
    command('Replace', 51, { target: './A/B', data: '1', format: 'int' }),
}).body as string;
const challenged = syncml(sent, { chal: 'AAAAAAAAAAAAAAAAAAAAAA==' }).body as string;
const read = (text: string) => readServerMessage(Buffer.from(text), expected);

function changed(from: string | RegExp, to: string, text = good): string {
  const result = text.replace(from, to);
  if (result === text) throw new Error(`nothing to change: ${from}`);
  return result;
}

function rule(text: string, more: { final?: boolean } = {}): string {
  try {
    readServerMessage(Buffer.from(text), { ...expected, ...more });
  } catch (error) {
    if (error instanceof ProtocolViolation) return error.rule;
    throw error;
  }
  return 'none';
}

describe('a good reply', () => {
  test('is read with its commands in order', () => {
    expect(read(good)).toMatchObject({
      msgId: 3,
      headerStatus: 200,
      final: true,
      remarks: [],
      commands: [
        { name: 'Get', cmdId: '50', items: [{ target: './DevDetail/SwV' }] },
        { name: 'Replace', cmdId: '51', items: [{ target: './A/B', data: '1', format: 'int' }] },
      ],
    });
  });

  test('may be of SyncML 1.1 and use any prefix', () => {
    expect(rule(good.replace('SYNCML1.2', 'SYNCML1.1'))).toBe('none');
    const prefixed = good
      .replace(' xmlns="SYNCML:SYNCML1.2"', ' xmlns:d="SYNCML:SYNCML1.2"')
      .replace(/<(\/?)(?=[A-Z])(?!Format)/g, '<$1d:')
      .replaceAll('</d:Format>', '</Format>');
    expect(rule(prefixed)).toBe('none');
  });

  test('may challenge, with Statuses only and without Final', () => {
    expect(read(challenged)).toMatchObject({
      headerStatus: 407,
      challenge: { type: 'syncml:auth-md5', nextNonce: 'AAAAAAAAAAAAAAAAAAAAAA==' },
      commands: [],
      final: false,
      remarks: [],
    });
    expect(read(challenged.replace('</SyncBody>', '<Final/></SyncBody>')).remarks).toHaveLength(1);
  });

  test('keeps white space in data as it is', () => {
    expect(
      read(changed('<Data>1</Data></Item></Replace>', '<Data> 1\n</Data></Item></Replace>')).commands[1]?.items[0]
        ?.data,
    ).toBe(' 1\n');
  });
});

describe('a reply that breaks a rule', () => {
  const firstStatus = /<SyncBody><Status>.*?<\/Status>/;
  test.each([
    ['not-xml', good.slice(0, -3)],
    ['not-xml', `<!DOCTYPE x>${good}`],
    ['not-syncml', changed('SYNCML:SYNCML1.2', 'syncml:syncml1.2')],
    ['no-sync-hdr', changed(/<SyncHdr>.*<\/SyncHdr>/, '')],
    ['no-sync-hdr', good.replaceAll('SyncHdr>', 'Synchdr>')],
    ['no-sync-body', changed(/<SyncBody>.*<\/SyncBody>/, '')],
    ['ver-dtd', changed('<VerDTD>1.2', '<VerDTD>1.1')],
    ['ver-proto', changed('DM/1.2', 'DM/1.1')],
    ['session-id', changed('<SessionID>7', '<SessionID>07')],
    ['msg-id', changed('<MsgID>3', '<MsgID>2')],
    ['msg-id', changed('<MsgID>3', '<MsgID>0')],
    ['target', changed('DEVICE', 'device')],
    ['source', changed('<LocURI>https://mdm.example</LocURI>', '<LocURI></LocURI>')],
    [
      'max-msg-size',
      changed('</SyncHdr>', '<Meta><MaxMsgSize xmlns="syncml:metinf">8192</MaxMsgSize></Meta></SyncHdr>'),
    ],
    ['max-msg-size', changed('</SyncHdr>', '<Meta><MaxObjSize>8192</MaxObjSize></Meta></SyncHdr>')],
    [
      'element-order',
      changed('<VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>', '<VerProto>DM/1.2</VerProto><VerDTD>1.2</VerDTD>'),
    ],
    [
      'element-order',
      changed('<Meta><Format xmlns="syncml:metinf">int</Format></Meta><Data>1</Data>', '<Data>1</Data><Meta/>'),
    ],
    ['no-status-for-sync-hdr', changed(firstStatus, '<SyncBody>')],
    ['no-status-for-sync-hdr', changed('<CmdRef>0</CmdRef>', '<CmdRef>1</CmdRef>')],
    ['msg-ref', changed('<MsgRef>3', '<MsgRef>1')],
    ['status-data', changed('<Data>200</Data></Status>', '<Data>ok</Data></Status>')],
    ['status-missing', changed(/<Status><CmdID>3<.*?<\/Status>/, '')],
    ['status-twice', changed(/(<Status><CmdID>)4(<.*?<\/Status>)/, '$14$2$199$2')],
    ['status-order', changed(/(<Status><CmdID>3<.*?<\/Status>)(<Status><CmdID>4<.*?<\/Status>)/, '$2$1')],
    ['cmd-ref', changed('<CmdRef>4</CmdRef>', '<CmdRef>9</CmdRef>')],
    ['cmd-ref', changed('<Cmd>Replace</Cmd>', '<Cmd>replace</Cmd>')],
    ['cmd-id-twice', changed('<CmdID>51', '<CmdID>50')],
    ['cmd-id-twice', changed('<CmdID>51', '<CmdID>2')],
    ['cmd-id-missing', changed('<CmdID>51</CmdID>', '')],
    ['cmd-id-missing', changed('<CmdID>51', '<CmdID>0')],
    ['loc-uri-slash', changed('./A/B', '/A/B')],
    ['final-missing', changed('<Final/>', '')],
    ['final-place', changed(/(<Replace>.*<\/Replace>)<Final\/>/, '<Final/>$1')],
    [
      'command-with-challenge',
      changed('</SyncBody>', `${command('Get', 50, { target: './A' })}</SyncBody>`, challenged),
    ],
    ['next-nonce', changed('AAAAAAAAAAAAAAAAAAAAAA==', '', challenged)],
    ['chal-meta', changed(/<Meta>.*<\/Meta>/, '', challenged)],
  ])('is the violation %s (%#)', (name, text) => {
    expect(rule(text)).toBe(name);
  });

  test('is noticed inside an Atomic too', () => {
    const atomic = `<Atomic><CmdID>60</CmdID>${command('Delete', 50, { target: './A' })}</Atomic><Final/>`;
    expect(rule(changed('<Final/>', atomic))).toBe('cmd-id-twice');
  });

  const alert = '<Alert><CmdID>90</CmdID><Data>1222</Data></Alert>';
  const withoutCommands = good.replace(/<(Get|Add|Replace|Delete|Exec|Atomic|Sequence)><CmdID>.*<Final\/>/, '<Final/>');
  test.each([
    ['none', withoutCommands.replace('<Final/>', alert)],
    ['command-too-early', good.replace('<Final/>', alert)],
    ['not-asked-on', withoutCommands.replace('<Final/>', '')],
    ['final-too-early', withoutCommands.replace('<Final/>', `${alert}<Final/>`)],
  ])('is, while the package of the device goes on, the violation %s', (name, text) => {
    expect(rule(text, { final: false })).toBe(name);
  });
});
