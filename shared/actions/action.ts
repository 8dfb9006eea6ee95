import type * as z from 'zod';
import type { Device } from '../devices/device.ts';
import { badRequest, conflict, type Problem } from '../platform/problem.ts';
import type { UploadContainers } from '../storage/upload-container.ts';

/** What an administrator wants done with a device, in place of the commands that do it. */
export interface Action<Input extends z.ZodObject = z.ZodObject> {
  /** As it stands in the address. */
  name: string;
  summary: string;
  /** What it takes; unknown properties are refused. */
  input: Input;
  /**
   * The commands and what the administrator should know, from what is known of the device. Changes nothing of the device.
   * @throws {Problem} 400 or 409 where it would do harm or come to nothing
   */
  plan(device: Device, input: z.output<Input>, request: ActionRequest): Plan | Promise<Plan>;
}

export interface ActionRequest {
  now: Date;
  /** A GUID; a call that is repeated under its Idempotency-Key has it again. */
  id: string;
  /** Where the device may be asked to upload something. */
  uploads: UploadContainers;
}

export interface Plan {
  /** As `POST …/commands` takes them. */
  commands: PlannedCommand[];
  /** A sentence each. */
  warnings: string[];
}

export interface PlannedCommand {
  verb: 'Get' | 'Add' | 'Replace' | 'Delete' | 'Exec';
  target?: string;
  data?: string;
  format?: string;
  type?: string;
  items?: { target: string; data?: string; format?: string }[];
  secret?: true;
  expiresInHours?: number;
}

/** Keeps the types of an action's own input together, and gives it as one among others. */
export function action<Input extends z.ZodObject>(definition: Action<Input>): Action {
  return definition as unknown as Action;
}

/** BitLocker and LAPS give their passwords to the directory; a device in none has nowhere to put them. */
export function needsDirectory({ join }: Device, what: string): void {
  if (join?.kind === 'joined' || join?.kind === 'hybrid') return;
  const now = join ? `its join is: ${join.kind}` : 'its join is not known before its first contact';
  throw conflict(`${what} goes to Microsoft Entra, so the device must be joined or hybrid joined; ${now}.`);
}

export function wrongField(field: string, message: string): Problem {
  return badRequest([{ field, message }]);
}
