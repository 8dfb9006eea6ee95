import type { CspTree, Effect, Outcome, Verb } from './csp-tree.ts';
import type { ServerCommand, ServerItem } from './syncml-message.ts';
import type { Outgoing } from './syncml-writer.ts';

export type LoginStatus = 'user' | 'others' | 'none';

export interface CommandRun {
  verb: string;
  target: string;
  status: number;
}

export interface RunResult {
  /** Statuses and Results in the order in which they are sent */
  answers: Outgoing[];
  run: CommandRun[];
  effects: Effect[];
  /** an Unenroll ran: the session ends here and nothing of `answers` is sent */
  unenroll: boolean;
  /** the client choked on a command: it sends alert 1223 and nothing of `answers` */
  aborts: boolean;
}

const VERBS = ['Get', 'Add', 'Replace', 'Delete', 'Exec'];

/** Runs the commands of one server message on the tree. In: the MsgID of that message, who is signed in. */
export function runCommands(
  commands: ServerCommand[],
  v: { tree: CspTree; serverMsgId: number; loginStatus: LoginStatus },
): RunResult {
  const runner = new Runner(v.tree, String(v.serverMsgId), v.loginStatus);
  for (const command of commands) {
    if (targetsOf(command).some((target) => v.tree.chokesOn(target))) {
      runner.result.aborts = true;
      break;
    }
    runner.command(command);
    if (runner.result.unenroll) break;
  }
  return runner.result;
}

/** The nodes that a command is for, with all that an Atomic or a Sequence holds. */
function targetsOf(command: ServerCommand): string[] {
  return [...command.items.map((item) => item.target ?? ''), ...command.commands.flatMap(targetsOf)];
}

class Runner {
  readonly result: RunResult = { answers: [], run: [], effects: [], unenroll: false, aborts: false };
  readonly #tree: CspTree;
  readonly #msgRef: string;
  readonly #loginStatus: LoginStatus;

  constructor(tree: CspTree, msgRef: string, loginStatus: LoginStatus) {
    this.#tree = tree;
    this.#msgRef = msgRef;
    this.#loginStatus = loginStatus;
  }

  command(command: ServerCommand): void {
    if (command.name === 'Atomic') this.#atomic(command);
    else if (command.name === 'Sequence') this.#sequence(command);
    else if (!VERBS.includes(command.name)) this.#status(command, 400);
    else if (command.items.length === 0) this.#status(command, 400);
    else if (command.name === 'Exec' && command.items.length !== 1) this.#status(command, 400);
    else this.#plain(command);
  }

  #plain(command: ServerCommand): void {
    const outcomes = command.items.map((item) => ({ item, outcome: this.#item(command.name as Verb, item) }));
    const several = outcomes.length > 1;
    for (const { item, outcome } of outcomes) {
      this.#status(command, outcome.status, several ? item.target : undefined, item.target);
    }
    if (command.name === 'Get') this.#results(command, outcomes);
  }

  #item(verb: Verb, item: ServerItem): Outcome {
    if (!item.target) return { status: 400 };
    if (!isNodeAddress(item.target)) return { status: 404 };
    // Without the user at the machine there is no user part to write to.
    if (item.target.startsWith('./User/') && this.#loginStatus !== 'user') return { status: 500 };
    const outcome = this.#tree.run(verb, item.target, item.data, item.format, item.type);
    if (outcome.effect) this.result.effects.push(outcome.effect);
    if (outcome.effect === 'unenroll') this.result.unenroll = true;
    return outcome;
  }

  #results(command: ServerCommand, outcomes: { item: ServerItem; outcome: Outcome }[]): void {
    const items = outcomes
      .filter(({ outcome }) => outcome.status === 200)
      .flatMap(({ item, outcome }) =>
        outcome.listing
          ? outcome.listing.map(({ path, value, format }) => ({ source: path, data: value, format, type: undefined }))
          : [
              {
                source: item.target ?? '',
                data: outcome.value ?? '',
                format: outcome.format ?? 'chr',
                type: outcome.type,
              },
            ],
      );
    if (items.length > 0) {
      this.result.answers.push({ kind: 'Results', msgRef: this.#msgRef, cmdRef: command.cmdId, items });
    }
  }

  #sequence(command: ServerCommand): void {
    this.#status(command, 200);
    for (const inner of command.commands) {
      this.command(inner);
      if (this.result.unenroll) return;
    }
  }

  /**
   * All or nothing (OMA-DM): the first failure rolls the others back (216), what comes after it is not run (215), the Atomic
   * itself gets 507. A Get or an Atomic inside is a 500 of its own, and so is a Replace of what was added in the same Atomic.
   */
  #atomic(command: ServerCommand): void {
    const before = this.#tree.snapshot();
    const place = this.result.answers.length;
    const added = new Set<string>();
    const done: { inner: ServerCommand; code: number }[] = [];
    let failed = false;
    for (const inner of command.commands) {
      const code = failed ? 215 : this.#innerOfAtomic(inner, added);
      if (code >= 300) failed = true;
      done.push({ inner, code });
    }
    if (failed) this.#rollBack(before, done);
    const answers = this.result.answers.splice(place);
    this.#status(command, failed ? 507 : 200);
    for (const { inner, code } of done) this.#status(inner, code, undefined, inner.items[0]?.target);
    this.result.answers.push(...answers);
  }

  #rollBack(before: ReturnType<CspTree['snapshot']>, done: { code: number }[]): void {
    // An Exec that ran cannot be taken back, and its count stays.
    this.#tree.restore({ ...before, execs: this.#tree.snapshot().execs });
    for (const entry of done) if (entry.code < 215) entry.code = 216;
  }

  #innerOfAtomic(inner: ServerCommand, added: Set<string>): number {
    if (!VERBS.includes(inner.name)) return inner.name === 'Atomic' ? 500 : 400;
    if (inner.name === 'Get' || inner.items.length === 0) return 500;
    for (const item of inner.items) {
      if (inner.name === 'Replace' && added.has(item.target ?? '')) return 500;
      if (inner.name === 'Add') added.add(item.target ?? '');
      const { status } = this.#item(inner.name as Verb, item);
      if (status >= 300) return status;
    }
    return 200;
  }

  #status(command: ServerCommand, code: number, targetRef?: string, target = ''): void {
    this.result.answers.push({
      kind: 'Status',
      msgRef: this.#msgRef,
      cmdRef: command.cmdId,
      cmd: command.name,
      targetRef,
      code,
    });
    this.result.run.push({ verb: command.name, target, status: code });
  }
}

/** `./` and names behind it; none of them empty, `.`, `*` or with white space, where no node can be. */
function isNodeAddress(target: string): boolean {
  const [first, ...names] = target.split('/');
  return first === '.' && names.length > 0 && names.every((name) => !/^(\.|\*|)$|\s/.test(name));
}
