export type Verb = 'Get' | 'Add' | 'Replace' | 'Delete' | 'Exec';
export type Effect = 'unenroll' | 'reboot' | 'wipe' | 'renew';

/** A node that the device knows. `path` is below `./` (device) or `./User/`, without `Device`. */
export interface NodeDefinition {
  path: string;
  access: Verb[];
  format?: string;
  value?: string;
  /** what a Get is answered, whatever was set */
  shows?: string;
  /** nodes below may be made: by Add, and by Replace too where `replaceCreates`; `access` is then theirs */
  open?: { replaceCreates: boolean };
  /** status of an Exec that ran, 200 if left out */
  exec?: number;
  effect?: Effect;
  /** status of an Add or Replace of this node, or of one below, that is right by its form */
  takes?: (path: string, data: string) => number;
  /** what an Exec with this data does to the PC */
  runs?: (tree: TreeState, data: string, path: string) => void;
  /** what a Get is answered, by what happened so far; undefined: what stands there, 404 where that is nothing */
  says?: (tree: TreeState, path: string) => string | undefined;
  /** data of the alert by which the device tells in its next session what came of an Exec that only began something */
  later?: string;
  /** the client chokes on any command for this node, and gives the session up */
  chokes?: true;
  /** fixed answers, whatever the rules say */
  answers?: Partial<Record<Verb, number>>;
}

/** What differs from the definitions, kept with the device: plain data. */
export interface TreeState {
  values: Record<string, { value: string; format: string; type?: string }>;
  deleted: string[];
  /** how often each Exec ran */
  execs: Record<string, number>;
  /** what came of Execs that only began something, to be told in the next session */
  later?: { target: string; data: string }[];
}

export interface Outcome {
  status: number;
  value?: string;
  format?: string;
  type?: string;
  effect?: Effect;
  /** all that a listing of a node found, each with its address */
  listing?: { path: string; value: string; format: string }[];
}

export const emptyTree = (): TreeState => ({ values: {}, deleted: [], execs: {} });

/**
 * The configuration service providers of the device as one tree, with the answers that Windows gives: 200, 404 no such node,
 * 405 not with this verb, 406 not supported, 415 wrong format, 418 exists already, 425 not permitted.
 */
export class CspTree {
  readonly #definitions: Map<string, NodeDefinition>;
  readonly state: TreeState;

  constructor(definitions: NodeDefinition[], state: TreeState) {
    this.#definitions = new Map(definitions.map((definition) => [canonicalPath(definition.path), definition]));
    this.state = state;
  }

  /** Runs one verb on one LocURI. `data` and `format` are the item's, as they came. */
  run(verb: Verb, locUri: string, data = '', format?: string, type?: string): Outcome {
    const listed = verb === 'Get' ? /^([^?]+)\?list=StructData$/i.exec(locUri)?.[1] : undefined;
    if (listed !== undefined) return this.#listing(listed);
    const path = canonicalPath(locUri);
    const definition = this.#definitions.get(path) ?? this.#openArea(path);
    const fixed = definition?.answers?.[verb];
    if (fixed) return { status: fixed };
    if (!definition)
      return verb === 'Get' && this.#childNames(path).length > 0 ? this.#interior(path) : { status: 404 };
    switch (verb) {
      case 'Get':
        return this.#get(path, definition);
      case 'Add':
        return this.#exists(path) ? { status: 418 } : this.#set(path, definition, 'Add', data, format, type);
      case 'Replace':
        if (definition.open && !definition.open.replaceCreates && !this.#exists(path)) return { status: 404 };
        return this.#set(path, definition, 'Replace', data, format, type);
      case 'Delete':
        return this.#delete(path, definition);
      case 'Exec':
        return this.#exec(path, definition, { locUri, data });
    }
  }

  /** The value of a leaf as the device itself sees it. */
  valueOf(locUri: string): string | undefined {
    const path = canonicalPath(locUri);
    const set = this.state.values[path];
    return set?.value ?? (this.state.deleted.includes(path) ? undefined : this.#definitions.get(path)?.value);
  }

  snapshot(): TreeState {
    return structuredClone(this.state);
  }

  restore(before: TreeState): void {
    Object.assign(this.state, structuredClone(before));
  }

  #get(path: string, definition: NodeDefinition): Outcome {
    if (this.#childNames(path).length > 0) return this.#interior(path);
    const said = definition.says?.(this.state, path);
    const value = said ?? this.valueOf(path);
    if (value === undefined && !this.#exists(path)) return { status: 404 };
    if (!definition.access.includes('Get')) return { status: 405 };
    const set = this.state.values[path];
    return {
      status: 200,
      value: said ?? definition.shows ?? value ?? '',
      format: set?.format ?? definition.format ?? 'chr',
      type: set?.type,
    };
  }

  /** A node with everything below it (OMA-DM TND, `?list=StructData`). */
  #listing(locUri: string): Outcome {
    const found = this.run('Get', locUri);
    if (found.status !== 200) return found;
    const { value = '', format = 'chr' } = found;
    if (format !== 'node') return { status: 200, listing: [{ path: locUri, value, format }] };
    const below = value.split('/').flatMap((name) => this.#listing(`${locUri}/${name}`).listing ?? []);
    return { status: 200, listing: [{ path: locUri, value: '', format }, ...below] };
  }

  #interior(path: string): Outcome {
    return { status: 200, format: 'node', value: this.#childNames(path).join('/') };
  }

  #set(
    path: string,
    definition: NodeDefinition,
    verb: 'Add' | 'Replace',
    data: string,
    format?: string,
    type?: string,
  ): Outcome {
    if (!definition.access.includes(verb)) return { status: 405 };
    const given = format ?? 'chr';
    if (definition.format && definition.format !== given) return { status: 415 };
    if (!fits(given, data)) return { status: 415 };
    const taken = definition.takes?.(path, data) ?? 200;
    if (taken >= 300) return { status: taken };
    this.state.values[path] = { value: data, format: given, type };
    this.state.deleted = this.state.deleted.filter((gone) => gone !== path);
    return { status: 200 };
  }

  #delete(path: string, definition: NodeDefinition): Outcome {
    if (!this.#exists(path)) return { status: 404 };
    if (!definition.access.includes('Delete')) return { status: 405 };
    for (const known of Object.keys(this.state.values)) if (isAtOrBelow(known, path)) delete this.state.values[known];
    const defined = [...this.#definitions].filter(
      ([known, node]) => node.value !== undefined && isAtOrBelow(known, path),
    );
    this.state.deleted = [...new Set([...this.state.deleted, ...defined.map(([known]) => known)])];
    return { status: 200 };
  }

  /** Does the client give up over a command for this node? */
  chokesOn(locUri: string): boolean {
    return this.#definitions.get(canonicalPath(locUri))?.chokes ?? false;
  }

  #exec(path: string, definition: NodeDefinition, { locUri, data }: { locUri: string; data: string }): Outcome {
    if (definition.open && !this.#exists(path)) return { status: 404 };
    if (!definition.access.includes('Exec')) return { status: 405 };
    this.state.execs[path] = (this.state.execs[path] ?? 0) + 1;
    if ((definition.exec ?? 200) < 300) definition.runs?.(this.state, data, path);
    if (definition.later !== undefined) {
      this.state.later = [...(this.state.later ?? []), { target: locUri, data: definition.later }];
    }
    const status = definition.exec ?? 200;
    return { status, effect: status < 300 ? definition.effect : undefined };
  }

  #exists(path: string): boolean {
    if (this.valueOf(path) !== undefined || this.#childNames(path).length > 0) return true;
    return this.#definitions.get(path)?.access.includes('Exec') ?? false;
  }

  #openArea(path: string): NodeDefinition | undefined {
    for (let parent = parentOf(path); parent; parent = parentOf(parent)) {
      const definition = this.#definitions.get(parent);
      if (definition)
        return definition.open ? { ...definition, value: undefined, answers: definition.answers } : undefined;
    }
    return undefined;
  }

  #childNames(path: string): string[] {
    const here = [
      ...Object.keys(this.state.values),
      ...[...this.#definitions]
        .filter(([known, node]) => isShown(node) && !this.state.deleted.includes(known))
        .map(([known]) => known),
    ];
    const below = here.filter((known) => known.startsWith(`${path}/`));
    return [...new Set(below.map((known) => known.slice(path.length + 1).split('/')[0] as string))];
  }
}

const isShown = (node: NodeDefinition): boolean => node.value !== undefined || node.access.includes('Exec');

/** One spelling for one node: `./Device/` and `./` are the same, escapes are written one way. */
export function canonicalPath(locUri: string): string {
  const segments = locUri.split('/').map((segment) => {
    try {
      return encodeURIComponent(decodeURIComponent(segment));
    } catch {
      return segment;
    }
  });
  if (segments[0] === '.' && segments[1] === 'Device') segments.splice(1, 1);
  return segments.join('/');
}

function parentOf(path: string): string | undefined {
  const end = path.lastIndexOf('/');
  return end > 0 ? path.slice(0, end) : undefined;
}

const isAtOrBelow = (path: string, top: string): boolean => path === top || path.startsWith(`${top}/`);

function fits(format: string, data: string): boolean {
  if (format === 'int') return /^-?\d{1,10}$/.test(data);
  if (format === 'bool') return data === 'true' || data === 'false';
  if (format === 'b64') return /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(data);
  return ['chr', 'xml', 'node', 'null', 'bin', 'float', 'date', 'time'].includes(format);
}
