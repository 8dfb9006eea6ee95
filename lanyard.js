#!/usr/bin/env node
// `node lanyard VERB …` in this folder: the command line, typed the same way in PowerShell, cmd and sh. `npm run lanyard -- VERB`
// does the same in sh and cmd; PowerShell takes the -- away, and npm then keeps for itself what begins with dashes.
try {
  const { register } = await import('tsx/esm/api');
  register();
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('Lanyard is not installed yet. In this folder: npm ci');
  process.exit(1);
}
const programs = { start: './local/start.ts', entra: './local/entra.ts' };
const program = programs[process.argv[2] ?? ''];
if (program !== undefined) process.argv.splice(2, 1);
await import(program ?? './local/cli/lanyard.ts');
