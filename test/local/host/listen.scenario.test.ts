import { afterEach, expect, test } from 'vitest';
import { type OpenListener, openListener } from '../../../local/host/listen.ts';

const open: OpenListener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close(0)));
});

test('listens on one port of all IPv4 and all IPv6 addresses, so that other machines reach it by either', async () => {
  const hosts = ['0.0.0.0', '::'];
  const listener = await openListener({ port: 0, hosts }, (_request, response) => response.end('here'));
  open.push(listener);
  for (const address of ['127.0.0.1', '[::1]']) {
    const reply = await fetch(`http://${address}:${listener.port}/`);
    expect(await reply.text()).toBe('here');
  }
});
