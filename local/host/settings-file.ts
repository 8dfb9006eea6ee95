import { readJson } from './app-folder.ts';

/**
 * Puts the `Values` of a file in the form of local.settings.json into the environment. A variable that is already set stays,
 * as with the Core Tools. Returns the names that were put there.
 * Throws an Error that names the file and the value when it is encrypted, or a value is not a string, number or boolean.
 */
export async function applySettingsFile(file: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const settings = await readJson(file);
  if (settings['IsEncrypted'] === true)
    throw new Error(`${file} is encrypted. Decrypt it with "func settings decrypt".`);
  const values = settings['Values'] ?? {};
  if (typeof values !== 'object' || Array.isArray(values)) throw new Error(`"Values" in ${file} is not an object.`);
  const applied: string[] = [];
  for (const [name, value] of Object.entries(values as Record<string, unknown>)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new Error(`"${name}" in ${file} must be a text.`);
    }
    if (env[name] !== undefined) continue;
    env[name] = String(value);
    applied.push(name);
  }
  return applied;
}
