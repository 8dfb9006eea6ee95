import type { Verb } from './verb.ts';

/**
 * PowerShell takes `--` away from `npm run lanyard -- VERB --root own`, and npm keeps for itself what begins with dashes
 * (npm/cli issue 4903): the verb would do something else than what was typed. npm shows what it kept in the environment.
 *
 * @returns the options of the verb that were typed and did not arrive
 */
export function keptByNpm(verb: Verb, args: string[], env: Record<string, string | undefined>): string[] {
  if (env['npm_lifecycle_event'] !== 'lanyard') return [];
  return Object.keys(verb.options ?? {})
    .filter((name) => name !== 'yes') // one of npm's own, which a person may have in .npmrc; without it a verb asks
    .filter((name) => env[`npm_config_${name.replaceAll('-', '_')}`] !== undefined)
    .map((name) => `--${name}`)
    .filter((option) => !args.some((arg) => arg === option || arg.startsWith(`${option}=`)));
}
