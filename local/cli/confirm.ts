import { createInterface } from 'node:readline/promises';
import { UsageError } from './verb.ts';

/**
 * Shows what is about to happen and asks for a yes. Text and question go to the error output, so that what a script reads stays
 * as it is.
 * @returns whether the answer is `y` or `yes`. @throws {UsageError} where there is nobody to ask
 */
export async function confirm(text: string, question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError(`${text}\n\n${question} Nobody can be asked here: add --yes to go on`);
  console.error(text);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`\n${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
