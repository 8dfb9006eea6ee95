import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** What of host.json this host honours. */
export interface HostJson {
  version?: string;
  extensions?: { http?: { routePrefix?: string } };
}

export interface AppFolder {
  hostJson: HostJson;
  /** Imports the entry files one after the other; returns the imported modules' holder, the same one on every call. */
  load(): Promise<unknown>;
}

/**
 * Reads a Functions app as the Node worker finds it: `main` of package.json, which may hold a glob, and host.json.
 * Throws an Error that names the file when one is missing, cannot be read, or when `main` matches nothing.
 */
export async function openAppFolder(folder: string): Promise<AppFolder> {
  const root = path.resolve(folder);
  const packageFile = path.join(root, 'package.json');
  const main = (await readJson(packageFile))['main'];
  if (typeof main !== 'string') throw new Error(`${packageFile} has no "main".`);
  const hostJson = (await readJson(path.join(root, 'host.json'))) as HostJson;
  const entries = await filesMatching(root, main);
  if (entries.length === 0)
    throw new Error(`"main" of ${packageFile}, "${main}", matches no file. Build the app first.`);
  const modules: { loaded?: unknown[] } = {};
  const load = async (): Promise<unknown> => {
    modules.loaded = [];
    for (const entry of entries) modules.loaded.push(await import(pathToFileURL(entry).href));
    return modules;
  };
  return { hostJson, load };
}

/** A JSON file with an object at its top. Throws an Error that names the file. */
export async function readJson(file: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${file} is not an object.`);
  return value as Record<string, unknown>;
}

/** Files below `root` whose path matches the glob, sorted. `*`, `**`, `?` and `{a,b}` are known. */
export async function filesMatching(root: string, glob: string): Promise<string[]> {
  const pattern = globPattern(glob.replace(/^\.\//, ''));
  const fixed = glob.replace(/^\.\//, '').split('/').slice(0, -1);
  const until = fixed.findIndex((segment) => /[*?{]/.test(segment));
  const start = path.join(root, ...(until < 0 ? fixed : fixed.slice(0, until)));
  const found: string[] = [];
  for (const file of await filesBelow(start, /\*\*/.test(glob) || until >= 0)) {
    if (pattern.test(path.relative(root, file).split(path.sep).join('/'))) found.push(file);
  }
  return found.sort();
}

async function filesBelow(folder: string, deep: boolean): Promise<string[]> {
  const found: string[] = [];
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const file = path.join(folder, entry.name);
    if (entry.isFile()) found.push(file);
    else if (deep && entry.isDirectory() && entry.name !== 'node_modules')
      found.push(...(await filesBelow(file, deep)));
  }
  return found;
}

function globPattern(glob: string): RegExp {
  const source = glob.replace(/\*\*\/|\*\*|\*|\?|\{[^{}]*\}|[.+^${}()|[\]\\]/g, (token) => {
    if (token === '**/') return '(?:.*/)?';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    if (token === '?') return '[^/]';
    if (token.length > 2) return `(?:${token.slice(1, -1).split(',').map(escapeRegExp).join('|')})`;
    return `\\${token}`;
  });
  return new RegExp(`^${source}$`);
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
