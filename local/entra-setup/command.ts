import { AdminApiError } from '../admin-client.ts';
import { ToolError } from '../azure/run-tool.ts';
import { printable } from '../cli/printable.ts';
import { readArguments, usage } from './arguments.ts';
import { type Context, openContext } from './context.ts';
import { GraphError } from './graph-client.ts';
import { type Outside, SetupError } from './outside.ts';
import { carryOut } from './plan.ts';
import { show } from './show.ts';
import { planOf } from './topics.ts';

/**
 * `node lanyard entra WHAT`: sets up Microsoft Entra for those parts of Lanyard that can use it.
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
    else {
      const plan = await planOf(read.topic, context);
      await carryOut({ ...plan, found: [tenantLine(context), ...plan.found] }, outside, read.flags.yes);
    }
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

/** Whoever has several tenants sees here which one is meant. */
function tenantLine({ tenantId }: Context): string {
  return `Tenant ${tenantId}`;
}

/** Which role of Entra each topic asks of the person (the permission sections of the calls in Graph's reference). */
const ROLES: Record<string, string> = {
  administrators: 'Application Administrator or Cloud Application Administrator',
  'sign-in': 'Application Administrator or Cloud Application Administrator',
  enrollment:
    'Application Administrator or Cloud Application Administrator, and for the MDM policy Cloud Device Administrator',
  'directory-rights': 'Privileged Role Administrator',
};

function explain(error: unknown, topic: string | undefined): string {
  if (error instanceof AdminApiError) return `The admin API of Lanyard refused: ${printable(error.message)}`;
  if (error instanceof ToolError) return error.message;
  if (!(error instanceof GraphError)) throw error;
  if (error.status === 401)
    return `${error.message}\nThe token is not good, or not any more: az login, or another LANYARD_GRAPH_TOKEN`;
  if (error.status !== 403) return error.message;
  const role = ROLES[topic ?? ''] ?? 'one that may read applications';
  return `${error.message}\nYour account needs a role of Microsoft Entra: ${role}, or Global Administrator. With Privileged Identity Management: activate it, then az login again.`;
}
