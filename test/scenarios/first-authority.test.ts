import { expect, test } from 'vitest';
import { useLanyard } from '../support/lanyard.ts';
import { useVault } from '../vault/use-vault.ts';
import type { Right } from '../vault/vault.ts';

/**
 * A deployment after which nobody calls the admin API: a timer of the admin app makes the certificate authority, with the
 * rights of that app, which are not known everywhere at first.
 */
const RIGHTS: Right[] = ['certificates/get', 'certificates/list', 'certificates/create', 'certificates/update'];
const SIGNING: Right[] = ['keys/get', 'keys/list', 'keys/sign'];
const identities: Record<string, Right[]> = { '': [] };
const vault = useVault({ identities });

const lanyard = useLanyard({
  firstAuthority: 'timer',
  get certificateAuthority() {
    return vault().url;
  },
});

const run = (timer: string) => lanyard().local.host.fireTimer(timer);
const state = () => lanyard().get('/api/certificate-authority');
const logged = (text: string) => lanyard().logs.filter((line) => line.includes(text));

test('while the rights are not known yet, nothing is made and the run does not fail; a night without an authority is told', async () => {
  await run('first-certificate-authority');
  expect(await state()).toEqual({ issuers: [], due: [] });
  expect(logged('could not be made; the next try is in ten minutes').join()).toMatch(/takes some minutes/);
  await run('certificate-authority-due');
  expect(logged('There is no certificate authority')).toHaveLength(1);
  expect(logged('There is no certificate authority')[0]).toContain('"event":"certificate-authority-due"');
});

test('a request for the own root that nobody answers is told after a day, since nobody can enroll, and until it is given up', async () => {
  identities[''] = [...RIGHTS, ...SIGNING];
  const authority = (method: 'POST' | 'DELETE', path: string, body?: unknown) =>
    lanyard().admin.call(method, `/api/certificate-authority${path}`, body, {
      'x-functions-key': lanyard().local.masterKey,
    });
  const told = () => logged('A signing request waits for your own root').map((line) => line.slice(line.indexOf('{')));
  await authority('POST', '', { root: 'own' });
  const { awaitingOwnRoot } = await state();
  lanyard().pass({ hours: 23 });
  await run('certificate-authority-due');
  expect(told()).toEqual([]);
  lanyard().pass({ hours: 2 });
  await run('certificate-authority-due');
  expect(told().map((facts) => JSON.parse(facts))).toEqual([
    {
      event: 'certificate-authority-due',
      awaitingOwnRoot,
      daysWaiting: 1,
      todo: expect.stringMatching(/^Nobody can enroll until .* authority install".* --give-up/),
    },
  ]);
  await authority('DELETE', '/signing-request');
  await run('certificate-authority-due');
  expect(told()).toHaveLength(1);
  expect(logged('There is no certificate authority')).toHaveLength(2);
});

test('with the rights one authority is made, by however many runs at once, and PCs enroll', async () => {
  await Promise.all([1, 2, 3].map(() => run('first-certificate-authority')));
  const { issuing, issuers } = await state();
  expect(issuers).toHaveLength(1);
  expect(logged(`Made the certificate authority {"issuing":"${issuing.thumbprint}"}`).length).toBeGreaterThan(0);
  const { items } = await lanyard().get('/api/audit');
  expect(items).toContainEqual(
    expect.objectContaining({ actor: 'Lanyard, by timer', act: 'publish CA', subject: issuing.thumbprint }),
  );
  const { device } = await lanyard().enrolledDevice();
  expect((await device.sync()).remarks).toEqual([]);
});

test('from then on a run changes nothing and asks the vault for nothing', async () => {
  const before = { state: await state(), calls: vault().calls.length, audit: await lanyard().get('/api/audit') };
  await run('first-certificate-authority');
  await run('certificate-authority-due');
  expect({ state: await state(), calls: vault().calls.length, audit: await lanyard().get('/api/audit') }).toEqual(
    before,
  );
  expect(logged('There is no certificate authority')).toHaveLength(2);
});

test('the call that a command line makes finds it, too', async () => {
  const { issuing } = await state();
  const headers = { 'x-functions-key': lanyard().local.masterKey };
  const found = await lanyard().post('/api/certificate-authority', {}, headers);
  expect(found.issuing).toEqual(issuing);
  expect(found.issuers).toHaveLength(1);
});
