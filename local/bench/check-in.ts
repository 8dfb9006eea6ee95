import type { Machine } from '../device/machine.ts';
import { writeMessage } from '../device/syncml-writer.ts';

/** A quiet check-in: package 1 of a session in which the server has nothing to ask. */
export function checkIn(machine: Machine, sessionId: number, url: string): Buffer {
  const devInfo = {
    DevId: machine.deviceId,
    Man: machine.manufacturer,
    Mod: machine.model,
    DmV: '1.3',
    Lang: machine.locale,
  };
  const items = Object.entries(devInfo).map(([name, data]) => ({ source: `./DevInfo/${name}`, data }));
  return writeMessage({
    sessionId: String(sessionId),
    msgId: 1,
    target: url,
    source: machine.deviceId,
    commands: [
      [2, { kind: 'Alert', code: 1201 }],
      [3, { kind: 'Alert', code: 1224, type: 'com.microsoft/MDM/LoginStatus', data: 'user' }],
      [4, { kind: 'Replace', items }],
    ],
  });
}
