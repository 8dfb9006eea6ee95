import { describe, expect, test } from 'vitest';
import { policySchema } from '../../../shared/catalogue/policy.ts';

const TENANT = '6D8769E6-0F8B-418D-B385-1A53968781C9';
const CLIENT = '0c4bcf60-6e8c-4d0a-a7b5-2f4fd5a6f7b1';
const read = (signIn: object) => policySchema.safeParse({ signIn });

describe('the settings of the sign-in page', () => {
  test('take a tenant and an application, in any letter case', () => {
    expect(read({ entra: { tenantId: ` ${TENANT} `, clientId: CLIENT } }).data?.signIn).toEqual({
      colour: '#1f5fa8',
      entra: { tenantId: TENANT.toLowerCase(), clientId: CLIENT },
    });
    expect(read({}).data?.signIn.entra).toEqual({ tenantId: '', clientId: '' });
  });

  test.each([
    ['a tenant alone', { entra: { tenantId: TENANT } }, 'signIn.entra', /or neither/],
    ['an application alone', { entra: { clientId: CLIENT } }, 'signIn.entra', /or neither/],
    ['a tenant by its name', { entra: { tenantId: 'contoso.com', clientId: CLIENT } }, 'signIn.entra.tenantId', /GUID/],
    ['a tenant that is a path', { entra: { tenantId: '../x', clientId: CLIENT } }, 'signIn.entra.tenantId', /GUID/],
    ['a colour by its name', { colour: 'red' }, 'signIn.colour', /#1f5fa8/],
    ['a colour that is a style', { colour: '#fff000;}*{x' }, 'signIn.colour', /#1f5fa8/],
    ['what is not known', { secret: 'x' }, 'signIn', /unrecognized/i],
  ])('do not take %s', (_, signIn, field, words) => {
    const [issue] = read(signIn).error?.issues ?? [];
    expect(issue?.path.join('.')).toBe(field);
    expect(issue?.message).toMatch(words);
  });
});
