import * as z from 'zod';
import { conflict } from '../platform/problem.ts';
import { action } from './action.ts';
import { REBOOT_NOW, RESTARTS } from './reboot.ts';

/** Names that Windows takes: 15 characters, no digits alone, no dash at an end. */
const NAME = /^(?!-)(?!\d+$)[A-Za-z0-9-]{1,15}(?<!-)$/;

/** DevDetail CSP, DNSComputerName: not for PCs of a domain, and only after a restart. */
export const rename = action({
  name: 'rename',
  summary: 'Gives the device another name, which holds after its next restart.',
  input: z.strictObject({
    name: z.string().trim().regex(NAME, 'takes 1 to 15 letters, digits and dashes, with a letter among them'),
    restart: z.boolean().default(false).describe('restart the device at once, so that the name holds'),
  }),
  plan(device, { name, restart }) {
    const kind = device.join?.kind ?? 'unknown';
    if (kind === 'domain' || kind === 'hybrid') {
      throw conflict(`The device is in a domain (${kind}), and Windows refuses to rename it from here.`);
    }
    if (kind === 'unknown')
      throw conflict('It is not known whether the device is in a domain. Wait for its next contact.');
    const set = {
      verb: 'Replace',
      target: './DevDetail/Ext/Microsoft/DNSComputerName',
      data: name,
      format: 'chr',
    } as const;
    return {
      commands: restart ? [set, REBOOT_NOW] : [set],
      warnings: [restart ? RESTARTS : 'The name holds after the next restart, which nobody forces.'],
    };
  },
});
