import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { AdminClient } from '../admin-client.ts';
import { ADDRESS_FILE, ADMIN_KEY_FILE } from '../deployment-files.ts';
import { type Input, UsageError, type Verb } from './verb.ts';

/** Where the command line finds a Lanyard, and how it may speak to it. */
export const CONNECTION_OPTIONS: NonNullable<Verb['options']> = {
  url: { type: 'string', help: 'base address of the admin app (LANYARD_URL; default what runs from the local folder)' },
  key: { type: 'string', help: 'function or host key (LANYARD_KEY; default what .lanyard/admin-key holds)' },
  token: {
    type: 'string',
    help: 'access token of Entra (LANYARD_TOKEN), where administrators sign in with Entra: az account get-access-token',
  },
  actor: { type: 'string', help: 'who you are, for the audit (default your user name)' },
  folder: { type: 'string', help: 'the local folder (default .lanyard)' },
};

export function folderOf(input: Input): string {
  return input.options['folder'] ?? '.lanyard';
}

/** The roots of Node, and the root of the local front where there is one. */
export function trustOf(input: Input): string[] {
  const file = input.options['trust'] ?? join(folderOf(input), 'tls-root.pem');
  if (input.options['trust'] && !existsSync(file)) throw new UsageError(`There is no file ${file}`);
  return existsSync(file) ? [...rootCertificates, readFileSync(file, 'utf8')] : [...rootCertificates];
}

export function connect(input: Input): AdminClient {
  const token = input.options['token'] ?? process.env['LANYARD_TOKEN'];
  const proof = token ? { token } : { key: keyOf(input) };
  return new AdminClient({ url: urlOf(input), ...proof, trust: trustOf(input), actor: actorOf(input) });
}

/** The name under which the audit keeps what this person does. */
export function actorOf(input: Input): string {
  return input.options['actor'] ?? process.env['USER'] ?? userInfo().username;
}

/** A Lanyard that runs from the local folder has written its address there; it need not be the usual one. */
export function urlOf(input: Input): string {
  const given = input.options['url'] ?? process.env['LANYARD_URL'];
  if (given) return given;
  const file = join(folderOf(input), ADDRESS_FILE);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'https://localhost:7443';
}

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * @param device an enrollment id, or the name of a PC as long as only one enrollment that has not ended bears it
 * @returns the path of the device in the admin API. @throws {UsageError} when the name is nobody's or several's
 */
export async function devicePath(admin: AdminClient, device: string): Promise<string> {
  if (ID.test(device)) return `/api/devices/${device}`;
  const named = (await listAll<{ id: string; name: string; state: string }>(admin, '/api/devices')).filter(
    ({ name }) => name.toLowerCase() === device.toLowerCase(),
  );
  const current = named.filter(({ state }) => state === 'enrolled' || state === 'unenrolling');
  const candidates = current.length > 0 ? current : named;
  const [only, another] = candidates;
  if (!only) throw new UsageError(`No device is called ${device}. See: node lanyard devices`);
  if (another)
    throw new UsageError(
      `Several devices are called ${device}; name one: ${candidates.map(({ id }) => id).join(', ')}`,
    );
  return `/api/devices/${only.id}`;
}

/** All pages of a list. @param more what else stands in the query */
export async function listAll<T>(admin: AdminClient, path: string, more: Record<string, string> = {}): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const query = new URLSearchParams({ limit: '1000', ...more, ...(cursor ? { cursor } : {}) });
    const page = await admin.call<{ items: T[]; next?: string }>('GET', `${path}?${query}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor);
  return items;
}

function keyOf(input: Input): string {
  const given = input.options['key'] ?? process.env['LANYARD_KEY'];
  if (given) return given;
  const file = join(folderOf(input), ADMIN_KEY_FILE);
  if (!existsSync(file))
    throw new UsageError(`No key: give --key or LANYARD_KEY, or start Lanyard here so that ${file} exists`);
  return readFileSync(file, 'utf8').trim();
}
