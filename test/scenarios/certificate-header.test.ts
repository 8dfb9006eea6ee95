import { describe, expect, test } from 'vitest';
import { credentialsOf } from '../support/credentials.ts';
import { type TestLanyard, useLanyard } from '../support/lanyard.ts';
import { firstMessage, type RawOptions, send } from '../support/wire.ts';

/** What a caller can do with `X-ARR-ClientCert` when the front does not replace it, as App Service is believed to do. */

async function enrolled(lanyard: TestLanyard) {
  const { device, id } = await lanyard.enrolledDevice();
  return { id, ...(await credentialsOf(lanyard.folder, device.machine.name)) };
}

async function manage(
  { local }: TestLanyard,
  { key, cert, header }: { key?: string; cert?: string; header?: string | string[] },
) {
  const options: RawOptions = { body: firstMessage(), ca: local.tlsRoot, key, cert };
  options.headers = {
    'content-type': 'application/vnd.syncml.dm+xml',
    ...(header ? { 'x-arr-clientcert': header } : {}),
  };
  return (await send(`${local.manageUrl}/ManagementServer/MDM.svc`, options)).status;
}

describe("behind a front that appends its header to the caller's", () => {
  const lanyard = useLanyard({ callersHeader: 'append' });

  test('a device without a header of its own is answered, and one with a second certificate in a header is refused', async () => {
    const mine = await enrolled(lanyard());
    const other = await enrolled(lanyard());
    expect(await manage(lanyard(), { key: mine.key, cert: mine.cert })).toBe(200);
    expect(await manage(lanyard(), { key: mine.key, cert: mine.cert, header: other.header })).toBe(403);
    expect(await manage(lanyard(), { key: mine.key, cert: mine.cert, header: mine.header })).toBe(403);
    expect(await manage(lanyard(), { key: mine.key, cert: mine.cert, header: ' ' })).not.toBe(500);
  });
});
