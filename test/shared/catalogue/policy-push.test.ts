import { describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';

const NAME = 'Contoso.Wake_8wekyb3d8bbwe';
const SID = 'ms-app://s-1-15-2-2972962901-2322836549-3722629029-1345238579-3987825745-2155616079-650196962';

const read = (push: object) => policySchema.safeParse({ push });

describe('the settings for push', () => {
  test('are empty where nobody sets them', () => {
    expect(policySchema.parse({}).push).toEqual({ packageFamilyName: '', packageSid: '' });
  });

  test('are family name and SID of an app; what was said of the secret is not kept', () => {
    const push = { packageFamilyName: NAME, packageSid: SID };
    expect(read({ ...push, hasSecret: true }).data?.push).toEqual(push);
    expect(read({ ...push, packageSid: SID.toUpperCase().replace('MS-APP', 'ms-app') }).success).toBe(true);
  });

  test.each<[string, object, string]>([
    ['a name alone', { packageFamilyName: NAME }, 'packageSid'],
    ['a SID alone', { packageSid: SID }, 'packageSid'],
    ['a name without publisher', { packageFamilyName: 'Contoso.Wake', packageSid: SID }, 'packageFamilyName'],
    ['a full name', { packageFamilyName: `Contoso_1.0.0.0_x64__8wekyb3d8bbwe`, packageSid: SID }, 'packageFamilyName'],
    ['markup', { packageFamilyName: '<a>.Wake_8wekyb3d8bbwe', packageSid: SID }, 'packageFamilyName'],
    ['a SID without its scheme', { packageFamilyName: NAME, packageSid: SID.slice(9) }, 'packageSid'],
    ["a user's SID", { packageFamilyName: NAME, packageSid: 'ms-app://s-1-5-21-1-2-3-4-5-6-7' }, 'packageSid'],
    ['a secret', { packageFamilyName: NAME, packageSid: SID, secret: 'x' }, ''],
  ])('are refused with %s', (_, push, field) => {
    const { error } = read(push);
    expect(error?.issues[0]?.path.join('.')).toBe(field === '' ? 'push' : `push.${field}`);
  });
});
