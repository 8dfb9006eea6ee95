import { createInterface } from 'node:readline/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { runTool } from './azure/run-tool.ts';
import { connect } from './cli/connection.ts';
import { runEntra } from './entra-setup/command.ts';

/** `node lanyard entra WHAT`: Microsoft Entra, set up from the administrator's machine. None of it runs in Azure. */

async function ask(question: string): Promise<boolean | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}

runEntra(process.argv.slice(2), {
  fetch,
  wait: (ms) => sleep(ms),
  print: (line) => console.log(line),
  ask,
  env: process.env,
  platform: process.platform,
  admin: (url, proof) => connect({ positionals: [], flags: {}, options: { url, ...proof } }),
  run: runTool,
}).then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
