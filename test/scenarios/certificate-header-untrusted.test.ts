import { expect, test } from 'vitest';
import { credentialsOf } from '../support/credentials.ts';
import { useLanyard } from '../support/lanyard.ts';
import { firstMessage, send } from '../support/wire.ts';

/** A deployment in which nothing promises who set the header: it is worth nothing, whatever it holds. */
const lanyard = useLanyard({ callersHeader: 'pass', clientCert: 'none' });

test('a header that names an enrolled device is not believed where the platform does not set it', async () => {
  const { device, id } = await lanyard().enrolledDevice();
  const { key, cert, header } = await credentialsOf(lanyard().folder, device.machine.name);
  const { manageUrl, tlsRoot } = lanyard().local;
  const headers = { 'content-type': 'application/vnd.syncml.dm+xml', 'x-arr-clientcert': header };
  const reply = await send(`${manageUrl}/ManagementServer/MDM.svc`, {
    body: firstMessage(),
    ca: tlsRoot,
    key,
    cert,
    headers,
  });
  expect([reply.status, reply.body]).toEqual([403, '']);
  expect(await lanyard().get(`/api/devices/${id}`)).not.toHaveProperty('lastContact');
});
