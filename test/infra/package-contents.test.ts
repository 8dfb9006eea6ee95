import type { Metafile } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { APPS } from '../../local/packages/build-apps.ts';
import { foreignCode } from '../../local/packages/package-contents.ts';

/** What esbuild would say of a build that holds these files; a number is the bytes of it that were kept. */
function built(files: Record<string, number>): Metafile {
  const inputs = Object.fromEntries(Object.entries(files).map(([path, bytesInOutput]) => [path, { bytesInOutput }]));
  return { inputs: {}, outputs: { 'x.js': { bytes: 1, inputs, imports: [], exports: [] } } };
}

describe('code that is refused', () => {
  test.each([
    ['enroll', 'shared/directory/graph.ts'],
    ['manage', 'shared/directory/graph.ts'],
    ['enroll', 'shared/decommission/plan.ts'],
    ['enroll', 'functions/admin/devices.ts'],
    ['enroll', 'functions/timers/retention.ts'],
    ['enroll', 'functions/management/management.ts'],
    ['manage', 'functions/enrollment/enrollment.ts'],
    ['manage', 'functions/certificate-authority-service.ts'],
    ['manage', 'node_modules/@azure/keyvault-keys/dist/index.js'],
    ['manage', 'node_modules/@azure/keyvault-certificates/dist/index.js'],
    ['manage', 'node_modules/@peculiar/asn1-x509/build/index.js'],
    ['manage', 'node_modules/some/node_modules/asn1js/build/index.js'],
    ['manage', 'node_modules/node-forge/lib/index.js'],
    ['manage', 'shared/certificates/key-vault-signer.ts'],
    ['manage', 'shared/certificates/leaf.ts'],
    ['admin', 'functions/enrollment/enrollment.ts'],
    ['admin', 'local/azurite.ts'],
    ['manage', 'test/support/lanyard.ts'],
  ] as const)('in the %s app: %s', (app, path) => {
    expect(foreignCode(app, built({ [path]: 1 }))).toEqual([expect.stringContaining(`${path} is in the ${app} app: `)]);
  });

  test.each(APPS)('in the %s app: a package that is there for development alone', (app) => {
    const planted = ['node_modules/vitest/dist/index.js', '../elsewhere/node_modules/has-flag/index.js'];
    for (const path of planted) {
      expect(foreignCode(app, built({ [path]: 1 }))).toEqual([
        `${path} is in the ${app} app: package-lock.json has its package for development alone`,
      ]);
    }
  });

  test('counts only when something of it is in the package', () => {
    expect(foreignCode('manage', built({ 'node_modules/asn1js/build/index.js': 0 }))).toEqual([]);
  });
});

test.each(APPS)('what the %s app needs is not refused', (app) => {
  const files = { [`functions/${app}.app.ts`]: 1, 'shared/storage/tables.ts': 1, 'node_modules/zod/index.js': 1 };
  expect(foreignCode(app, built(files))).toEqual([]);
});
