import * as z from 'zod';
import type { Device } from '../devices/device.ts';
import { action } from './action.ts';

/** Defender CSP, Scan: data 1 is a quick scan, 2 a full one. */
export const defenderScan = action({
  name: 'defender-scan',
  summary: 'Starts a scan of Microsoft Defender.',
  input: z.strictObject({ kind: z.enum(['quick', 'full']).default('quick') }),
  plan(device, { kind }) {
    const data = kind === 'full' ? '2' : '1';
    const long = kind === 'full' ? ['A full scan may take hours and slows the device down.'] : [];
    return {
      commands: [{ verb: 'Exec', target: './Device/Vendor/MSFT/Defender/Scan', data, format: 'chr' }],
      warnings: [
        ...long,
        'The answer says that it has begun; the inventory shows when the last scan was.',
        ...off(device),
      ],
    };
  },
});

/** Defender CSP, UpdateSignature. */
export const defenderUpdate = action({
  name: 'defender-update',
  summary: 'Has Microsoft Defender fetch new signatures.',
  input: z.strictObject({}),
  plan: (device) => ({
    commands: [{ verb: 'Exec', target: './Device/Vendor/MSFT/Defender/UpdateSignature', format: 'chr' }],
    warnings: off(device),
  }),
});

function off({ inventory }: Device): string[] {
  const entry = inventory?.entries['defenderEnabled'];
  if (entry?.value !== 'false') return [];
  return [
    `Defender was off when it was last read (${entry.readAt?.slice(0, 10)}): perhaps another antivirus has its place.`,
  ];
}
