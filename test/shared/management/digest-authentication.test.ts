import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { openCatalogue } from '../../../shared/catalogue/catalogue.ts';
import { DEVICE_ROW, type Device, SESSION_ROW } from '../../../shared/devices/device.ts';
import { answerMessage, MAX_UNPROVEN_BYTES } from '../../../shared/management/answer-message.ts';
import { challengeNonce, challengeReply, verifyDigest } from '../../../shared/management/digest-authentication.ts';
import type { Session } from '../../../shared/management/session.ts';
import { setClock } from '../../../shared/platform/clock.ts';
import { digestCredential, hashedCredential } from '../../../shared/wire/digest.ts';
import { readSyncML, type SyncHdr } from '../../../shared/wire/syncml.ts';
import { MemoryLog } from '../../support/memory-log.ts';
import { MemoryStorage } from '../../support/memory-storage.ts';
import { enrolledDevice } from '../../support/partition.ts';

const KEY = Buffer.alloc(32, 1);
const NOW = new Date('2026-03-01T12:00:30.000Z');
const { id: ID } = enrolledDevice();
const STORED = hashedCredential(ID, 'secret');
const later = (seconds: number) => new Date(NOW.getTime() + seconds * 1_000);

interface Parts {
  /** Further content of the body. */
  more?: string;
  sessionId?: string;
  msgId?: number;
  nonce?: string;
  hash?: string;
  type?: string;
  locName?: string;
  source?: string;
}

function bytes(parts: Parts): Buffer {
  const { sessionId = '1', msgId = 1, nonce, hash = STORED, type, locName = ID, source = 'D1', more = '' } = parts;
  const data = nonce === undefined ? '' : digestCredential(hash, Buffer.from(nonce, 'base64'));
  const cred = `<Cred><Meta><Format xmlns="syncml:metinf">b64</Format><Type xmlns="syncml:metinf">${type ?? 'syncml:auth-md5'}</Type></Meta><Data>${data}</Data></Cred>`;
  const name = nonce === undefined ? '' : `<LocName>${locName}</LocName>`;
  return Buffer.from(
    `<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>${sessionId}</SessionID><MsgID>${msgId}</MsgID><Target><LocURI>https://manage.example.org</LocURI></Target><Source><LocURI>${source}</LocURI>${name}</Source>${nonce === undefined ? '' : cred}</SyncHdr><SyncBody><Alert><CmdID>2</CmdID><Data>1201</Data></Alert>${more}<Final/></SyncBody></SyncML>`,
  );
}

const header = (parts: Parts): SyncHdr => readSyncML(bytes(parts)).header;
const nonceFor = (parts: Parts, now = NOW) => challengeNonce(KEY, header(parts), now);

function verdict(parts: Parts, options: { stored?: string; session?: Partial<Session>; now?: Date } = {}) {
  const { stored = STORED, session, now = NOW } = options;
  return verifyDigest(KEY, header(parts), stored, session as Session | undefined, now);
}

describe('a message', () => {
  test('without a credential is challenged with 407', () => {
    expect(verdict({})).toEqual({ kind: 'challenge', code: 407 });
  });

  test('with the digest of the challenge opens a session', () => {
    const nonce = nonceFor({});
    expect(verdict({ nonce })).toEqual({ kind: 'opens', nonce });
  });

  test.each([
    ['of another secret', { hash: hashedCredential(ID, 'other') }],
    ['of another type', { type: 'syncml:auth-basic' }],
    ['of no type', { type: '' }],
  ])('with a credential %s is challenged with 401', (_, parts) => {
    expect(verdict({ nonce: nonceFor({}), ...parts })).toEqual({ kind: 'challenge', code: 401 });
  });

  test.each([
    ['the provisioned nonce', randomBytes(16).toString('base64')],
    ['no nonce', ''],
    ['the nonce of another session', nonceFor({ sessionId: '2' })],
    ['the nonce of another device', nonceFor({ source: 'D2' })],
    ['the nonce of another deployment', challengeNonce(Buffer.alloc(32, 2), header({}), NOW)],
  ])('with %s is challenged with 401', (_, nonce) => {
    expect(verdict({ nonce })).toEqual({ kind: 'challenge', code: 401 });
  });

  test('of an unknown enrollment gets the answer of a wrong credential, even for the digest of nothing', () => {
    const verify = (hash: string) =>
      verifyDigest(KEY, header({ nonce: nonceFor({}), hash }), undefined, undefined, NOW);
    expect(verify(STORED)).toEqual({ kind: 'challenge', code: 401 });
    expect(verify('')).toEqual({ kind: 'challenge', code: 401 });
  });
});

describe('a nonce', () => {
  test.each([
    [0, 'opens'],
    [9 * 60, 'opens'],
    [10 * 60, 'opens'],
    [11 * 60, 'challenge'],
    [3_600, 'challenge'],
    [-120, 'challenge'],
  ])('%i seconds after the challenge: %s', (seconds, kind) => {
    expect(verdict({ nonce: nonceFor({}) }, { now: later(seconds) }).kind).toBe(kind);
  });

  test('of the running session continues it, however long ago it was given', () => {
    const session = { sessionId: '1', nonce: nonceFor({}) };
    expect(verdict({ nonce: session.nonce, msgId: 2 }, { session, now: later(7_200) })).toEqual({ kind: 'continues' });
  });

  test('of the running session does not open another', () => {
    const nonce = nonceFor({});
    expect(verdict({ nonce, sessionId: '2' }, { session: { sessionId: '1', nonce } }).kind).toBe('challenge');
    // Not even one of the same name: it goes on, and the engine sees a message that it has had.
    expect(verdict({ nonce }, { session: { sessionId: '1', nonce } }).kind).toBe('continues');
  });

  test('differs between sessions, devices and minutes, and has 16 bytes', () => {
    const nonces = [nonceFor({}), nonceFor({ sessionId: '2' }), nonceFor({ source: 'D2' }), nonceFor({}, later(60))];
    expect(new Set(nonces).size).toBe(4);
    expect(Buffer.from(nonces[0]!, 'base64')).toHaveLength(16);
  });
});

test.each([401, 407] as const)('a challenge with %i is one Status with the next nonce, and no Final', (code) => {
  const reply = challengeReply(KEY, header({}), code, NOW).toString();
  expect(reply.match(/<Status>/g)).toHaveLength(1);
  expect(reply).toContain(`<Data>${code}</Data>`);
  expect(reply).toContain(`>${nonceFor({})}</NextNonce>`);
  expect(reply).toContain('>syncml:auth-md5</Type>');
  expect(reply).not.toContain('<Final');
});

describe('a server that authenticates by digest', () => {
  async function server(change: Partial<Device> = {}) {
    const storage = new MemoryStorage();
    const value = enrolledDevice({ digestCredential: STORED, ...change });
    await storage.table('devices').write(ID, [{ kind: 'insert', rowKey: DEVICE_ROW, value }]);
    const services = {
      storage,
      catalogue: openCatalogue(storage),
      deviceAuth: 'digest' as const,
      clientCert: 'none' as const,
      appKey: async () => KEY,
      log: new MemoryLog(),
    };
    let now = NOW;
    return {
      storage,
      at: (date: Date) => {
        now = date;
      },
      async answer(parts: Parts) {
        setClock(() => now);
        try {
          const { status, body } = await answerMessage(services, { body: bytes(parts), certificateHeader: null });
          const text = body.toString();
          return { status, code: /<Cmd>SyncHdr<\/Cmd>.*?<Data>(\d+)</.exec(text)?.[1], text };
        } finally {
          setClock(undefined);
        }
      },
      session: async () => (await storage.table('devices').get<Session>(ID, SESSION_ROW))?.value,
    };
  }

  test('challenges, opens, and says nothing of nonces from then on', async () => {
    const { answer, session } = await server();
    expect(await answer({})).toMatchObject({ status: 200, code: '407' });
    expect(await session()).toBeUndefined();
    const nonce = nonceFor({});
    const opened = await answer({ nonce });
    expect(opened).toMatchObject({ status: 200, code: '200', text: expect.not.stringContaining('NextNonce') });
    expect((await session())?.nonce).toBe(nonce);
    expect(await answer({ nonce, msgId: 2 })).toMatchObject({ code: '200' });
    expect(await answer({ msgId: 3 })).toMatchObject({ code: '407' });
    expect(await answer({ nonce: nonceFor({ sessionId: '9' }), msgId: 3 })).toMatchObject({ code: '401' });
    expect((await session())?.lastMsgId).toBe(2);
  });

  test('answers an opening message that comes again as before, and opens nothing', async () => {
    const { answer, session } = await server();
    const nonce = nonceFor({});
    const first = await answer({ nonce });
    const before = await session();
    expect((await answer({ nonce })).text).toBe(first.text);
    expect(await session()).toEqual(before);
  });

  test('does not let the opening message of an earlier session open it a second time', async () => {
    const { answer, session, storage } = await server();
    const first = nonceFor({});
    await answer({ nonce: first });
    await answer({ nonce: nonceFor({ sessionId: '2' }), sessionId: '2' });
    await answer({ nonce: nonceFor({ sessionId: '3' }), sessionId: '3' });
    const before = storage.table('devices').rows(ID);
    expect(await answer({ nonce: first })).toMatchObject({ code: '401' });
    expect(storage.table('devices').rows(ID)).toEqual(before);
    expect((await session())?.sessionId).toBe('3');
  });

  test('forgets the nonces of earlier sessions when they are no longer good', async () => {
    const { answer, at, session } = await server();
    for (let n = 1; n <= 30; n += 1) {
      at(later(n * 120));
      const sessionId = String(n);
      expect(await answer({ sessionId, nonce: nonceFor({ sessionId }, later(n * 120)) })).toMatchObject({
        code: '200',
      });
    }
    expect(JSON.stringify((await session())?.spentNonces).length).toBeLessThan(1_000);
  });

  test('answers an unknown enrollment like a wrong credential, and a name that is none too', async () => {
    const { answer } = await server();
    const nonce = nonceFor({});
    const wrong = await answer({ nonce, hash: 'x' });
    expect(wrong).toMatchObject({ status: 200, code: '401' });
    for (const locName of ['00000000-0000-4000-8000-000000000000', 'kim', '../x', '']) {
      expect((await answer({ nonce, locName })).text).toBe(wrong.text);
    }
  });

  test('takes the enrollment id in any case', async () => {
    const { answer } = await server();
    expect(await answer({ nonce: nonceFor({}), locName: ID.toUpperCase() })).toMatchObject({ code: '200' });
  });

  test('refuses a blocked device that proves who it is, and challenges one that does not', async () => {
    const { answer } = await server({ state: 'blocked' });
    expect(await answer({ nonce: nonceFor({}) })).toMatchObject({ status: 403, text: '' });
    expect(await answer({ nonce: nonceFor({}), hash: 'x' })).toMatchObject({ status: 200, code: '401' });
  });

  test('opens nothing for an enrollment without a stored credential', async () => {
    const { answer } = await server({ digestCredential: undefined });
    expect(await answer({ nonce: nonceFor({}), hash: '' })).toMatchObject({ code: '401' });
  });

  test('stores nothing for a caller who has proved nothing', async () => {
    const { answer, storage } = await server();
    const before = storage.calls.length;
    await answer({});
    await answer({ nonce: nonceFor({}), hash: 'x' });
    expect(storage.calls.slice(before).filter(({ operation }) => operation === 'write')).toEqual([]);
  });

  const ALERT = '<Alert><CmdID>7</CmdID><Data>1</Data></Alert>';
  const LARGE = ALERT.repeat(Math.ceil(MAX_UNPROVEN_BYTES / ALERT.length));

  test.each([
    ['without a credential', () => ({}), '407'],
    ['with a wrong one', () => ({ nonce: nonceFor({}), hash: hashedCredential(ID, 'other') }), '401'],
    ['of nobody', () => ({ nonce: nonceFor({}), locName: 'nobody' }), '401'],
  ])('challenges a large message %s by its header and reads nothing of its body', async (_, parts, code) => {
    const { answer } = await server();
    expect(await answer({ ...parts(), more: `${LARGE}<not xml` })).toMatchObject({ status: 200, code });
    // A small one costs little and is read, so that what is wrong with it is said.
    expect(await answer({ ...parts(), more: '<not xml' })).toMatchObject({ status: 400 });
  });

  test('reads a large message whole when its header has proved who sent it', async () => {
    const { answer, session } = await server();
    const nonce = nonceFor({});
    expect(await answer({ nonce, more: LARGE })).toMatchObject({ status: 200, code: '200' });
    expect((await session())?.lastMsgId).toBe(1);
    expect(await answer({ nonce, msgId: 2, more: `${LARGE}<not xml` })).toMatchObject({ status: 400 });
  });
});
