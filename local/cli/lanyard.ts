import { AdminApiError } from '../admin-client.ts';
import { DeviceError } from '../device/windows-device.ts';
import { ACTION_VERBS } from './action-verbs.ts';
import { ADMIN_VERBS } from './admin-verbs.ts';
import { AUTHORITY_VERBS } from './authority-verbs.ts';
import { DEVICE_VERBS } from './device-verbs.ts';
import { ENROLLMENT_VERBS } from './enrollment-verbs.ts';
import { INVENTORY_VERBS } from './inventory-verbs.ts';
import { INVITATION_VERBS } from './invitation-verbs.ts';
import { keptByNpm } from './kept-by-npm.ts';
import { PROFILE_VERBS } from './profile-verbs.ts';
import { TRACE_VERBS } from './trace-verbs.ts';
import { runVerb, UsageError, type Verb } from './verb.ts';

/** `node lanyard VERB …`: the admin API and the simulated device for people. */

const VERBS: readonly Verb[] = [
  ...INVITATION_VERBS,
  ...ENROLLMENT_VERBS,
  ...ADMIN_VERBS,
  ...PROFILE_VERBS,
  ...ACTION_VERBS,
  ...INVENTORY_VERBS,
  ...TRACE_VERBS,
  ...AUTHORITY_VERBS,
  ...DEVICE_VERBS,
];

function overview(): string {
  const lines = VERBS.map(({ usage, summary }) => `  ${usage}\n      ${summary}`);
  return `node lanyard VERB …   (each verb takes --help and --json)\n\n${lines.join('\n')}\n\n  start …\n      Starts Lanyard on this machine; see: node lanyard start --help\n  entra …\n      Sets up Microsoft Entra; see: node lanyard entra --help`;
}

async function main(args: string[]): Promise<number> {
  const verb = VERBS.find(({ name }) => name === args.slice(0, name.split(' ').length).join(' '));
  if (!verb) {
    const asksForHelp = args.length === 0 || args[0] === '--help' || args[0] === '-h' || args[0] === 'help';
    if (asksForHelp) console.log(overview());
    else console.error(`There is no verb "${args.join(' ')}".\n\n${overview()}`);
    return asksForHelp ? 0 : 2;
  }
  const rest = args.slice(verb.name.split(' ').length);
  const kept = keptByNpm(verb, rest, process.env);
  if (kept.length > 0) throw new UsageError(`npm kept ${kept.join(', ')} for itself. Type: node lanyard ${verb.usage}`);
  console.log(await runVerb(verb, rest));
  return 0;
}

/** One line that says what went wrong and, where that is known, what to do. */
function explain(error: unknown): string {
  if (error instanceof DeviceError) {
    const trace = error.traceId ? ` TraceId ${error.traceId}.` : '';
    return `${error.hresult} at ${error.step}: ${error.message.replace(/\.$/, '')}.${trace}`;
  }
  const { code, message } = error as { code?: string; message?: string };
  if (code === 'ECONNREFUSED') return 'Nothing listens there. Is Lanyard running? Start it with: npm start';
  return message ?? String(error);
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(explain(error));
    process.exit(error instanceof UsageError ? 2 : error instanceof AdminApiError ? 3 : 1);
  },
);
