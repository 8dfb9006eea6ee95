import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ClientMessage, readSyncML, SyncMLError } from '../../../shared/wire/syncml.ts';
import { XmlError } from '../../../shared/wire/xml.ts';
import { damaged, damages } from '../../support/damage.ts';
import { DeviceModel } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const RUNS = Number(process.env['LANYARD_TEST_RUNS'] ?? 200);

const REPORT =
  '<Alert><CmdID>5</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">com.microsoft:mdm.unenrollment.userrequest</Type><Format xmlns="syncml:metinf">int</Format></Meta><Data>1</Data></Item></Alert>';

/** What stands in messages and decides something; a damaged message gets one where another was. */
const WORDS = [
  ...[
    '1',
    '2',
    '0',
    '-1',
    '00',
    '99999999',
    '1223',
    '1224',
    '1226',
    '200',
    '202',
    '404',
    '418',
    '500',
    'user',
    'none',
    '',
  ],
  ...[
    '&#xA0;',
    '&amp;',
    '&lt;',
    '\u{1F642}',
    './DevInfo/DevId',
    './DevInfo/__proto__',
    'com.microsoft/MDM/LoginStatus',
  ],
];
const NAMES = [
  'Status',
  'Results',
  'Alert',
  'Replace',
  'Get',
  'Exec',
  'Atomic',
  'Item',
  'Data',
  'CmdID',
  'CmdRef',
  'Meta',
];

/** A device in the middle of a session, and the message that it is about to send. */
async function inSession(kind: string): Promise<{ device: DeviceModel; text: string }> {
  const device = new DeviceModel(new Partition(enrolledDevice(kind === 'facts' ? { factsReadAt: undefined } : {})));
  for (const name of ['A', 'B', 'C']) device.partition.queue('Get', `./DevDetail/${name}`);
  device.partition.queue('Exec', './Device/Vendor/MSFT/Reboot/RebootNow');
  device.partition.queue('Replace', './User/Vendor/MSFT/Node', { data: '1', format: 'int' });
  if (kind === 'first') return { device, text: (await device.begin({ store: false })).bytes.toString() };
  if (kind === 'report') return { device, text: (await device.begin({ store: false, body: REPORT })).bytes.toString() };
  await device.begin();
  const text = (await device.answer(() => 200, { store: false })).bytes.toString();
  return { device, text };
}

function read(bytes: Buffer): ClientMessage | undefined {
  try {
    return readSyncML(bytes);
  } catch (error) {
    expect(error instanceof SyncMLError || error instanceof XmlError, String(error)).toBe(true);
    return undefined;
  }
}

describe('a damaged message', () => {
  test('is refused when it is read, or answered with a reply that a device can read', {
    timeout: RUNS * 200,
  }, async () => {
    const tally = { refused: 0, answered: 0 };
    const kinds = fc.constantFrom('first', 'report', 'answer', 'answer', 'facts');
    await fc.assert(
      fc.asyncProperty(kinds, damages(WORDS, NAMES), async (kind, list) => {
        const { device, text } = await inSession(kind);
        const bytes = Buffer.from(list.reduce(damaged, text));
        const message = read(bytes);
        // As the door does it: a message that does not say which it is gets 400.
        if (!message || !/^[1-9]\d{0,8}$/.test(message.header.msgId)) {
          tally.refused += 1;
          return;
        }
        tally.answered += 1;
        const reply = await device.sendBytes(bytes);
        expect(reply.elements[0]).toBe('Status');
        expect(reply.statuses[0]).toMatchObject({ cmdRef: '0', cmd: 'SyncHdr' });
        expect(reply.msgId).toBe(String(Number(message.header.msgId)));
        expect(new Set(reply.cmdIds).size).toBe(reply.cmdIds.length);
        // The engine goes on: the next session is answered as ever.
        expect((await device.begin()).statuses[0]?.code).toBe('200');
      }),
      { numRuns: RUNS },
    );
    expect(tally.answered).toBeGreaterThan(tally.refused / 3);
  });
});
