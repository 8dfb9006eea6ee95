import { expect, test } from 'vitest';
import { recordLines } from '../../../local/cli/record-lines.ts';

test('a record is shown a line a value, each as it is', () => {
  const commandLine = String.raw`Get-ChildItem HKLM:\SOFTWARE | ForEach-Object { & "$env:windir\x.exe" }`;
  const record = {
    name: 'PC-2',
    certificateExpired: false,
    nextContact: { due: '2026-11-21T20:24:43.183Z', everyMinutes: 15, commandLine },
    notes: ['one', 'two'],
    flags: [{ kind: 'oldIdentity', deviceId: 'a' }, { kind: 'sharedHardwareId' }],
    tags: [],
    defaults: {},
    domainName: '',
    entraDeviceId: null,
    blocked: undefined,
  };
  expect(recordLines(record)).toEqual([
    'name                      PC-2',
    'certificateExpired        false',
    'nextContact.due           2026-11-21T20:24:43.183Z',
    'nextContact.everyMinutes  15',
    `nextContact.commandLine   ${commandLine}`,
    'notes                     one, two',
    'flags.1.kind              oldIdentity',
    'flags.1.deviceId          a',
    'flags.2.kind              sharedHardwareId',
    'entraDeviceId             none',
  ]);
});

test('what a terminal would obey is shown as a mark, however deep it lies', () => {
  expect(recordLines({ devInfo: { Man: 'A\u001b[2J' } })).toEqual(['devInfo.Man  A\uFFFD[2J']);
});

test('an empty record has no lines', () => {
  expect(recordLines({})).toEqual([]);
});
