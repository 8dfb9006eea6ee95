import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { AdminClient } from '../admin-client.ts';
import { type Input, UsageError, type Verb } from './verb.ts';

/** Where the command line finds a Lanyard, and how it may speak to it. */
export const CONNECTION_OPTIONS: NonNullable<Verb['options']> = {
  url: { type: 'string', help: 'base address of the admin app (LANYARD_URL; default https://localhost:7443)' },
  key: { type: 'string', help: 'function or host key (LANYARD_KEY; default what .lanyard/admin-key holds)' },
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
  const url = input.options['url'] ?? process.env['LANYARD_URL'] ?? 'https://localhost:7443';
  const actor = input.options['actor'] ?? process.env['USER'] ?? process.env['USERNAME'] ?? 'unnamed';
  return new AdminClient({ url, key: keyOf(input), trust: trustOf(input), actor });
}

function keyOf(input: Input): string {
  const given = input.options['key'] ?? process.env['LANYARD_KEY'];
  if (given) return given;
  const file = join(folderOf(input), 'admin-key');
  if (!existsSync(file))
    throw new UsageError(`No key: give --key or LANYARD_KEY, or start Lanyard here so that ${file} exists`);
  return readFileSync(file, 'utf8').trim();
}
