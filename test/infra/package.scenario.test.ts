import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Plugin } from 'esbuild';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { APPS, type AppName, buildApp } from '../../local/packages/build-apps.ts';
import { type AppPackage, packageApps } from '../../local/packages/package-apps.ts';
import { foreignCode, inputsOf } from '../../local/packages/package-contents.ts';
import { ROOT } from './bicep.ts';

let folder = '';
let packages: AppPackage[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lanyard-package-'));
  packages = await packageApps(join(folder, 'first'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('each package', () => {
  const content = async (app: AppName) =>
    unzipSync(await readFile(packages.find((each) => each.app === app)?.zip ?? ''));
  const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

  test.each(APPS)('%s: holds an entry, host.json, a package.json that names the entry, and licences', async (app) => {
    const files = await content(app);
    const { main, type, dependencies } = JSON.parse(text(files['package.json']));
    expect([main, type, dependencies]).toEqual([`${app}.app.js`, 'module', undefined]);
    expect(Object.keys(files)).toEqual(expect.arrayContaining([main, 'THIRD-PARTY-NOTICES.txt']));
    expect(text(files['host.json'])).toBe(await readFile(join(ROOT, 'host.json'), 'utf8'));
    expect(text(files['THIRD-PARTY-NOTICES.txt'])).toMatch(
      /@azure\/data-tables [\d.]+ \(MIT\)\n\n[\s\S]*?Permission is hereby granted/,
    );
  });

  test.each(APPS)('%s: needs nothing that is not in it, and brings no source map', async (app) => {
    const files = await content(app);
    expect(Object.keys(files).filter((name) => name.endsWith('.map') || name.includes('/'))).toEqual([]);
    const { builtinModules } = await import('node:module');
    for (const [name, bytes] of Object.entries(files).filter(([each]) => each.endsWith('.js'))) {
      const imported = text(bytes).matchAll(/(?:^|[;}])import(?:[\w*{][^"';]*from|)\s*["']([^"']+)["']/g);
      for (const [, from = ''] of imported) {
        const known = from.startsWith('./')
          ? from.slice(2) in files
          : builtinModules.includes(from.replace('node:', ''));
        expect(known, `${from} in ${name}`).toBe(true);
      }
      const required = [...text(bytes).matchAll(/\b__require\("([^"]+)"\)/g)].map(([, from = '']) => from);
      const absent = required.filter((from) => !builtinModules.includes(from.replace('node:', '')));
      // The host has the first; `debug` asks whether the second is there.
      expect(
        absent.filter((from) => !['@azure/functions-core', 'supports-color'].includes(from)),
        name,
      ).toEqual([]);
    }
  });

  test('comes with its source maps beside it', async () => {
    for (const { app, maps } of packages) {
      expect(Object.keys(unzipSync(await readFile(maps)))).toContain(`${app}.app.js.map`);
    }
  });

  test('tells azd that nothing is to be built in Azure, beside the zip and not in it', async () => {
    for (const { app, folder: made } of packages) {
      const ignored = await readFile(join(made, '.funcignore'), 'utf8');
      expect(ignored.split('\n').filter((line) => line && line !== '.funcignore')).toEqual([]);
      expect(Object.keys(await content(app))).not.toContain('.funcignore');
    }
  });

  test('is the same, byte for byte, when it is made again', async () => {
    const again = await packageApps(join(folder, 'second'));
    expect(again.map(({ hash }) => hash)).toEqual(packages.map(({ hash }) => hash));
  });
});

describe('foreign code', () => {
  /** Lets an app import one thing more. @returns what is said of its build */
  async function plant(app: AppName, module: string, plugins: Plugin[] = []): Promise<string[]> {
    const entry = join(folder, `${app}.app.ts`);
    const path = (name: string) => JSON.stringify(join(ROOT, name));
    await writeFile(
      entry,
      `import ${path(`functions/${app}.app.ts`)};\nimport * as planted from ${path(module)};\nconsole.log(planted);\n`,
    );
    return foreignCode(
      app,
      await buildApp(app, join(folder, 'planted'), { entryPoints: [entry], write: false, plugins }),
    );
  }

  test.each(APPS)('is not in the %s app', async (app) => {
    const metafile = await buildApp(app, join(folder, 'plain'), { write: false });
    expect(inputsOf(metafile)).toContain('functions/services.ts');
    expect(foreignCode(app, metafile)).toEqual([]);
  });

  test.each([
    ['manage', 'shared/certificates/certificate-builder.ts', /asn1js.* is in the manage app/],
    ['manage', 'functions/enrollment/enrollment.ts', /functions\/enrollment\/enrollment.ts is in the manage app/],
    ['enroll', 'functions/admin/devices.ts', /functions\/admin\/devices.ts is in the enroll app/],
    ['enroll', 'shared/certificates/key-vault.ts', /@azure\/keyvault-certificates.* is in the enroll app/],
    ['admin', 'functions/management/management.ts', /functions\/management\/management.ts is in the admin app/],
    ['manage', 'node_modules/@azure/keyvault-keys/dist/esm/index.js', /@azure\/keyvault-keys.* is in the manage app/],
    ['admin', 'node_modules/fflate/esm/index.mjs', /fflate\/esm\/index.mjs is in the admin app: .* development/],
  ] as const)('is noticed in the %s app when it imports %s', async (app, module, said) => {
    expect((await plant(app, module)).join('\n')).toMatch(said);
  });

  test.each(['enroll', 'manage'] as const)('of Microsoft Graph is noticed in the %s app', async (app) => {
    // A file that need not be there yet: what counts is where it would lie.
    const graph: Plugin = {
      name: 'graph',
      setup(build) {
        build.onResolve({ filter: /shared\/directory\/graph\.ts$/ }, ({ path }) => ({ path }));
        build.onLoad({ filter: /shared\/directory\/graph\.ts$/ }, () => ({ contents: 'export const graph = 1;' }));
      },
    };
    expect((await plant(app, 'shared/directory/graph.ts', [graph])).join('\n')).toMatch(
      /Microsoft Graph is for the admin app/,
    );
  });
});
