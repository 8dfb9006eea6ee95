import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Profile } from '../../../shared/profiles/profile.ts';
import { desiredState } from '../../../shared/profiles/wanted.ts';
import { type Asked, DeviceModel, type Reply } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';
import { POLICY, profile, setting } from '../../support/profiles.ts';

/**
 * Profiles are edited at random while a device calls, loses messages, refuses and is meddled with. Whatever happens, it
 * ends up as the profiles say; nothing is deleted that is not ours; nothing is sent that is there; no conflict is sent; and
 * what belongs together goes together.
 */

const RUNS = Number(process.env['LANYARD_TEST_RUNS'] ?? 60);
const NODES = ['A', 'B', 'C', 'D', 'E'];

type Step =
  | { kind: 'put'; name: string; values: (string | undefined)[]; atomic: boolean; together: boolean; forUs: boolean }
  | { kind: 'delete'; name: string }
  | { kind: 'call'; messages: number; login: string }
  | { kind: 'lose' }
  | { kind: 'refuse'; node: string; code: number }
  | { kind: 'meddle'; node: string; value: string | undefined }
  | { kind: 'hours'; hours: number };

const node = fc.constantFrom(...NODES);
const name = fc.constantFrom('p', 'q', 'r');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      name,
      values: fc.array(fc.constantFrom(undefined, undefined, '1', '2'), { minLength: 5, maxLength: 5 }),
      atomic: fc.boolean(),
      together: fc.boolean(),
      forUs: fc.nat(4).map((n) => n > 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete' as const), name }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      messages: fc.nat(6),
      login: fc.constantFrom('user', 'user', 'none'),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'lose' } as const) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('refuse' as const),
      node,
      code: fc.constantFrom(200, 200, 404, 406, 500),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('meddle' as const),
      node,
      value: fc.constantFrom(undefined, 'theirs'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('hours' as const), hours: fc.constantFrom(1, 25, 200) }) },
);

/** E belongs to the user's part of the tree; B is a node that Replace does not make. */
const targetOf = (short: string) => (short === 'E' ? './User/Vendor/MSFT/Policy/Config/Test/E' : POLICY(short));

class World {
  readonly device: DeviceModel;
  readonly #profiles = new Map<string, Profile>();
  /** What the device has, and which of it we wrote. */
  readonly tree = new Map<string, string>([[targetOf('D'), 'theirs']]);
  readonly #written = new Set<string>();
  readonly #refusals = new Map<string, number>();
  #lose = false;
  #meddled = false;

  constructor() {
    this.device = new DeviceModel(new Partition(enrolledDevice({ factsReadAt: '2099-01-01T00:00:00.000Z' })));
    this.device.profiles = [];
  }

  async take(each: Step): Promise<void> {
    switch (each.kind) {
      case 'put':
        return this.#put(each);
      case 'delete':
        this.#profiles.delete(each.name);
        this.device.profiles = [...this.#profiles.values()];
        return;
      case 'lose':
        this.#lose = true;
        return;
      case 'refuse':
        this.#refusals.set(targetOf(each.node), each.code);
        return;
      case 'meddle':
        this.#meddle(targetOf(each.node), each.value);
        return;
      case 'hours':
        this.device.now = new Date(this.device.now.getTime() + each.hours * 3_600_000);
        return;
      case 'call':
        await this.call(each.messages, each.login);
    }
  }

  #put({ name: called, values, atomic, together, forUs }: Extract<Step, { kind: 'put' }>): void {
    const settings = values.flatMap((value, index) =>
      value === undefined ? [] : [setting(targetOf(NODES[index] ?? ''), value)],
    );
    // The user's part in an Atomic with the device's would be refused at intake.
    const usable = atomic ? settings.filter(({ target }) => !target.startsWith('./User')) : settings;
    const assignedTo = { all: forUs, devices: [], users: [], tags: [] };
    const whole = atomic && together ? { together: true as const } : {};
    this.#profiles.set(called, profile(called, usable, { atomic, ...whole, assignedTo }));
    this.device.profiles = [...this.#profiles.values()];
  }

  #meddle(target: string, value: string | undefined): void {
    this.#meddled = true;
    if (value === undefined) this.tree.delete(target);
    else this.tree.set(target, value);
  }

  /** @returns how many changes were asked for */
  async call(messages: number, login: string): Promise<number> {
    let reply = await this.device.begin({ login });
    let changes = 0;
    for (let count = 0; reply.commands.length > 0; count += 1) {
      changes += reply.commands.filter(({ verb }) => verb !== 'Get' && verb !== 'Atomic').length;
      this.#check(reply, login);
      const run = this.#run(reply.commands);
      const lost = this.#lose;
      this.#lose = false;
      if (lost || count >= messages) {
        // Nobody heard what came of these: they may be ours.
        for (const { verb, target } of reply.commands)
          if (verb === 'Replace' || verb === 'Add') this.#written.add(target);
        return changes;
      }
      reply = await this.#answer(reply.commands, run);
    }
    return changes;
  }

  #check(reply: Reply, login: string): void {
    const { settings } = desiredState(this.device.partition.device, this.device.profiles ?? []);
    for (const { verb, target, data } of reply.commands) {
      if (verb === 'Atomic' || verb === 'Get') continue;
      const wanted = [...settings.values()].find((each) => each.target === target);
      expect(wanted?.held, `${verb} ${target} is in conflict`).toBeUndefined();
      if (login !== 'user') expect(target).not.toMatch(/^\.\/User/);
      if (verb === 'Delete') {
        expect(this.#written.has(target), `${target} was ours to delete`).toBe(true);
        expect(wanted, `${target} is not wanted`).toBeUndefined();
      } else expect(data).toBe(wanted?.value);
    }
    this.#checkTogether(reply);
    const targets = reply.commands.map(({ target }) => target).filter((target) => target !== '');
    expect(new Set(targets).size).toBe(targets.length);
  }

  /** An Atomic that sets something of a profile whose settings belong together sets all of them. */
  #checkTogether({ commands }: Reply): void {
    const { settings, together } = desiredState(this.device.partition.device, this.device.profiles ?? []);
    for (const { cmdId } of commands.filter(({ verb }) => verb === 'Atomic')) {
      const set = commands.filter(({ atomic, verb }) => atomic === cmdId && verb !== 'Delete');
      const group = [...settings.values()].find(({ target }) => target === set[0]?.target)?.group ?? '';
      if (!together.has(group)) continue;
      const members = [...settings.values()].filter((wanted) => wanted.group === group);
      expect(set.map(({ target }) => target)).toEqual(members.map(({ target }) => target));
    }
  }

  /** The tree after the commands, with all or nothing of an Atomic. @returns the status of each, by its CmdID */
  #run(commands: readonly Asked[]): Map<string, number> {
    const codes = new Map<string, number>();
    for (const each of commands.filter(({ atomic }) => atomic === undefined)) {
      const inner = commands.filter(({ atomic }) => atomic === each.cmdId);
      if (each.verb !== 'Atomic') codes.set(each.cmdId, this.#runOne(each));
      else this.#runAtomic(each, inner, codes);
    }
    return codes;
  }

  #runAtomic({ cmdId }: Asked, inner: readonly Asked[], codes: Map<string, number>): void {
    const before = new Map(this.tree);
    const writtenBefore = new Set(this.#written);
    const own = inner.map((each) => ({ each, code: this.#runOne(each) }));
    const failed = own.some(({ code }) => code >= 300);
    codes.set(cmdId, failed ? 507 : 200);
    for (const { each, code } of own) codes.set(each.cmdId, failed && code < 300 ? 216 : code);
    if (!failed) return;
    this.tree.clear();
    for (const [target, value] of before) this.tree.set(target, value);
    this.#written.clear();
    for (const target of writtenBefore) this.#written.add(target);
  }

  #runOne({ verb, target, data = '' }: Asked): number {
    const refusal = this.#refusals.get(target) ?? 200;
    if (verb === 'Get') return this.tree.has(target) ? 200 : 404;
    if (verb === 'Delete') return this.tree.delete(target) ? 200 : 404;
    if (refusal !== 200) return refusal;
    if (verb === 'Replace' && target.endsWith('/B') && !this.tree.has(target)) return 404;
    if (verb === 'Add' && this.tree.has(target)) return 418;
    this.tree.set(target, data);
    this.#written.add(target);
    return 200;
  }

  #answer(commands: readonly Asked[], codes: ReadonlyMap<string, number>): Promise<Reply> {
    const msgRef = this.device.msgId;
    const parts = commands.map(({ verb, cmdId, target }, index) => {
      const status = `<Status><CmdID>${10 + index}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${cmdId}</CmdRef><Cmd>${verb}</Cmd><Data>${codes.get(cmdId)}</Data></Status>`;
      if (verb !== 'Get' || codes.get(cmdId) !== 200) return status;
      return `${status}<Results><CmdID>${90 + index}</CmdID><MsgRef>${msgRef}</MsgRef><CmdRef>${cmdId}</CmdRef><Item><Source><LocURI>${target}</LocURI></Source><Data>${this.tree.get(target)}</Data></Item></Results>`;
    });
    return this.device.next(parts.join(''));
  }

  /** The device refuses nothing any more and calls for some days: then all is as it should be, and stays so in silence. */
  async settle(): Promise<void> {
    this.#refusals.clear();
    this.#lose = false;
    // What it did not know is asked again with another version of Windows.
    this.device.partition.setDevice({ facts: { osVersion: { status: 200, value: '10.0.99999' } } });
    for (let day = 0; day < 9; day += 1) {
      this.device.now = new Date(this.device.now.getTime() + 25 * 3_600_000);
      await this.call(20, 'user');
    }
    expect(await this.call(20, 'user')).toBe(0);
    this.#checkTree();
  }

  #checkTree(): void {
    const { settings } = desiredState(this.device.partition.device, this.device.profiles ?? []);
    const held = new Set([...settings.values()].flatMap(({ held: why, group }) => (why && group ? [group] : [])));
    for (const target of NODES.map(targetOf)) {
      const wanted = [...settings.values()].find((each) => each.target === target);
      if (wanted?.held || (wanted?.group && held.has(wanted.group))) continue;
      if (wanted) expect(this.tree.get(target), target).toBe(wanted.value);
      else if (this.#written.has(target) && !this.#meddled) expect(this.tree.has(target), target).toBe(false);
    }
    if (!this.#written.has(targetOf('D')) && !this.#meddled) expect(this.tree.get(targetOf('D'))).toBe('theirs');
  }
}

test(
  'profiles that are edited at random come to hold, and nothing else is touched',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const world = new World();
        for (const each of steps) await world.take(each);
        await world.settle();
      }),
      { numRuns: RUNS },
    );
  },
  RUNS * 1_000,
);
