import type { Az } from './azure-cli.ts';

/** What a reply is to whoever looks at a deployment from outside. */
export interface OutsideReply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** The world outside this program; tests bring their own. */
export interface Outside {
  /** the outputs of main.bicep, which azd puts into the environment of its hooks */
  env: Record<string, string | undefined>;
  /** whose shell the printed commands are for */
  platform: NodeJS.Platform;
  az: Az;
  /** @throws Error when nobody answers */
  send(method: string, url: string, headers: Record<string, string>, body?: string): Promise<OutsideReply>;
  wait(ms: number): Promise<void>;
  print(line: string): void;
  /** for what is wrong */
  printError(line: string): void;
}
