import { describe, expect, test } from 'vitest';
import { AUTHORITY_VERBS } from '../../../local/cli/authority-verbs.ts';
import { keptByNpm } from '../../../local/cli/kept-by-npm.ts';

const rollOver = AUTHORITY_VERBS.find(({ name }) => name === 'authority roll-over')!;
const signingRequest = AUTHORITY_VERBS.find(({ name }) => name === 'authority signing-request')!;
const byNpm = { npm_lifecycle_event: 'lanyard', npm_config_user_agent: 'npm/11.0.0' };

describe('an option that npm kept for itself', () => {
  test('is noticed, also where its name has a dash', () => {
    expect(keptByNpm(rollOver, [], { ...byNpm, npm_config_root: 'own', npm_config_yes: 'true' })).toEqual(['--root']);
    expect(keptByNpm(signingRequest, [], { ...byNpm, npm_config_give_up: 'true' })).toEqual(['--give-up']);
  });

  test.each([[['--root', 'own']], [['--root=own']]])('is none where it arrived (%j)', (args) => {
    expect(keptByNpm(rollOver, args, { ...byNpm, npm_config_root: 'own' })).toEqual([]);
  });

  test('is none where npm did not start the command', () => {
    expect(keptByNpm(rollOver, [], { npm_config_root: 'own' })).toEqual([]);
  });
});
