import type { Command } from '../commands/command.ts';
import { verbOf } from '../commands/command.ts';
import { listCommands } from '../commands/queue.ts';
import { type Device, hasLeft, type Join, type Unenroll } from '../devices/device.ts';
import { readDeviceAndContact } from '../devices/device-rows.ts';
import { isMobile } from '../devices/mobile.ts';
import { notFound } from '../platform/problem.ts';
import { nodeOf } from '../profiles/profile.ts';
import { type DeviceProfiles, isOurs, PROFILES_OF_DEVICE_ROW } from '../profiles/setting-state.ts';
import type { Storage } from '../storage/storage.ts';
import { decideGate, OPENED_BY } from './gate.ts';
import { CONSEQUENCES, consequenceOf } from './unenroll-consequences.ts';

/** What an administrator is shown before he asks a device to leave. */
export interface UnenrollPreview {
  id: string;
  name: string;
  user: string;
  state: Device['state'];
  lastContact?: string;
  /** What Windows takes away, and what of it this server knows to be there. */
  removes: Consequence[];
  /** What stays on the device. */
  keeps: Consequence[];
  join: { kind: Join['kind'] | 'notRead'; readAt?: string; meaning: string };
  /** What the gate would say if the device called now and the join were as it was last read. */
  gate: { decision: 'open' | 'held' | 'notKnown'; reason: string; opensBy?: string };
  /** Commands that have not ended: they wait, and are cancelled when the Unenroll goes out; `queue` sends them first. */
  commandsOpen: number;
  warnings: string[];
  /** The request that stands. */
  unenroll?: Unenroll;
}

export interface Consequence {
  what: string;
  /** What finished commands, the profiles and the defaults have put there, by node or setting; empty where nothing is known. */
  known: string[];
}

/** Enough for every device that is looked after by hand; of one with more, the newest are what counts. */
const MAX_COMMANDS = 5_000;
const PAGE = 1_000;

/** Changes nothing. @throws {Problem} 404 for an unknown device */
export async function showUnenroll(storage: Storage, deviceId: string): Promise<UnenrollPreview> {
  const found = await readDeviceAndContact(storage, deviceId);
  if (!found) throw notFound(`There is no device ${deviceId}.`);
  const commands: Command[] = [];
  let cursor: string | undefined;
  do {
    const page = await listCommands(storage, deviceId, { cursor, limit: PAGE });
    commands.push(...page.items);
    cursor = page.next;
  } while (cursor && commands.length < MAX_COMMANDS);
  const profiles = await storage.table('devices').get<DeviceProfiles>(deviceId, PROFILES_OF_DEVICE_ROW);
  const settings = profiles?.value.settings ?? {};
  return previewUnenroll(found.device.value, { commands, settings }, found.lastContact);
}

/** What the server did on a device. */
interface Done {
  /** All that are known of it, finished or not, in any order. */
  commands: readonly Command[];
  /** What is known of the settings of its profiles, by node. */
  settings: DeviceProfiles['settings'];
}

export function previewUnenroll(
  device: Device,
  { commands, settings }: Done,
  lastContact: string | undefined,
): UnenrollPreview {
  const known = withSettings(knownNodes(commands), settings);
  const consequences = CONSEQUENCES.map(({ id, what, stays }) => ({
    stays,
    what,
    known: [...known.filter((node) => consequenceOf(node) === id), ...(id === 'policies' ? defaultsOf(device) : [])],
  }));
  const shown = (stays: boolean) =>
    consequences.filter((each) => each.stays === stays).map(({ what, known: nodes }) => ({ what, known: nodes }));
  const { id, name, user, state, unenroll } = device;
  return {
    id,
    name,
    user,
    state,
    lastContact,
    removes: shown(false),
    keeps: shown(true),
    join: joinOf(device),
    gate: gateOf(device),
    commandsOpen: commands.filter(isOpen).length,
    warnings: warningsOf(device),
    unenroll,
  };
}

function isOpen({ state, gate }: Command): boolean {
  return !gate && (state === 'waiting' || state === 'sent' || state === 'accepted');
}

/** The nodes that were set and not deleted since, in the order of the queue. */
function knownNodes(commands: readonly Command[]): string[] {
  const nodes = new Set<string>();
  const inOrder = commands.filter(({ state }) => state === 'done').sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const command of inOrder) {
    for (const item of command.items) {
      const verb = verbOf(command, item);
      if (verb === 'Delete')
        for (const node of [...nodes].filter((each) => isAtOrBelow(each, item.target))) nodes.delete(node);
      else if (verb !== 'Get') nodes.add(item.target);
    }
  }
  return [...nodes];
}

/** And those that profiles set, or may have; each once, however it is written. */
function withSettings(nodes: readonly string[], settings: DeviceProfiles['settings']): string[] {
  const named = new Set(nodes.map(nodeOf));
  const others = Object.entries(settings).filter(([node, state]) => isOurs(state) && !named.has(node));
  return [...nodes, ...others.map(([, { target }]) => target)];
}

function isAtOrBelow(node: string, top: string): boolean {
  const [below, above] = [node, top].map((uri) => uri.toLowerCase().replace(/^\.\/device\//, './'));
  return below === above || (below ?? '').startsWith(`${above}/`);
}

/** Settings that every PC is given and this one has taken. */
function defaultsOf({ defaults }: Device): string[] {
  return Object.entries(defaults ?? {})
    .filter(([, { hash, status }]) => hash !== undefined && status !== undefined && status >= 200 && status < 300)
    .map(([name]) => name);
}

const JOIN_MEANINGS: Record<Join['kind'] | 'notRead', string> = {
  none: 'Joined to nothing: people sign in with local accounts, which stay.',
  registered: 'A work account was added. People sign in with other accounts, which stay.',
  domain: 'Joined to a domain, and stays so: people sign in as before.',
  joined:
    'Joined to Microsoft Entra. The join is removed with the management, and nobody can sign in with a work account.',
  hybrid: 'Hybrid joined. The join to Microsoft Entra is removed; the one to the domain stays.',
  unknown: 'The device did not say how it is joined. It may lose its join to Microsoft Entra.',
  notRead: 'Not known yet: it is read before the Unenroll is sent.',
};

function joinOf({ join }: Device): UnenrollPreview['join'] {
  const kind = join?.kind ?? 'notRead';
  return { kind, ...(join ? { readAt: join.readAt } : {}), meaning: JOIN_MEANINGS[kind] };
}

function gateOf({ join, unenroll }: Device): UnenrollPreview['gate'] {
  const gate = decideGate(join, unenroll);
  const again = 'The join is read again in the session in which it goes out.';
  switch (gate.kind) {
    case 'open':
      return { decision: 'open', reason: `The gate lets it pass. ${again}` };
    case 'readJoin':
      return { decision: 'notKnown', reason: `The join was never read. ${again}`, opensBy: OPENED_BY };
    case 'prove':
      return { decision: 'held', reason: `Until this is done: ${gate.proof.reason} ${again}` };
    case 'held':
      return { decision: 'held', reason: gate.reason, opensBy: OPENED_BY };
  }
}

/** Microsoft Learn, "Disconnecting from the management infrastructure" and "MDM enrollment of Windows devices". */
function warningsOf(device: Device): string[] {
  const { join, admission, unenroll, wipe } = device;
  const inEntra = join?.kind === 'joined' || join?.kind === 'hybrid' || admission.kind === 'join';
  return [
    ...(hasLeft(device) ? [`The device is ${device.state} already and cannot be asked again.`] : []),
    ...(device.state === 'blocked' ? ['The device is blocked: it is refused, and so cannot be told.'] : []),
    ...(isMobile(device) ? [MOBILE] : []),
    ...(inEntra ? [WIP_LOST, PROFILES, BITLOCKER] : []),
    ...(wipe?.state === 'accepted'
      ? [`A wipe (${wipe.kind}) was taken by the device on ${wipe.since.slice(0, 10)}.`]
      : []),
    ...(unenroll ? [`An unenroll stands already: ${unenroll.state}. ${unenroll.reason}`] : []),
    'Disconnecting may lose data on the device. Let its user save what he needs.',
  ];
}

const MOBILE =
  'A mobile device: Windows does not unenroll one that is joined to Microsoft Entra. Wipe it instead ' +
  '(Exec of ./Device/Vendor/MSFT/RemoteWipe/doWipe).';
const WIP_LOST =
  'Data that Windows Information Protection encrypted is lost with the Entra join, and Windows does not warn its user.';
const PROFILES = 'The profiles of work accounts stay on the disk, and nobody can sign in to them any more.';
const BITLOCKER =
  'The drive stays encrypted. Its recovery key may be with the device in Microsoft Entra: copy it before that is deleted.';
