import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Zippable, zipSync } from 'fflate';
import { APPS, type AppName, buildApp } from './build-apps.ts';
import { foreignCode, packagesOf } from './package-contents.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The zip format cannot say anything earlier; a fixed date makes the same sources give the same bytes. Local time, as in the zip. */
const DATE = new Date(1980, 0, 1, 0, 0, 0);

/**
 * For azd, which takes the folder: a package that keeps its node_modules is deployed as it is, any other is built in Azure once
 * more. There are none here, and nothing to build.
 */
const FUNCIGNORE = '.funcignore\n';

/** One app, ready to be deployed. */
export interface AppPackage {
  app: AppName;
  /** the folder that was zipped */
  folder: string;
  zip: string;
  /** source maps of the zip; they stay with whoever reads a stack trace */
  maps: string;
  files: number;
  bytes: number;
  /** SHA-256 of the zip, hexadecimal */
  hash: string;
}

/**
 * Makes `<out>/<app>/`, `<out>/<app>.zip` and `<out>/<app>.maps.zip` for each app. The folder holds one bundled app, its
 * host.json, its package.json and the licences of what is bundled; nothing has to be installed where it runs.
 *
 * @throws Error that names each file which must not be in the package of its app
 */
export async function packageApps(out: string): Promise<AppPackage[]> {
  const packages: AppPackage[] = [];
  for (const app of APPS) packages.push(await packageApp(app, out));
  return packages;
}

async function packageApp(app: AppName, out: string): Promise<AppPackage> {
  const folder = join(out, app);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const metafile = await buildApp(app, folder);
  const foreign = foreignCode(app, metafile);
  if (foreign.length > 0) throw new Error(foreign.join('\n'));
  await writeFile(join(folder, 'package.json'), await packageJson(app));
  await writeFile(join(folder, 'host.json'), await readFile(join(ROOT, 'host.json')));
  await writeFile(join(folder, 'THIRD-PARTY-NOTICES.txt'), await notices(packagesOf(metafile)));
  const maps = await takeMapsAway(folder);
  const content = await contentOf(folder);
  const zip = zipSync(content, { level: 9, mtime: DATE });
  await writeFile(join(out, `${app}.zip`), zip);
  await writeFile(join(folder, '.funcignore'), FUNCIGNORE);
  await writeFile(join(out, `${app}.maps.zip`), zipSync(maps, { level: 6, mtime: DATE }));
  return {
    app,
    folder,
    zip: join(out, `${app}.zip`),
    maps: join(out, `${app}.maps.zip`),
    files: Object.keys(content).length,
    bytes: zip.length,
    hash: createHash('sha256').update(zip).digest('hex'),
  };
}

/** What the Functions worker asks of a package.json: which files to load, and that they are ES modules. */
async function packageJson(app: AppName): Promise<string> {
  const { version, license } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const content = { name: `lanyard-${app}`, version, license, private: true, type: 'module', main: `${app}.app.js` };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** Moves the source maps out of a folder. @returns them by name */
async function takeMapsAway(folder: string): Promise<Zippable> {
  const maps: Zippable = {};
  for (const name of (await readdir(folder)).filter((each) => each.endsWith('.map')).sort()) {
    maps[name] = await readFile(join(folder, name));
    await rm(join(folder, name));
  }
  return maps;
}

async function contentOf(folder: string): Promise<Zippable> {
  const content: Zippable = {};
  for (const name of (await readdir(folder)).sort()) content[name] = await readFile(join(folder, name));
  return content;
}

/** The licences of the bundled packages, which ask to go wherever their code goes. */
async function notices(folders: string[]): Promise<string> {
  const parts: string[] = [];
  for (const path of folders) {
    const folder = join(ROOT, path);
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((each) => /^(licen[cs]e|copying)/i.test(each));
    const text = file ? (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n').trim() : '';
    parts.push(`${name} ${version} (${license})\n\n${text}\n`);
  }
  return parts.join(`\n${'-'.repeat(80)}\n\n`);
}
