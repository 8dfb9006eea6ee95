import type { AdminClient } from '../admin-client.ts';

/** The world outside the command; tests bring their own. */
export interface Outside {
  fetch: typeof fetch;
  wait(ms: number): Promise<void>;
  print(line: string): void;
  /** @returns whether the person said yes; undefined where there is nobody to ask */
  ask(question: string): Promise<boolean | undefined>;
  env: Record<string, string | undefined>;
  /** Whose shell the printed commands are for. */
  platform: NodeJS.Platform;
  /** @returns the admin API of Lanyard at this address, with the proof that was given */
  admin(url: string, proof: { key?: string; token?: string }): Pick<AdminClient, 'call'>;
  /** Runs the Azure CLI or the Azure Developer CLI. @returns what it printed. @throws {ToolError} */
  run(tool: 'az' | 'azd', args: string[]): Promise<string>;
}

/** A mistake of the caller or of what he has set up, with what to do. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
