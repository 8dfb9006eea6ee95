import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TermsOfUse } from '../../../../shared/catalogue/policy-terms-of-use.ts';
import { writeEnrollmentToken } from '../../../../shared/enrollment/authentication/enrollment-token.ts';
import { readTermsForm, writeTermsForm } from '../../../../shared/enrollment/terms-of-use/terms-form.ts';
import { checkAcceptance, writeOpaqueBlob } from '../../../../shared/enrollment/terms-of-use/terms-of-use.ts';
import { setClock } from '../../../../shared/platform/clock.ts';

const KEY = randomBytes(32);
const NOW = new Date('2026-03-01T12:00:00.000Z');
const hoursLater = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);
const KIM = { user: 'kim@example.org', tenantId: 'tenant-1', objectId: 'object-1' };
const TERMS: TermsOfUse = { version: '2', text: 'Be kind.', required: true };

beforeEach(() => setClock(() => NOW));
afterEach(() => setClock(undefined));

function check(blob: string | undefined, terms: Partial<TermsOfUse> = {}, entraUser: typeof KIM = KIM) {
  return checkAcceptance({ appKey: async () => KEY, terms: { ...TERMS, ...terms }, blob, entraUser }).catch(
    (error) => error.refusal ?? error,
  );
}

describe('the proof of acceptance', () => {
  test('tells which version the user accepted, and when', async () => {
    const blob = await writeOpaqueBlob(KEY, KIM, '2', NOW);
    expect(await check(blob)).toEqual({ version: '2', acceptedAt: NOW.toISOString() });
  });

  test('has characters only that every carrier leaves alone', async () => {
    expect(await writeOpaqueBlob(KEY, KIM, '2 & more', NOW)).toMatch(/^[A-Za-z0-9._-]{100,600}$/);
  });

  test('stays good when the name of the user changes', async () => {
    const blob = await writeOpaqueBlob(KEY, KIM, '2', NOW);
    expect(await check(blob, {}, { ...KIM, user: 'kim.new@example.org' })).toMatchObject({ version: '2' });
  });

  test.each([
    ['missing', async () => undefined],
    ['empty', async () => ''],
    ['something else', async () => 'eyJhbGciOiJub25lIn0.e30.'],
    ["another server's", () => writeOpaqueBlob(randomBytes(32), KIM, '2', NOW)],
    ["another user's", () => writeOpaqueBlob(KEY, { ...KIM, objectId: 'object-2' }, '2', NOW)],
    ["another tenant's", () => writeOpaqueBlob(KEY, { ...KIM, tenantId: 'tenant-2' }, '2', NOW)],
    ['of another version', () => writeOpaqueBlob(KEY, KIM, '1', NOW)],
    ['older than a day', () => writeOpaqueBlob(KEY, KIM, '2', hoursLater(-25))],
    [
      'a form of the page',
      () => writeTermsForm(KEY, { entraUser: KIM, version: '2', redirectUri: 'ms-appx-web://x' }, NOW),
    ],
    ['a token of the sign-in page', () => writeEnrollmentToken(KEY, { sub: KIM.user }, NOW)],
    [
      'changed by a letter',
      async () => {
        const blob = await writeOpaqueBlob(KEY, KIM, '2', NOW);
        return blob.slice(0, -3) + (blob.at(-3) === 'A' ? 'B' : 'A') + blob.slice(-2);
      },
    ],
  ])('that is %s admits nobody where the terms are required', async (_, blob) => {
    expect(await check(await blob())).toBe('termsNotAccepted');
  });

  test.each([
    ['missing', async () => undefined],
    ["another user's", () => writeOpaqueBlob(KEY, { ...KIM, objectId: 'object-2' }, '2', NOW)],
    ['something else', async () => 'PROVISIONING-PACKAGE-DATA'],
  ])('that is %s counts as none where they are not required', async (_, blob) => {
    expect(await check(await blob(), { required: false })).toBeUndefined();
  });

  test('of an older version is noted where they are not required', async () => {
    const blob = await writeOpaqueBlob(KEY, KIM, '1', NOW);
    expect(await check(blob, { required: false })).toMatchObject({ version: '1' });
  });

  test('is not looked at where there are no terms', async () => {
    expect(await check('anything', { text: '' })).toBeUndefined();
  });
});

describe('the form of the page', () => {
  const form = { entraUser: KIM, version: '2', redirectUri: 'ms-appx-web://windows/reply' };

  test('brings back who read what, for half an hour', async () => {
    const token = await writeTermsForm(KEY, form, NOW);
    expect(await readTermsForm(KEY, token, hoursLater(0.49))).toEqual(form);
    expect(await readTermsForm(KEY, token, hoursLater(0.51))).toBeUndefined();
  });

  test('is none of another kind', async () => {
    expect(await readTermsForm(KEY, await writeOpaqueBlob(KEY, KIM, '2', NOW), NOW)).toBeUndefined();
    expect(await readTermsForm(randomBytes(32), await writeTermsForm(KEY, form, NOW), NOW)).toBeUndefined();
    expect(await readTermsForm(KEY, '', NOW)).toBeUndefined();
  });
});
