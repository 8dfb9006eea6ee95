import { describe, expect, test } from 'vitest';
import { requestUnenroll } from '../../../shared/devices/unenroll.ts';
import { DeviceModel, type Reply } from '../../support/device-model.ts';
import { enrolledDevice, Partition } from '../../support/partition.ts';

const TARGET = './Device/Vendor/MSFT/DMClient/Provider/Lanyard/Unenroll';
const unenrollAlert = (data: string, type = 'com.microsoft:mdm.unenrollment.userrequest') =>
  `<Alert><CmdID>5</CmdID><Data>1226</Data><Item><Meta><Type xmlns="syncml:metinf">${type}</Type><Format xmlns="syncml:metinf">int</Format></Meta><Data>${data}</Data></Item></Alert>`;

const notJoined = () => 404;

function asked(acceptRisk?: { person: string; reason: string }): DeviceModel {
  const device = new DeviceModel(new Partition(enrolledDevice()));
  device.partition.setDevice(requestUnenroll(device.partition.device, { by: 'admin', acceptRisk }, device.now));
  return device;
}

function targets(reply: Reply): string[] {
  return reply.commands.map((command) => command.target);
}

/** Leads a device to the point where Unenroll has been sent. */
async function told(): Promise<DeviceModel> {
  const device = asked();
  await device.begin();
  await device.answer(notJoined);
  return device;
}

const later = (device: DeviceModel, minutes: number) => {
  device.now = new Date(device.now.getTime() + minutes * 60_000);
};

describe('Unenroll', () => {
  test('is sent after the join was read in the same session, as the only command, with the PROVIDER-ID as data', async () => {
    const device = asked();
    device.partition.queue('Get', './DevDetail/A');
    const gate = await device.begin();
    expect(targets(gate)).toEqual([
      './Vendor/MSFT/DMClient/Provider/Lanyard/AADDeviceID',
      './Vendor/MSFT/DeviceStatus/DomainName',
    ]);
    const reply = await device.answer(notJoined);
    expect(reply.commands).toEqual([{ verb: 'Exec', cmdId: expect.any(String), target: TARGET, data: 'Lanyard' }]);
    expect(device.partition.device).toMatchObject({ state: 'unenrolling', unenroll: { state: 'sent', deliveries: 1 } });
  });

  test('cancels the commands that still waited, with the reason', async () => {
    const device = asked();
    const waiting = device.partition.queue('Get', './DevDetail/A');
    await device.begin();
    await device.answer(notJoined);
    expect(device.partition.command(waiting)).toMatchObject({
      state: 'cancelled',
      reason: expect.stringContaining('unenrolled'),
    });
  });

  test.each([
    ['joined to Entra', { AADDeviceID: 200, DomainName: 404 }, 'joined'],
    ['hybrid joined', { AADDeviceID: 200, DomainName: 200 }, 'hybrid'],
    ['of an unclear join', { AADDeviceID: 500, DomainName: 404 }, 'unknown'],
    ['silent about its join', { AADDeviceID: undefined, DomainName: undefined }, undefined],
  ])('is held for a device that is %s', async (_, codes: Record<string, number | undefined>, join) => {
    const device = asked();
    await device.begin();
    const reply = await device.answer((a) => codes[a.target.split('/').at(-1)!]);
    expect(reply.commands).toEqual([]);
    expect(device.partition.device.unenroll).toMatchObject({
      state: 'held',
      reason: expect.stringContaining('local administrator'),
    });
    expect(device.partition.device.join?.kind).toBe(join);
  });

  test('of a domain-joined device is not held', async () => {
    const device = asked();
    await device.begin();
    const reply = await device.answer((a) => (a.target.endsWith('DomainName') ? 200 : 404));
    expect(targets(reply)).toEqual([TARGET]);
  });

  test('passes the gate when a person has taken the risk, and the record says who', async () => {
    const device = asked({ person: 'kim', reason: 'the PC is scrapped' });
    await device.begin();
    expect(targets(await device.answer())).toEqual([TARGET]);
    expect(device.partition.device.join).toMatchObject({ kind: 'hybrid' });
    expect(device.partition.device.unenroll?.acceptedRisk).toMatchObject({
      person: 'kim',
      reason: 'the PC is scrapped',
    });
  });

  test('is believed only as the join was read in this session, not in an earlier one', async () => {
    const device = asked();
    device.partition.setDevice({ join: { kind: 'none', readAt: '2025-12-31T00:00:00.000Z' } });
    expect(targets(await device.begin())).not.toContain(TARGET);
  });

  test('goes out at most once a session', async () => {
    const device = await told();
    expect((await device.next()).commands).toEqual([]);
  });

  test('is confirmed by alert 1226 with Data 1 in a new session', async () => {
    const device = await told();
    const reply = await device.begin({ body: unenrollAlert(' 1 ', ' com.microsoft:mdm.unenrollment.userrequest') });
    expect(reply.commands).toEqual([]);
    expect(device.partition.device).toMatchObject({
      state: 'unenrolled',
      unenroll: { state: 'confirmed', since: device.now.toISOString() },
    });
  });

  test.each(['2', 'AADJ Unregister Failed', ''])(
    'has failed when the device reports Data "%s": the enrollment is still there',
    async (data) => {
      const device = await told();
      await device.begin({ body: unenrollAlert(data) });
      expect(device.partition.device).toMatchObject({
        state: 'unenrolling',
        unenroll: { state: 'failed', reason: expect.stringContaining(data) },
      });
    },
  );

  test('is not confirmed by a generic alert of another type', async () => {
    const device = await told();
    await device.begin({ body: unenrollAlert('1', 'Reversed-Domain-Name:com.microsoft.mdm.win32csp_install') });
    expect(device.partition.device.state).toBe('unenrolling');
  });

  test('is sent again, and not counted as refused, when the device calls within ten minutes', async () => {
    const device = await told();
    later(device, 9);
    await device.begin();
    expect(targets(await device.answer(notJoined))).toEqual([TARGET]);
    expect(device.partition.device.unenroll).toMatchObject({ state: 'sent', refusals: 0, deliveries: 2 });
  });

  test('waits for a person after three sessions in which the device stayed', async () => {
    const device = await told();
    for (let session = 1; session <= 3; session += 1) {
      later(device, 60);
      await device.begin();
      if (session < 3) await device.answer(notJoined);
    }
    expect(device.partition.device.unenroll).toMatchObject({ state: 'failed', refusals: 3, deliveries: 3 });
    later(device, 60);
    expect((await device.begin()).commands).toEqual([]);
  });

  test('counts a status that is an error as a refusal, with its code', async () => {
    const device = await told();
    await device.answer(() => 405);
    expect(device.partition.device.unenroll).toMatchObject({
      state: 'waiting',
      refusals: 1,
      reason: expect.stringContaining('405'),
    });
  });
});

describe('a device whose user disconnects it', () => {
  test('is unenrolled without anybody having asked', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice()));
    await device.begin({ body: unenrollAlert('1') });
    expect(device.partition.device).toMatchObject({
      state: 'unenrolled',
      unenroll: { state: 'confirmed', requestedBy: 'device', reason: expect.stringContaining('user') },
    });
  });
});

describe('an enrollment that is over', () => {
  test('because its PC has another by now is not given an earlier reply again, which may hold an Unenroll', async () => {
    const device = asked();
    await device.begin();
    const last = await device.answer(notJoined);
    expect(targets(last)).toEqual([TARGET]);
    expect(targets(await device.sendBytes(last.bytes))).toEqual([TARGET]);
    device.partition.setDevice({ state: 'superseded', supersededBecause: 'return' });
    expect(targets(await device.sendBytes(last.bytes))).toEqual([]);
  });

  test.each(['unenrolled', 'superseded', 'retired', 'wiped'] as const)(
    'and is %s gets Unenroll and nothing else when it calls',
    async (state) => {
      const device = new DeviceModel(new Partition(enrolledDevice({ state })));
      device.partition.queue('Get', './DevDetail/A');
      await device.begin();
      expect(targets(await device.answer(notJoined))).toEqual([TARGET]);
      expect(device.partition.device.state).toBe(state);
    },
  );

  test('is held by the gate like any other', async () => {
    const device = new DeviceModel(new Partition(enrolledDevice({ state: 'unenrolled' })));
    await device.begin();
    expect((await device.answer(() => 200)).commands).toEqual([]);
  });
});
