import { bitlocker } from './bitlocker.ts';
import { certificateTrust } from './certificate-trust.ts';
import { defender } from './defender.ts';
import { firewall } from './firewall.ts';
import { password } from './password.ts';
import type { Template } from './template.ts';
import { vpn } from './vpn.ts';
import { wifi } from './wifi.ts';
import { windowsUpdate } from './windows-update.ts';

/** The ready profiles, in the order in which they are shown. */
export const TEMPLATES: readonly Template[] = [
  bitlocker,
  password,
  windowsUpdate,
  defender,
  firewall,
  wifi,
  vpn,
  certificateTrust,
];
