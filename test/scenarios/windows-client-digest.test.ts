import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { md5Credential } from '../../local/device/digest.ts';
import { useLanyard } from '../support/lanyard.ts';
import { firstMessage, send } from '../support/wire.ts';

/** What a Windows client gets byte by byte where credentials stand in for client certificates. */
const lanyard = useLanyard({ deviceAuth: 'digest' });

const ADDRESS = 'https://localhost/ManagementServer/MDM.svc';
const PACKAGE_1 = '<Alert><CmdID>2</CmdID><Data>1201</Data></Alert>';
const ANSWERED =
  '<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><Data>200</Data></Status>';

interface Account {
  deviceId: string;
  name: string;
  secret: string;
  nonce: string;
}

let devices = 0;
async function enrolled(): Promise<Account> {
  devices += 1;
  const folder = join(lanyard().folder, `digest-${devices}`);
  const { device } = await lanyard().enrolledDevice({ folder });
  const { enrollment } = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8'));
  return { deviceId: device.machine.deviceId, ...enrollment.appsrv };
}

/** One message, with a credential made from `nonce` if there is one. */
async function say(account: Account, msgId: number, body: string, nonce?: string): Promise<string> {
  const plain = firstMessage({ source: account.deviceId, msgId: String(msgId), body });
  const meta =
    '<Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta>';
  const credential = (made: string) =>
    `<LocName>${account.name}</LocName></Source><Cred>${meta}<Data>${made}</Data></Cred></SyncHdr>`;
  const signed =
    nonce === undefined
      ? plain
      : plain.replace('</Source></SyncHdr>', credential(md5Credential(account.name, account.secret, nonce)));
  const { manageUrl, tlsRoot } = lanyard().local;
  const headers = { 'content-type': 'application/vnd.syncml.dm+xml' };
  const reply = await send(`${manageUrl}/ManagementServer/MDM.svc`, { ca: tlsRoot, headers, body: signed });
  expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/vnd.syncml.dm+xml']);
  return reply.body;
}

const nonceOf = (reply: string) => /<NextNonce[^>]*>([^<]*)</.exec(reply)?.[1] ?? '';

/** A whole message that says nothing but the Status of the header. */
const only = ({ deviceId }: Account, msgId: number, code: number, chal: string, final: string) =>
  `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>1</SessionID><MsgID>${msgId}</MsgID><Target><LocURI>${deviceId}</LocURI></Target><Source><LocURI>${ADDRESS}</LocURI></Source></SyncHdr><SyncBody><Status><CmdID>1</CmdID><MsgRef>${msgId}</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd><TargetRef>${ADDRESS}</TargetRef><SourceRef>${deviceId}</SourceRef>${chal}<Data>${code}</Data></Status>${final}</SyncBody></SyncML>`;

const challenge = (nonce: string) =>
  `<Chal><Meta><Type xmlns="syncml:metinf">syncml:auth-md5</Type><Format xmlns="syncml:metinf">b64</Format><NextNonce xmlns="syncml:metinf">${nonce}</NextNonce></Meta></Chal>`;

test('a package 1 without a credential gets 407 with a nonce of 16 bytes, and neither commands nor Final', async () => {
  const account = await enrolled();
  const reply = await say(account, 1, PACKAGE_1);
  expect(reply).toBe(only(account, 1, 407, challenge(nonceOf(reply)), ''));
  expect(Buffer.from(nonceOf(reply), 'base64')).toHaveLength(16);
});

test('a credential of the provisioned nonce gets 401 with a nonce that then opens the session', async () => {
  const account = await enrolled();
  const refused = await say(account, 1, PACKAGE_1, account.nonce);
  const nonce = nonceOf(refused);
  expect(nonce).not.toBe(account.nonce);
  expect(refused).toBe(only(account, 1, 401, challenge(nonce), ''));
  const opened = await say(account, 2, ANSWERED + PACKAGE_1, nonce);
  // 200 keeps the credential coming with every message; 212 would end that, and a nonce with it would begin anew.
  expect(opened).toContain('<Cmd>SyncHdr</Cmd>');
  expect(opened).toContain(`<SourceRef>${account.deviceId}</SourceRef><Data>200</Data></Status><Status>`);
  expect(opened).not.toContain('<Chal>');
  expect(opened).toMatch(/<Get><CmdID>3<\/CmdID>/);
});

test('the nonce that opened a session is good for all of its messages, and one without a credential is challenged', async () => {
  const account = await enrolled();
  const nonce = nonceOf(await say(account, 1, PACKAGE_1));
  await say(account, 2, ANSWERED + PACKAGE_1, nonce);
  lanyard().pass({ minutes: 20 });
  const later = ANSWERED.replace('<MsgRef>1<', '<MsgRef>2<');
  expect(await say(account, 3, later, nonce)).toBe(only(account, 3, 200, '', '<Final/>'));
  const bare = await say(account, 4, later);
  expect(bare).toBe(only(account, 4, 407, challenge(nonceOf(bare)), ''));
});
