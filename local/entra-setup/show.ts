import { TOPICS, type Topic } from './arguments.ts';
import type { Context } from './context.ts';
import { GraphError } from './graph-client.ts';
import { SetupError } from './outside.ts';
import type { Step } from './plan.ts';
import { planOf } from './topics.ts';

/** Prints for each topic what is there and whether something is missing. Changes nothing. @throws {GraphError} */
export async function show(context: Context): Promise<void> {
  const { print } = context.outside;
  for (const topic of TOPICS.filter((each) => each !== 'show')) {
    print(`${topic}`);
    for (const line of await linesOf(topic, context)) print(`  ${line}`);
    print('');
  }
}

async function linesOf(topic: Exclude<Topic, 'show'>, context: Context): Promise<string[]> {
  try {
    const { found, notes, steps } = await planOf(topic, context);
    return [...found, ...notes, missingOf(topic, steps)];
  } catch (error) {
    if (error instanceof SetupError || (error instanceof GraphError && error.status === 403)) return [error.message];
    throw error;
  }
}

function missingOf(topic: Topic, steps: Step[]): string {
  if (steps.length === 0) return 'Nothing to change.';
  if (steps.length > 3) return `Not done: ${steps.length} steps. node lanyard entra ${topic} shows them.`;
  return `Not done: ${steps.map(({ text }) => text).join('; ')}.`;
}
