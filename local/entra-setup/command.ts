import { AdminApiError } from '../admin-client.ts';
import { printable } from '../cli/printable.ts';
import { readArguments, usage } from './arguments.ts';
import { openContext } from './context.ts';
import { GraphError } from './graph-client.ts';
import { type Outside, SetupError, ToolError } from './outside.ts';
import { carryOut } from './plan.ts';
import { show } from './show.ts';
import { planOf } from './topics.ts';

/**
 * `npm run entra -- WHAT`: sets up Microsoft Entra for those parts of Lanyard that can use it.
 * @returns the exit code: 0 done, shown or nothing to do, 1 failed, 2 wrong arguments or something is missing
 */
export async function runEntra(args: string[], outside: Outside): Promise<number> {
  try {
    const read = readArguments(args);
    if (!read) {
      outside.print(usage());
      return 0;
    }
    const context = await openContext(read, outside);
    if (read.topic === 'show') await show(context);
    else await carryOut(await planOf(read.topic, context), outside, read.flags.yes);
    return 0;
  } catch (error) {
    if (error instanceof SetupError) {
      outside.print(error.message);
      return 2;
    }
    outside.print(explain(error, args[0]));
    return 1;
  }
}

/** Which role of Entra each topic asks of the person (the permission sections of the calls in Graph's reference). */
const ROLES: Record<string, string> = {
  administrators: 'Application Administrator or Cloud Application Administrator',
  'sign-in': 'Application Administrator or Cloud Application Administrator',
  enrollment:
    'Application Administrator or Cloud Application Administrator, and for the MDM policy Intune Administrator',
  'directory-rights': 'Privileged Role Administrator',
};

function explain(error: unknown, topic: string | undefined): string {
  if (error instanceof AdminApiError) return `The admin API of Lanyard refused: ${printable(error.message)}`;
  if (error instanceof ToolError) return error.message;
  if (!(error instanceof GraphError)) throw error;
  if (error.status === 401) return `${error.message}\nThe sign-in has ended or is of another cloud: az login`;
  if (error.status !== 403) return error.message;
  const role = ROLES[topic ?? ''] ?? 'one that may read applications';
  return `${error.message}\nYour account needs a role of Microsoft Entra: ${role}, or Global Administrator. With Privileged Identity Management: activate it, then az login again.`;
}
