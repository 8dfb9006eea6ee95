import * as z from 'zod';
import { int, template } from './template.ts';

const PROFILES = ['DomainProfile', 'PrivateProfile', 'PublicProfile'];

/** Firewall CSP, MdmStore (Microsoft Learn). */
export const firewall = template({
  name: 'firewall',
  title: 'Windows Firewall',
  summary: 'Keeps the firewall on in all networks and blocks what comes in.',
  notes: [
    'Windows does not let these settings be deleted: when the profile goes they get the values that Windows has by default.',
  ],
  secrets: [],
  atomic: false,
  input: z.strictObject({
    blockInbound: z.boolean().default(true),
    blockOutbound: z.boolean().default(false),
    /** Whether rules that administrators of the PC make count. */
    localRules: z.boolean().default(true),
  }),
  settings: ({ blockInbound, blockOutbound, localRules }) =>
    PROFILES.flatMap((profile) => {
      const top = `./Vendor/MSFT/Firewall/MdmStore/${profile}`;
      return [
        { target: `${top}/EnableFirewall`, value: 'true', format: 'bool' as const },
        int(`${top}/DefaultInboundAction`, blockInbound),
        int(`${top}/DefaultOutboundAction`, blockOutbound),
        { target: `${top}/AllowLocalPolicyMerge`, value: String(localRules), format: 'bool' as const },
      ];
    }),
});
