import { expect, test } from 'vitest';
import { traceOf } from '../../../shared/trace/exchange.ts';

const NAMESPACE = 'xmlns="SYNCML:SYNCML1.2"';

function message(body: string, msgId = 2): Buffer {
  const ends = body.includes('<More/>') ? '' : '<Final/>';
  return Buffer.from(
    `<SyncML ${NAMESPACE}><SyncHdr><SessionID>7</SessionID><MsgID>${msgId}</MsgID></SyncHdr><SyncBody>${body.replace('<More/>', '')}${ends}</SyncBody></SyncML>`,
  );
}

const command = (verb: string, cmdId: number, node: string, data?: string) =>
  `<${verb}><CmdID>${cmdId}</CmdID><Item><Target><LocURI>${node}</LocURI></Target>${data === undefined ? '' : `<Data>${data}</Data>`}</Item></${verb}>`;
const status = (cmdRef: number, cmd: string, data: string) =>
  `<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdRef}</CmdRef><Cmd>${cmd}</Cmd>${data}</Status>`;
const alert = (code: number, type = '', data = '') =>
  `<Alert><CmdID>2</CmdID><Data>${code}</Data>${type ? `<Item><Source><LocURI>./Vendor/MSFT/X</LocURI></Source><Meta><Type xmlns="syncml:metinf">${type}</Type></Meta><Data>${data}</Data></Item>` : ''}</Alert>`;

const BEFORE = message(
  command('Get', 4, './DevDetail/Nope') +
    command('Replace', 5, './DevDetail/SwV', 'x') +
    command('Exec', 6, './Vendor/MSFT/Reboot/RebootNow'),
  1,
);

function wordsOf(received: Buffer, sent: Buffer): [string[], string[]] {
  const [device, server] = traceOf({
    at: new Date(0),
    received,
    sent,
    before: BEFORE,
    repeated: false,
    isSecret: () => false,
  }).messages;
  return [device?.words ?? [], server?.words ?? []];
}

test.each([
  ['opens', alert(1201), ['The device opens a session by itself.']],
  ['aborts', alert(1223), ['The device aborts the session.']],
  [
    'says who is there',
    alert(1224, 'com.microsoft/MDM/LoginStatus', 'none'),
    ['The device says who is signed in: none.'],
  ],
  [
    'leaves',
    alert(1226, 'com.microsoft:mdm.unenrollment.userrequest', '1'),
    ['The device says that it removes the enrollment.'],
  ],
  [
    'cannot leave',
    alert(1226, 'com.microsoft:mdm.unenrollment.userrequest', '2'),
    ['The device says that it tried to remove the enrollment and failed: 2.'],
  ],
  [
    'installed',
    alert(1226, 'Reversed-Domain-Name:com.microsoft.mdm.win32csp_install', '0'),
    ['The device reports what came of the installation ./Vendor/MSFT/X: 0.'],
  ],
  [
    'has no such node',
    status(4, 'Get', '<Data>404</Data>'),
    [
      'Get ./DevDetail/Nope: status 404. The device has no such node: its edition or version lacks the setting, or nothing is set.',
    ],
  ],
  [
    'failed with a code',
    status(5, 'Replace', '<Data originalerror="0x80070005">500</Data>'),
    ['Replace ./DevDetail/SwV: status 500. The device failed to do it. Windows adds 0x80070005.'],
  ],
  [
    'accepted',
    status(6, 'Exec', '<Data>202</Data>'),
    [
      'Exec ./Vendor/MSFT/Reboot/RebootNow: status 202. The device accepted it and works on it; the result follows later.',
    ],
  ],
  [
    'answers what is not known here',
    status(9, 'Add', '<Data>200</Data>'),
    ['Add (sent earlier): status 200. The device did it.'],
  ],
  ['takes our message', status(0, 'SyncHdr', '<Data>200</Data>'), []],
  [
    'refuses our message',
    status(0, 'SyncHdr', '<Data>400</Data>'),
    ['The message: status 400. The device could not read it.'],
  ],
  [
    'reports',
    '<Replace><CmdID>3</CmdID><Item><Source><LocURI>./DevInfo/Man</LocURI></Source><Data>Contoso</Data></Item></Replace>',
    ['The device reports ./DevInfo/Man = Contoso.'],
  ],
  [
    'brings a value',
    '<Results><CmdID>3</CmdID><CmdRef>4</CmdRef><Item><Source><LocURI>./Vendor/MSFT/Contoso</LocURI></Source><Data>x</Data></Item></Results>',
    ['The value of ./Vendor/MSFT/Contoso = *** (not shown in traces).'],
  ],
  ['sends on', `${alert(1222)}<More/>`, ['The device asks for the next message.', 'More of this message follows.']],
])('a device that %s', (_, body, words) => {
  expect(wordsOf(message(body), message(''))[0]).toEqual(words);
});

const END = 'The server asks nothing (more): the session ends here.';
test.each([
  ['asks', command('Get', 4, './DevDetail/SwV'), ['The server asks for ./DevDetail/SwV.']],
  [
    'sets',
    command('Replace', 4, './Vendor/MSFT/WiFi/Profile/a/WlanXml', 'key'),
    ['The server sets ./Vendor/MSFT/WiFi/Profile/a/WlanXml = *** (not shown in traces).'],
  ],
  ['runs', command('Exec', 4, './Vendor/MSFT/Reboot/RebootNow'), ['The server runs ./Vendor/MSFT/Reboot/RebootNow.']],
  ['deletes', command('Delete', 4, './Vendor/MSFT/X/Y'), ['The server deletes ./Vendor/MSFT/X/Y.']],
  [
    'bundles',
    `<Atomic><CmdID>4</CmdID>${command('Add', 5, './Vendor/MSFT/X', 'a')}</Atomic>`,
    ['The server sends together, all or none:', 'The server adds ./Vendor/MSFT/X = *** (not shown in traces).'],
  ],
  [
    'waits for the rest',
    `<Alert><CmdID>4</CmdID><Data>1222</Data></Alert><More/>`,
    ['The server asks for the next message.'],
  ],
  [
    'refuses',
    status(2, 'Get', '<Data>406</Data>'),
    ['The server answers Get with status 406. The device does not support this.', END],
  ],
  ['has nothing to do', status(0, 'SyncHdr', '<Data>200</Data>'), [END]],
])('a server that %s', (_, body, words) => {
  expect(wordsOf(message(''), message(body))[1]).toEqual(words);
});

test('a message of thousands of commands is cut, and says so', () => {
  const received = message(command('Get', 1, './DevDetail/SwV').repeat(9_000));
  const [device] = traceOf({
    at: new Date(0),
    received,
    sent: message(''),
    before: Buffer.alloc(0),
    repeated: false,
    isSecret: () => false,
  }).messages;
  expect(device?.words).toHaveLength(501);
  expect(device?.words.at(-1)).toBe('… and 8500 more.');
  expect(device?.xml.length).toBeLessThan(300_000);
  expect(device?.xml).toMatch(/cut: the message is longer/);
});
