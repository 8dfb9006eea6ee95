import { Agent } from 'node:https';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readXml, select, textAt } from '../../local/device/xml-reader.ts';
import { credentialsOf } from '../support/credentials.ts';
import { damaged, damages } from '../support/damage.ts';
import { type TestLanyard, useLanyard } from '../support/lanyard.ts';
import { firstMessage, type RawReply, send } from '../support/wire.ts';
import { scaled, TIMEOUT_MS, tell } from './scale.ts';

const lanyard = useLanyard();

const RUNS = scaled(50_000);
const SYNCML = { s: 'SYNCML:SYNCML1.2' };

const WORDS = [
  ...['', '0', '1', '2', '-1', '00', '99999999', '1201', '1222', '1223', '1224', '200', '202', '213', '404', '418'],
  ...[
    '500',
    '507',
    'user',
    'none',
    'int',
    'b64',
    'xml',
    'SyncHdr',
    'Get',
    'Exec',
    '&#xA0;',
    '&amp;',
    '&lt;',
    '\u{1F642}',
  ],
  ...['./DevInfo/DevId', './DevInfo/__proto__', './DevDetail/SwV', 'com.microsoft/MDM/LoginStatus', 'DM/1.2', '1.2'],
];
const NAMES = [
  ...['Status', 'Results', 'Alert', 'Replace', 'Get', 'Exec', 'Atomic', 'Item', 'Data', 'CmdID', 'CmdRef', 'MsgRef'],
  ...['Meta', 'Source', 'Target', 'LocURI', 'SessionID', 'MsgID', 'Cred', 'Final', 'MoreData', 'SyncBody', 'SyncHdr'],
];

const REPORT = `<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta><Data>user</Data></Item></Alert><Replace><CmdID>4</CmdID>${[
  ['DevId', 'D1'],
  ['Man', 'Contoso'],
  ['Mod', 'Book'],
  ['DmV', '1.3'],
  ['Lang', 'en-US'],
]
  .map(([name, value]) => `<Item><Source><LocURI>./DevInfo/${name}</LocURI></Source><Data>${value}</Data></Item>`)
  .join('')}</Replace>`;

/** A PC that has enrolled, and a connection with its certificate. */
interface Caller {
  id: string;
  agent: Agent;
  sync(): Promise<unknown>;
}

async function caller(name: string): Promise<Caller> {
  const { device, id } = await lanyard().enrolledDevice({ name });
  await device.sync();
  const { key, cert } = await credentialsOf(lanyard().folder, name);
  const agent = new Agent({ keepAlive: true, ca: lanyard().local.tlsRoot, key, cert });
  return { id, agent, sync: () => device.sync() };
}

function post({ local }: TestLanyard, { agent }: Caller, body: string): Promise<RawReply> {
  const headers = { 'content-type': 'application/vnd.syncml.dm+xml' };
  return send(`${local.manageUrl}/ManagementServer/MDM.svc?mode=Maintenance&Platform=WoA`, { body, headers, agent });
}

/** The device's answer to a reply: a Status for each command of the server, and Results for each Get. */
function answerTo(reply: RawReply, sessionId: string): string {
  const message = readXml(reply.body);
  const of = (name: string) => select(message, `/s:SyncML/s:SyncBody/s:${name}`, SYNCML);
  let cmdId = 1;
  const status = (cmdRef: string, cmd: string, code: number) =>
    `<Status><CmdID>${cmdId++}</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdRef}</CmdRef><Cmd>${cmd}</Cmd><Data>${code}</Data></Status>`;
  const parts = [status('0', 'SyncHdr', 200)];
  for (const verb of ['Get', 'Replace', 'Exec']) {
    for (const command of of(verb)) {
      const cmdRef = textAt(command, 's:CmdID', SYNCML) ?? '';
      parts.push(status(cmdRef, verb, 200));
      const target = textAt(command, 's:Item/s:Target/s:LocURI', SYNCML) ?? '';
      if (verb !== 'Get') continue;
      parts.push(
        `<Results><CmdID>${cmdId++}</CmdID><MsgRef>1</MsgRef><CmdRef>${cmdRef}</CmdRef><Item><Source><LocURI>${target}</LocURI></Source><Data>10.0</Data></Item></Results>`,
      );
    }
  }
  return firstMessage({ sessionId, msgId: '2', body: parts.join('') });
}

function expectDefinite(reply: RawReply, sent: string): 'answered' | 'refused' {
  if (reply.status >= 400 && reply.status < 500) return 'refused';
  expect(reply.status, sent).toBe(200);
  const root = readXml(reply.body);
  const statuses = select(root, '/s:SyncML/s:SyncBody/s:Status', SYNCML);
  expect(textAt(statuses[0] ?? root, 's:Cmd', SYNCML), sent).toBe('SyncHdr');
  return 'answered';
}

/** What nothing that a device stammers may change. */
async function core({ id }: Caller): Promise<object> {
  const { state, name, user, certificates, providerId, join, unenroll } = await lanyard().get(`/api/devices/${id}`);
  return { state, name, user, certificates, providerId, join, unenroll };
}

test('a damaged management message gets a SyncML reply or a definite 4xx, and the record of the device is unharmed', {
  timeout: TIMEOUT_MS,
}, async () => {
  const tally = { answered: 0, refused: 0 };
  const kim = await caller('PC-KIM');
  const before = await core(kim);
  let session = 100;
  const property = fc.asyncProperty(fc.boolean(), damages(WORDS, NAMES), async (first, list) => {
    session += 1;
    const sessionId = session.toString(16);
    const opening = firstMessage({ sessionId, body: REPORT });
    let sent = opening;
    if (!first) {
      if (session % 20 === 1) {
        await lanyard().queue(kim.id, 'Get', './DevDetail/SwV');
        await lanyard().queue(kim.id, 'Replace', './Device/Vendor/MSFT/Policy/Config/Soak/Value', { data: '1' });
      }
      sent = answerTo(await post(lanyard(), kim, opening), sessionId);
    }
    sent = list.reduce(damaged, sent);
    const reply = await post(lanyard(), kim, sent);
    expect(reply.headers['content-length'], sent).toBe(String(Buffer.byteLength(reply.body)));
    tally[expectDefinite(reply, sent)] += 1;
    if (session % 100 === 0) expect(await core(kim), sent).toEqual(before);
  });
  await fc.assert(property, { numRuns: RUNS, seed: 20260302, endOnFailure: true });
  expect(await core(kim)).toEqual(before);
  expect(Math.min(tally.answered, tally.refused)).toBeGreaterThan(RUNS / 20);
  // Nothing is stuck behind what was stammered: a session in order ends every command that still waits.
  for (let tries = 0; tries < 3; tries += 1) await kim.sync();
  const { items } = await lanyard().get(`/api/devices/${kim.id}/commands?limit=1000`);
  expect(items.filter(({ state }: { state: string }) => state === 'waiting' || state === 'sent')).toEqual([]);
  kim.agent.destroy();
  tell('Damaged management messages', { sent: RUNS, ...tally });
});
