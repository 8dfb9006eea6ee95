import * as z from 'zod';
import { policy, template } from './template.ts';

const AUDITED = { off: 0, block: 1, audit: 2 };
const audited = z.enum(['off', 'block', 'audit']);
const SAMPLES = { ask: 0, safe: 1, never: 2, all: 3 };

/** Policy CSP, area Defender (Microsoft Learn). */
export const defender = template({
  name: 'defender',
  title: 'Microsoft Defender',
  summary: 'Keeps the antivirus on, with the cloud, unwanted apps and the network.',
  notes: ['With tamper protection on, or another antivirus, Windows may take these and act otherwise.'],
  secrets: [],
  atomic: false,
  input: z.strictObject({
    realTime: z.boolean().default(true),
    cloud: z.boolean().default(true),
    samples: z.enum(['ask', 'safe', 'never', 'all']).default('safe'),
    unwantedApps: audited.default('block'),
    networkProtection: audited.default('audit'),
    scanDownloads: z.boolean().default(true),
    updateBeforeScan: z.boolean().default(true),
  }),
  settings: (input) => [
    policy('Defender', 'AllowRealtimeMonitoring', input.realTime),
    policy('Defender', 'AllowCloudProtection', input.cloud),
    policy('Defender', 'SubmitSamplesConsent', SAMPLES[input.samples]),
    policy('Defender', 'PUAProtection', AUDITED[input.unwantedApps]),
    policy('Defender', 'EnableNetworkProtection', AUDITED[input.networkProtection]),
    policy('Defender', 'AllowIOAVProtection', input.scanDownloads),
    policy('Defender', 'CheckForSignaturesBeforeRunningScan', input.updateBeforeScan),
  ],
});
