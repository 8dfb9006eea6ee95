import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';
import { startAzurite } from '../../local/azurite.ts';
import { runFolder } from './run-folder.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** One for each file that may ask. */
    storageAccounts: string[];
  }
}

const ACCOUNTS = 150;

/** One table and blob service for all files of a run, with an account for each: starting one took a second a file. */
export default async function shareAzurite(project: TestProject): Promise<() => Promise<void>> {
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => `lanyard${index}`);
  const azurite = await startAzurite({ inMemory: true, accounts });
  project.provide('storageAccounts', azurite.connectionStrings);
  return () => azurite.stop();
}

/** The connection string of an account that nobody else has or had. */
export async function ownAccount(): Promise<string> {
  for (const account of inject('storageAccounts')) {
    const name = /AccountName=(\w+)/.exec(account)![1]!;
    const claim = mkdir(join(runFolder(), name));
    if (await claim.then(() => true, isTaken)) return account;
  }
  throw new Error(`More than ${ACCOUNTS} files ask for storage in one run`);
}

function isTaken(error: NodeJS.ErrnoException): boolean {
  if (error.code === 'EEXIST') return false;
  throw error;
}
