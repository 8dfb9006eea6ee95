import { describe, expect, test } from 'vitest';
import { readProvisioningPackage } from '../../../../local/device/provisioning-package.ts';
import { provisioningPackage } from '../../../../shared/enrollment/invitations/provisioning-package.ts';

const PARTS = {
  invitationId: 'm8x2k1abc123',
  user: 'bulk@example.org',
  secret: 'QCNG-QFW3-918B-J754',
  enrollUrl: 'https://enroll.example.org',
};

describe('the source of a provisioning package', () => {
  test.each(['bulk@example.org', "o'neil&co@example.org", '"<x>"@müller.example'])(
    'tells a PC to enroll as %s, with the address of discovery and the secret',
    (user) => {
      expect(readProvisioningPackage(provisioningPackage({ ...PARTS, user }))).toEqual({
        user,
        server: 'https://enroll.example.org/EnrollmentServer/Discovery.svc',
        secret: PARTS.secret,
      });
    },
  );

  test('is the same for the same invitation, and another for another', () => {
    const idOf = (invitationId: string) => /<ID>(.*)<\/ID>/.exec(provisioningPackage({ ...PARTS, invitationId }))?.[1];
    expect(idOf('a')).toBe(idOf('a'));
    expect(idOf('a')).not.toBe(idOf('b'));
    expect(idOf('a')).toMatch(/^\{[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\}$/);
  });
});

test.each<[string, (text: string) => string]>([
  ['is no XML', () => 'UPN=bulk@example.org'],
  ['is another document', () => '<unattend/>'],
  ['has its settings in another namespace', (text) => text.replace('windows-provisioning', 'unattend')],
  ['has an ID without braces', (text) => text.replace(/<ID>\{(.*)\}/, '<ID>$1')],
  ['has no enrollment', (text) => text.replace(/<UPN[\s\S]*<\/UPN>/, '')],
  ['has two', (text) => text.replace(/<UPN[\s\S]*<\/UPN>/, '$&$&')],
  ['wants a certificate', (text) => text.replace('OnPremise', 'Certificate')],
  ['has no secret', (text) => text.replace(/<Secret>.*<\/Secret>/, '')],
  ['names two users', (text) => text.replace('Name="bulk', 'Name="other')],
])('a PC does nothing with a package that %s', (_, damage) => {
  const text = provisioningPackage(PARTS);
  expect(damage(text)).not.toBe(text);
  expect(() => readProvisioningPackage(damage(text))).toThrow(expect.objectContaining({ hresult: '0x80070057' }));
});
