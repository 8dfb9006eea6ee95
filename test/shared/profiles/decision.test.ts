import { describe, expect, test } from 'vitest';
import { type Decision, decide, type Moment } from '../../../shared/profiles/decision.ts';
import { noteAborted, noteAnswered, noteSent } from '../../../shared/profiles/outcome.ts';
import { type Attempt, isOurs, type SettingState } from '../../../shared/profiles/setting-state.ts';
import type { Wanted } from '../../../shared/profiles/wanted.ts';
import { POLICY, setting } from '../../support/profiles.ts';

const NOW = new Date('2026-03-01T08:00:00.000Z');
const MOMENT: Moment = { now: NOW, session: 's2', userIsThere: false, osVersion: '10.0.1' };
const TARGET = POLICY('A');
const HASH = setting(TARGET, '1').hash;

const want = (more: Partial<Wanted> = {}): Wanted => ({ ...setting(TARGET, '1'), profiles: ['p'], ...more });
const attempt = (more: Partial<Attempt> = {}): Attempt => ({
  hash: HASH,
  verb: 'Replace',
  at: '2026-02-28T08:00:00.000Z',
  session: 's1',
  sends: 1,
  ...more,
});
const state = (more: Partial<SettingState> = {}): SettingState => ({ target: TARGET, ...more });

const SEND = { act: 'set', verb: 'Replace', hash: HASH };
const ADD = { ...SEND, verb: 'Add' };
const DELETE = { act: 'remove', verb: 'Delete', target: TARGET };
const rest = (verdict: string, waitsFor?: string) => ({ act: 'rest', verdict, ...(waitsFor && { waitsFor }) });
const later = new Date(NOW.getTime() + 60_000).toISOString();
const earlier = new Date(NOW.getTime() - 60_000).toISOString();
const OTHER = 'another';

type Case = [string, Wanted | undefined, SettingState | undefined, object, Partial<Moment>?];

const CASES: Case[] = [
  ['a setting that was never sent is sent', want(), undefined, SEND],
  ['one that is there is not sent again', want(), state({ set: HASH }), rest('done')],
  ['another value takes the place of the old one', want(), state({ set: OTHER }), SEND],
  [
    'what was sent in this session waits for its answer',
    want(),
    state({ attempt: attempt({ session: 's2' }) }),
    rest('sent', 'answer'),
  ],
  ['what was not answered in an earlier session is sent again', want(), state({ attempt: attempt() }), SEND],
  [
    'after five silent sessions it goes once a day',
    want(),
    state({ attempt: attempt({ unanswered: 5, at: earlier }) }),
    rest('failed', 'retry'),
  ],
  ['and does go then', want(), state({ attempt: attempt({ unanswered: 5 }) }), SEND],
  [
    'an unanswered write of another value makes the old one uncertain',
    want(),
    state({ set: HASH, attempt: attempt({ hash: OTHER }) }),
    SEND,
  ],
  ['so does one of long ago', want(), state({ set: HASH, unsure: true }), SEND],
  [
    'a failure is not tried again in its session',
    want(),
    state({ attempt: attempt({ session: 's2', status: 500, failures: 1 }) }),
    rest('failed', 'retry'),
  ],
  ['but in the next one', want(), state({ attempt: attempt({ status: 500, failures: 1 }) }), SEND],
  [
    'a later failure waits for its day',
    want(),
    state({ attempt: attempt({ status: 500, failures: 2, retryAt: later }) }),
    rest('failed', 'retry'),
  ],
  ['which comes', want(), state({ attempt: attempt({ status: 500, failures: 2, retryAt: earlier }) }), SEND],
  [
    'a new value does not wait for the failure of the old one',
    want(),
    state({ attempt: attempt({ hash: OTHER, status: 500, failures: 5, retryAt: later }) }),
    SEND,
  ],
  [
    'what the device does not know is not sent for ever',
    want(),
    state({ attempt: attempt({ status: 404, ended: 'notApplicable', osVersion: '10.0.1' }) }),
    rest('notApplicable'),
  ],
  [
    'another version of Windows may know it',
    want(),
    state({ attempt: attempt({ status: 404, ended: 'notApplicable', osVersion: '10.0.0' }) }),
    SEND,
  ],
  [
    'what broke three sessions is not sent any more',
    want(),
    state({ attempt: attempt({ aborts: 3, ended: 'rejected' }) }),
    rest('rejected'),
  ],
  [
    'the other verb goes at once',
    want(),
    state({ attempt: attempt({ session: 's2', verb: 'Add', status: 404, again: true }) }),
    ADD,
  ],
  [
    'three times in a session is enough',
    want(),
    state({ attempt: attempt({ session: 's2', sends: 3, status: 216, again: true, failures: 1 }) }),
    rest('failed', 'retry'),
  ],
  ['a conflict is not sent', want({ held: { because: 'conflict', reason: '' } }), undefined, rest('conflict')],
  [
    'and leaves what was set',
    want({ held: { because: 'conflict', reason: '' } }),
    state({ set: OTHER }),
    rest('conflict'),
  ],
  ['what needs an escrow is refused', want({ held: { because: 'refused', reason: '' } }), undefined, rest('refused')],
  [
    'and waits while the join is not known',
    want({ held: { because: 'join', reason: '' } }),
    undefined,
    rest('waiting', 'join'),
  ],
  [
    "the user's part waits for its user",
    want({ target: './User/Vendor/MSFT/Policy/Config/Test/A' }),
    undefined,
    rest('waiting', 'userSignIn'),
  ],
  ['who comes', want({ target: './User/Vendor/MSFT/Policy/Config/Test/A' }), undefined, SEND, { userIsThere: true }],
  ['what is not wanted any more is deleted', undefined, state({ set: HASH }), DELETE],
  ['also when nobody knows whether it arrived', undefined, state({ attempt: attempt() }), DELETE],
  ['or an earlier one did', undefined, state({ unsure: true, attempt: attempt({ status: 500 }) }), DELETE],
  [
    'what never arrived is forgotten',
    undefined,
    state({ attempt: attempt({ status: 500, failures: 3 }) }),
    { act: 'forget' },
  ],
  [
    'what the device does not let go stays',
    undefined,
    state({ set: HASH, attempt: attempt({ hash: undefined, verb: 'Delete', status: 405, ended: 'stays' }) }),
    rest('stays'),
  ],
  [
    'a Delete that was sent waits for its answer',
    undefined,
    state({ set: HASH, attempt: attempt({ hash: undefined, verb: 'Delete', session: 's2' }) }),
    rest('removing', 'answer'),
  ],
  [
    'what is wanted again while it is being deleted is sent again',
    want(),
    state({ set: HASH, attempt: attempt({ hash: undefined, verb: 'Delete' }) }),
    SEND,
  ],
  [
    'a node that Windows does not delete gets its default',
    undefined,
    { target: './Vendor/MSFT/Firewall/MdmStore/PublicProfile/EnableFirewall', set: HASH },
    { act: 'remove', verb: 'Replace', value: 'true', format: 'bool' },
  ],
  [
    'an account stays',
    undefined,
    { target: './Device/Vendor/MSFT/Accounts/Users/helper/Password', set: HASH },
    rest('stays'),
  ],
  [
    'a certificate goes with its thumbprint',
    undefined,
    { target: './Device/Vendor/MSFT/RootCATrustedCertificates/Root/AB/EncodedCertificate', set: HASH },
    { act: 'remove', verb: 'Delete', target: './Device/Vendor/MSFT/RootCATrustedCertificates/Root/AB' },
  ],
];

describe('of what should be, what we set and what the device said', () => {
  test.each(CASES)('%s', (_, wanted, known, expected, moment = {}) => {
    expect(decide(wanted, known, { ...MOMENT, ...moment })).toEqual(expected as Decision);
  });
});

const SENDING = { target: TARGET, hash: HASH, verb: 'Replace' as const, now: NOW, session: 's1' };

/** The state after a write that the device answered with these codes, a session each. */
function answered(...codes: number[]): SettingState | undefined {
  let known: SettingState | undefined;
  codes.forEach((status, index) => {
    const verb = known?.attempt?.verb === 'Add' ? 'Add' : 'Replace';
    // The other verb goes in the same session.
    const session = known?.attempt?.again ? known.attempt.session : `s${index}`;
    known = noteSent(known, { ...SENDING, verb, session });
    known = noteAnswered(known, { status, now: NOW, osVersion: '10.0.1' });
  });
  return known;
}

describe('an answer', () => {
  test.each([200, 207])('%i makes it ours', (code) => {
    expect(answered(code)).toEqual({ target: TARGET, set: HASH, setAt: NOW.toISOString() });
  });

  test('202 leaves open whether it is there, and it is ours to take away', () => {
    const state = answered(202);
    expect(state).toMatchObject({ attempt: { status: 202, accepted: true } });
    expect(state).not.toHaveProperty('set');
    expect(isOurs(state!)).toBe(true);
  });

  test('404 of Replace turns it into an Add, once', () => {
    expect(answered(404)?.attempt).toMatchObject({ verb: 'Add', again: true });
    expect(answered(404, 200)).toMatchObject({ set: HASH });
    expect(answered(404, 404)?.attempt).toMatchObject({ ended: 'notApplicable', osVersion: '10.0.1' });
    expect(answered(404, 418)?.attempt).toMatchObject({ failures: 1 });
    expect(answered(404, 418)?.attempt).not.toHaveProperty('ended');
  });

  test('406 says that there is no such thing', () => {
    expect(answered(406)?.attempt).toMatchObject({ status: 406, ended: 'notApplicable' });
  });

  test('500 is tried again with the next session, then after 1, 2, 4 and at last 7 days', () => {
    const days = [1, 2, 3, 4, 5, 6].map((count) => {
      const { retryAt } = answered(...Array<number>(count).fill(500))?.attempt ?? {};
      return retryAt ? (Date.parse(retryAt) - NOW.getTime()) / 86_400_000 : 0;
    });
    expect(days).toEqual([0, 1, 2, 4, 7, 7]);
  });

  test('keeps since when it fails', () => {
    const first = noteAnswered(noteSent(undefined, SENDING), { status: 500, now: NOW })!;
    const next = noteSent(first, { ...SENDING, session: 's2' });
    expect(noteAnswered(next, { status: 425, now: new Date(NOW.getTime() + 9e8) })?.attempt).toMatchObject({
      since: NOW.toISOString(),
      status: 425,
    });
  });

  test('of an Atomic that was taken back lets it go again at once', () => {
    expect(answered(216)?.attempt).toMatchObject({ again: true, failures: 1 });
  });

  test.each([200, 404])('%i of a Delete leaves nothing behind', (status) => {
    const sent = noteSent({ target: TARGET, set: HASH }, { ...SENDING, hash: undefined, verb: 'Delete' });
    expect(noteAnswered(sent, { status, now: NOW })).toBeUndefined();
  });

  test('to something that was answered already changes nothing', () => {
    const known = answered(500)!;
    expect(noteAnswered(known, { status: 200, now: NOW })).toBe(known);
  });

  test('that never comes after another write leaves it open whose value is there', () => {
    const open = noteSent({ target: TARGET, set: OTHER }, SENDING);
    expect(noteSent(open, { ...SENDING, hash: 'third' })).toMatchObject({ set: OTHER, unsure: true });
  });

  test('that never comes after a Delete leaves it open whether the value is there still, and it is sent when it is wanted again', () => {
    const gone = noteSent(
      { target: TARGET, set: HASH },
      { ...SENDING, hash: undefined, verb: 'Delete', session: 's0' },
    );
    const sent = noteSent(gone, { ...SENDING, hash: HASH, session: 's1' });
    const known = noteAnswered(sent, { status: 404, now: NOW });
    expect(decide(want(), known, { ...MOMENT, session: 's1' })).toMatchObject({ act: 'set', verb: 'Add' });
  });

  test('that is an abort of the session sets it aside after three', () => {
    let known = noteSent(undefined, SENDING);
    for (const session of ['s2', 's3']) known = noteSent(noteAborted(known, NOW), { ...SENDING, session });
    expect(known.attempt).not.toHaveProperty('ended');
    expect(noteAborted(known, NOW).attempt).toMatchObject({ aborts: 3, ended: 'rejected' });
  });
});
