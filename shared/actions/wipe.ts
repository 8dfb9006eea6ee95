import * as z from 'zod';
import type { Device } from '../devices/device.ts';
import { conflict } from '../platform/problem.ts';
import { action, wrongField } from './action.ts';

/** Kind -> what it does and what may go wrong (RemoteWipe CSP; Windows refuses with 500 where its recovery is switched off). */
const KINDS: Record<string, readonly string[]> = {
  doWipe: ['Windows is reset; user data, settings and the enrollment are removed.'],
  doWipeProtected: [
    'Windows is reset and goes on trying, also after it was switched off. The PC may not start any more: for stolen ones only.',
  ],
  doWipePersistProvisionedData: ['Windows is reset; what provisioning packages brought stays and is applied again.'],
  doWipePersistUserData: [
    'Windows is reset; the accounts and files of users stay. Do not use it before a PC is given away.',
  ],
  doWipeCloud: ['Windows is loaded anew from Microsoft: some gigabytes over the network of the PC.'],
  doWipeCloudPersistUserData: [
    'Windows is loaded anew from Microsoft: some gigabytes over the network of the PC. Accounts and files of users stay.',
  ],
  doWipeCloudPersistProvisionedData: [
    'Windows is loaded anew from Microsoft: some gigabytes over the network of the PC. What provisioning packages brought stays.',
  ],
  doAutomaticRedeployment: [
    'Autopilot Reset: apps, settings and files of users are removed, the join and the enrollment stay. The recovery environment must be on.',
  ],
};
const KIND_NAMES = Object.keys(KINDS) as [string, ...string[]];

const NEEDS_RECOVERY =
  'It needs the recovery environment (`reagentc /info`): without it the device answers 500 and nothing happens.';
const ONLY_ACCEPTED =
  'The answer says only that the device took the command. It counts as wiped when it has been silent for 7 days; a later session shows that it was not.';
const ELSEWHERE = 'Its objects in Microsoft Entra, Intune and Autopilot stay: remove them there.';

/** Windows 11 22H2, the first that can load itself from the cloud. */
const CLOUD_BUILD = 22621;

export const wipe = action({
  name: 'wipe',
  summary: 'Resets the device. There is no way back.',
  input: z.strictObject({
    kind: z.enum(KIND_NAMES).default('doWipe').describe('which reset (RemoteWipe CSP)'),
    confirm: z.string().describe('the name of the device, so that no other is meant'),
  }),
  plan(device, { kind, confirm }) {
    if (confirm.trim().toLowerCase() !== device.name.toLowerCase()) {
      throw wrongField('confirm', `must be the name of the device: ${device.name}`);
    }
    checkCloud(device, kind);
    const node = kind === 'doAutomaticRedeployment' ? `AutomaticRedeployment/${kind}` : kind;
    const keeps = kind === 'doAutomaticRedeployment';
    const recovery = kind === 'doWipeProtected' ? [] : [NEEDS_RECOVERY];
    const warnings = [...(KINDS[kind] ?? []), ...recovery, ...(keeps ? [] : [ONLY_ACCEPTED, ELSEWHERE])];
    return { commands: [{ verb: 'Exec', target: `./Device/Vendor/MSFT/RemoteWipe/${node}`, format: 'chr' }], warnings };
  },
});

function checkCloud({ facts }: Device, kind: string): void {
  if (!kind.startsWith('doWipeCloud')) return;
  const build = Number(facts['osVersion']?.value?.split('.')[2]);
  if (Number.isInteger(build) && build < CLOUD_BUILD) {
    throw conflict(`${kind} is there from Windows 11 22H2 (build ${CLOUD_BUILD}) on; the device has build ${build}.`);
  }
}
