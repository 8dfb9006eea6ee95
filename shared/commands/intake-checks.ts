import type { X509Certificate } from 'node:crypto';
import { isUserScope, nodePath } from '../wire/node-path.ts';
import { atomicElement, commandElement, commandProblem } from '../wire/syncml-writer.ts';
import type { CommandItem, Format, Verb } from './command.ts';
import { authorityProblem, protectionProblem } from './protected-nodes.ts';

/** What is wrong with a command whose fields are right one by one. */

/** Escaping may make data longer; what is written must still leave room for statuses in one reply. */
const MAX_WRITTEN_BYTES = 200 * 1024;
/** With the Atomic itself, which has a CmdID and a Status too, as much as a reply carries. */
export const MAX_ATOMIC_ITEMS = 24;

/** Says what is wrong, by its place in the request. */
export type Refuse = (path: (string | number)[], message: string) => void;

/** What a check needs besides the command. */
export interface Checks {
  refuse: Refuse;
  authorities: readonly X509Certificate[];
}

/** An item and where it stands in the request. */
export interface Placed {
  item: CommandItem;
  path: (string | number)[];
}

/** @param listed where the items stand: in a list, or at the top when there is only one */
export function checkCommand(verb: Verb, placed: readonly Placed[], listed: string[], checks: Checks): void {
  const { refuse } = checks;
  if (placed.filter((entry) => refuseValue(verb, entry, checks)).length > 0) return;
  const items = placed.map(({ item }) => item);
  const problem = commandProblem({ verb, items });
  if (problem) {
    refuse(listed, problem);
    return;
  }
  refuseSize(
    items.reduce((sum, item) => sum + written(verb, item), 0),
    listed.length > 0 ? listed : ['data'],
    refuse,
  );
}

/** MS-MDM 2.2.7.4 and Microsoft Learn, "OMA DM protocol support", on Atomic. */
export function checkAtomic(placed: readonly Placed[], checks: Checks): void {
  const { refuse } = checks;
  if (placed.length > MAX_ATOMIC_ITEMS) {
    refuse(['commands'], `has ${placed.length} items; at most ${MAX_ATOMIC_ITEMS} go into an Atomic`);
    return;
  }
  let wrong = false;
  for (const entry of placed) wrong = refuseValue(entry.item.verb as Verb, entry, checks) || wrong;
  wrong = refuseSeveralRuns(placed, refuse) || wrong;
  wrong = refuseMixedScope(placed, refuse) || wrong;
  wrong = refuseSameNode(placed, refuse) || wrong;
  if (wrong) return;
  const inner = placed.map(({ item }, index) => commandElement(index + 2, { verb: item.verb as Verb, items: [item] }));
  refuseSize(Buffer.byteLength(String(atomicElement(1, inner))), ['commands'], refuse);
}

/** Exec takes one item (MS-MDM 2.2.7.5); several would be several Execs, and that is not what was written. */
function refuseSeveralRuns(placed: readonly Placed[], refuse: Refuse): boolean {
  const second = placed.find(({ item, path }) => item.verb === 'Exec' && path.at(-2) === 'items' && path.at(-1) === 1);
  if (second) refuse(second.path.slice(0, -1), 'Exec has more than one item');
  return second !== undefined;
}

/** The user's part waits for a sign-in and the device's does not, so that together they would come to nothing. */
function refuseMixedScope(placed: readonly Placed[], refuse: Refuse): boolean {
  const scopes = placed.map(({ item }) => isUserScope(item.target));
  const other = scopes.indexOf(!scopes[0]);
  const entry = placed[other];
  if (!entry) return false;
  refuse([...entry.path, 'target'], 'an Atomic is for ./Device or for ./User, not for both');
  return true;
}

/** Windows cannot add a node and set it again in the same Atomic. */
function refuseSameNode(placed: readonly Placed[], refuse: Refuse): boolean {
  const added = new Set<string>();
  for (const { item, path } of placed) {
    const node = nodePath(item.target).join('/');
    if (added.has(node) && (item.verb === 'Replace' || item.verb === 'Add')) {
      refuse(
        [...path, 'target'],
        `is added in the same Atomic already, and Windows does not take ${item.verb} after Add`,
      );
      return true;
    }
    if (item.verb === 'Add') added.add(node);
  }
  return false;
}

function refuseSize(bytes: number, path: string[], refuse: Refuse): void {
  if (bytes <= MAX_WRITTEN_BYTES) return;
  refuse(path, `is ${bytes} bytes as XML; at most ${MAX_WRITTEN_BYTES} fit into a message`);
}

function written(verb: Verb, item: CommandItem): number {
  return Buffer.byteLength(String(commandElement(1, { verb, items: [item] })));
}

function refuseValue(verb: Verb, { item, path }: Placed, { refuse, authorities }: Checks): boolean {
  const wrong = valueProblem(verb, item, authorities);
  if (wrong) refuse([...path, wrong.field], wrong.message);
  return wrong !== undefined;
}

/** Any of the DMClient CSP's Unenroll nodes. */
const UNENROLL = /(^|\/)dmclient\/(.+\/)?unenroll$/;

function valueProblem(
  verb: Verb,
  entry: CommandItem,
  authorities: readonly X509Certificate[],
): { field: string; message: string } | undefined {
  const { data: value, format } = entry;
  if (verb === 'Exec' && UNENROLL.test(nodePath(entry.target).join('/'))) {
    const instead = 'ask for it with POST /api/devices/{id}/unenroll, which sees to it that nobody is locked out';
    return { field: 'target', message: `Unenroll is not queued: ${instead}` };
  }
  const cutsOff = protectionProblem(verb, entry.target) ?? authorityProblem(verb, entry.target, authorities);
  if (cutsOff) return { field: 'target', message: cutsOff };
  if ((verb === 'Get' || verb === 'Delete') && value !== undefined) {
    return { field: 'data', message: `${verb} takes no data` };
  }
  if (verb === 'Replace' && value === undefined) return { field: 'data', message: 'Replace needs data' };
  if (value === undefined) return undefined;
  const wrong = format === undefined ? undefined : FORMAT_PROBLEMS[format]?.(value);
  return wrong ? { field: 'data', message: wrong } : undefined;
}

const FORMAT_PROBLEMS: Partial<Record<Format, (value: string) => string | undefined>> = {
  int: (value) => (/^-?\d{1,10}$/.test(value) ? undefined : 'must be a whole number, since the format is int'),
  bool: (value) => (/^(true|false)$/.test(value) ? undefined : 'must be true or false, since the format is bool'),
  b64: (value) => (/^[A-Za-z0-9+/\s]*(=\s*){0,2}$/.test(value) ? undefined : 'must be base64, since the format is b64'),
  node: (value) => (value === '' ? undefined : 'must be empty, since the format is node'),
  null: (value) => (value === '' ? undefined : 'must be empty, since the format is null'),
};
