import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalDeployment } from './deployment.ts';
import { type Step, type SyncReport, WindowsDevice } from './device/windows-device.ts';
import { type Journey, size } from './journey.ts';

const USER = 'adele@example.org';
const DEVICE = 'DESKTOP-LANYARD';
const FACT = './DevDetail/Ext/Microsoft/OSPlatform';

interface Invitation {
  id: string;
  user: string;
  secret: string;
  expiresAt: string;
}

interface DeviceShown {
  id: string;
  name: string;
  state: string;
  facts: Record<string, string | null>;
  join?: { kind: string };
  unenroll?: { state: string; reason: string };
}

interface CommandShown {
  id: string;
  state: string;
  status?: number;
  results?: { data?: string }[];
}

/**
 * The main job before one's eyes: a simulated Windows 11 PC enrolls, is managed and leaves, over the same addresses and
 * with the same messages as a real one.
 * @throws Error with the reason at the first step that does not end as it must
 */
export async function tellStory(deployment: LocalDeployment, devicesFolder: string, journey: Journey): Promise<void> {
  const { admin } = deployment;
  const invitation = await admin.call<Invitation>('POST', '/api/invitations', { user: USER });
  journey.done(
    'invite',
    `${invitation.user}, secret ${invitation.secret}, good until ${invitation.expiresAt.slice(0, 16)}Z`,
  );

  const device = await openDevice(deployment, devicesFolder);
  const id = await enroll(deployment, device, invitation, journey);
  await firstSession(deployment, device, id, journey);
  await runCommand(deployment, device, id, journey);
  await leave(deployment, device, id, journey);
}

async function openDevice(deployment: LocalDeployment, devicesFolder: string): Promise<WindowsDevice> {
  const folder = join(devicesFolder, DEVICE);
  await mkdir(devicesFolder, { recursive: true, mode: 0o700 });
  const options = { folder, name: DEVICE, trust: [deployment.tlsRoot] };
  const device = existsSync(join(folder, 'state.json'))
    ? await WindowsDevice.open(options)
    : await WindowsDevice.create(options);
  // A story that was interrupted leaves the PC enrolled; its user disconnects it, and the story begins anew.
  if (device.show().enrolled) await device.unenroll();
  return device;
}

async function enroll(
  deployment: LocalDeployment,
  device: WindowsDevice,
  invitation: Invitation,
  journey: Journey,
): Promise<string> {
  const { user, secret } = invitation;
  const enrollment = await device.enroll({ server: deployment.enrollUrl, user, secret });
  for (const step of enrollment.exchanged) journey.done(`device: ${step.step}`, exchanged([step]), step.ms);
  const until = enrollment.certificateNotAfter.toISOString().slice(0, 10);
  journey.done('enrolled', `certificate CN=${enrollment.enrollmentId}, good until ${until}`);
  return enrollment.enrollmentId;
}

async function firstSession(
  deployment: LocalDeployment,
  device: WindowsDevice,
  id: string,
  journey: Journey,
): Promise<void> {
  const report = await device.sync();
  const shown = await deployment.admin.call<DeviceShown>('GET', `/api/devices/${id}`);
  const { osVersion, osPlatform, serialNumber } = shown.facts;
  must(osVersion, 'the first session read no facts from the device');
  journey.done('first session', exchanged(report.exchanged));
  journey.done(
    'facts read',
    `${shown.name}: ${osPlatform}, ${osVersion}, serial ${serialNumber}, join ${shown.join?.kind}`,
  );
}

async function runCommand(
  deployment: LocalDeployment,
  device: WindowsDevice,
  id: string,
  journey: Journey,
): Promise<void> {
  const { admin } = deployment;
  const queued = await admin.call<{ items: CommandShown[] }>('POST', `/api/devices/${id}/commands`, {
    verb: 'Get',
    target: FACT,
  });
  const commandId = queued.items[0]?.id ?? '';
  journey.done('command queued', `${commandId} Get ${FACT}`);
  const report = await device.sync();
  journey.done('second session', exchanged(report.exchanged));
  const command = await admin.call<CommandShown>('GET', `/api/devices/${id}/commands/${commandId}`);
  must(command.state === 'done', `the command ended as ${command.state}`);
  journey.done('result', `${command.state}, status ${command.status}: ${command.results?.[0]?.data}`);
}

async function leave(deployment: LocalDeployment, device: WindowsDevice, id: string, journey: Journey): Promise<void> {
  const { admin } = deployment;
  await admin.call('POST', `/api/devices/${id}/unenroll`, {});
  journey.done('unenroll asked', `POST /api/devices/${id}/unenroll`);
  const report = await device.sync();
  must(report.unenrolled, 'the device did not leave');
  journey.done('device told to leave', exchanged(report.exchanged));
  const shown = await admin.call<DeviceShown>('GET', `/api/devices/${id}`);
  must(shown.state === 'unenrolled' && shown.unenroll?.state === 'confirmed', `the device is ${shown.state}`);
  journey.done('unenrolled', shown.unenroll?.reason ?? '');
}

function exchanged(steps: Step[] | SyncReport['exchanged']): string {
  const out = steps.reduce((sum, step) => sum + step.bytesOut, 0);
  const back = steps.reduce((sum, step) => sum + step.bytesIn, 0);
  const count = steps.length === 1 ? `HTTP ${steps[0]?.status}` : `${steps.length} messages`;
  return `${count}, ${size(out)} sent, ${size(back)} received`;
}

function must(condition: unknown, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}
