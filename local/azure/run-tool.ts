import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** `az` or `azd` is not there (`isMissing`) or failed. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
  readonly isMissing: boolean;

  constructor(message: string, isMissing: boolean) {
    super(message);
    this.isMissing = isMissing;
  }
}

/**
 * What may stand in an argument. On Windows the Azure CLI is `az.cmd`, which Node starts by `cmd.exe` alone; there is no
 * quoting for it that holds, so nothing that would need quoting is handed over, on any system.
 */
const PLAIN = /^[A-Za-z0-9._:/@=,-]+$/;

/** @returns program and arguments, without a shell that reads them. @throws {ToolError} for an argument that a shell could read otherwise */
export function commandFor(
  tool: 'az' | 'azd',
  args: string[],
  platform: NodeJS.Platform = process.platform,
): [string, string[]] {
  const odd = args.find((argument) => !PLAIN.test(argument));
  if (odd !== undefined) throw new ToolError(`${tool} is not given ${JSON.stringify(odd)}`, false);
  if (tool === 'az' && platform === 'win32') return ['cmd.exe', ['/d', '/s', '/c', 'az.cmd', ...args]];
  return [tool, args];
}

/** @returns what the tool printed. @throws {ToolError} with the tool's own words */
export async function runTool(tool: 'az' | 'azd', args: string[], timeoutMs = 120_000): Promise<string> {
  const [program, all] = commandFor(tool, args);
  try {
    return (await run(program, all, { maxBuffer: 16 * 1024 * 1024, windowsHide: true, timeout: timeoutMs })).stdout;
  } catch (error) {
    const { code, stderr, message } = error as { code?: string | number; stderr?: string; message: string };
    const said = stderr?.trim() || message;
    const isMissing = code === 'ENOENT' || code === 9009 || /is not recognized as an internal/.test(said);
    throw new ToolError(isMissing ? `${tool} is not installed, or not in the path` : said.slice(0, 1_000), isMissing);
  }
}
