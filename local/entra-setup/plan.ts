import type { Outside } from './outside.ts';

/** One change, as it is shown before and done after a yes. */
export interface Step {
  /** In the imperative, with the names that it is about. */
  text: string;
  /** @returns a sentence why it was not done, where the rest can be done without it; anything else for done */
  run(): Promise<unknown>;
}

/** What there is, what would be done, and what is left to a person. */
export interface Plan {
  title: string;
  /** What was found, a line each. */
  found: string[];
  /** What somebody else made and what therefore stays, or what is in the way. */
  notes: string[];
  steps: Step[];
  /** What to do by hand, asked for after the steps since it names what they made. */
  left(): string[];
}

/**
 * Shows a plan and, after a yes, carries it out.
 * @returns whether something was done or nothing was to do. @throws what a step throws; what was done before stays, and the
 * next run goes on from there
 */
export async function carryOut(plan: Plan, outside: Outside, isAgreed: boolean): Promise<boolean> {
  const { print, ask } = outside;
  print(plan.title);
  for (const line of plan.found) print(`  ${line}`);
  for (const line of plan.notes) print(`  Note: ${line}`);
  if (plan.steps.length === 0) {
    print('\nNothing to change.');
    printLeft(plan, print);
    return true;
  }
  print('\nThis would be done:');
  plan.steps.forEach((step, index) => {
    print(`  ${index + 1}. ${step.text}`);
  });
  const answer = isAgreed || (await ask('\nDo it?'));
  if (answer !== true) {
    print(answer === undefined ? '\nNothing was changed. To do it, add --yes.' : '\nNothing was changed.');
    return false;
  }
  print('');
  for (const [index, { text, run }] of plan.steps.entries()) {
    const reason = await run();
    print(typeof reason === 'string' ? `  NOT DONE ${index + 1}. ${text}: ${reason}.` : `  done ${index + 1}. ${text}`);
  }
  printLeft(plan, print);
  return true;
}

function printLeft(plan: Plan, print: (line: string) => void): void {
  const left = plan.left();
  if (left.length === 0) return;
  print('\nLeft to do:');
  for (const line of left) print(line === '' ? '' : /^\s/.test(line) ? `     ${line}` : ` [ ] ${line}`);
}
