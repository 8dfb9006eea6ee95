import { HttpResponse } from '@azure/functions';
import { describe, expect, test } from 'vitest';
import { json, problemReply, reply } from '../../../shared/platform/http.ts';
import {
  badRequest,
  conflict,
  Problem,
  serviceUnavailable,
  tooManyRequests,
} from '../../../shared/platform/problem.ts';

/** What the Functions library makes of a reply. */
async function sent(init: ReturnType<typeof reply>) {
  const response = new HttpResponse(init);
  return { status: response.status, headers: response.headers, body: Buffer.from(await response.arrayBuffer()) };
}

describe('a reply', () => {
  test('has the length of its bytes, not of its characters', async () => {
    const { headers, body } = await sent(reply(200, 'Grüße €', 'text/html; charset=utf-8'));
    expect(headers.get('content-length')).toBe('11');
    expect(body.length).toBe(11);
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('keeps bytes as they are', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    expect((await sent(reply(200, bytes, 'application/octet-stream'))).body).toEqual(bytes);
  });

  test('without a body says that it has none, and no type', async () => {
    const { headers, body } = await sent(reply(403, ''));
    expect(headers.get('content-length')).toBe('0');
    expect(headers.has('content-type')).toBe(false);
    expect(body.length).toBe(0);
  });

  test.each([204, 205, 304])('with status %i can be sent', async (status) => {
    const { headers } = await sent(reply(status, ''));
    expect(headers.has('content-length')).toBe(false);
  });

  test('takes a header of the caller in place of its own, whatever the case', async () => {
    const { headers } = await sent(reply(200, 'x', 'text/plain', { 'cache-control': 'max-age=60', Location: '/a' }));
    expect(headers.get('cache-control')).toBe('max-age=60');
    expect(headers.get('location')).toBe('/a');
  });

  test('is JSON in UTF-8', async () => {
    const { status, headers, body } = await sent(json(201, { name: 'é' }));
    expect([status, headers.get('content-type')]).toEqual([201, 'application/json; charset=utf-8']);
    expect(JSON.parse(body.toString('utf8'))).toEqual({ name: 'é' });
    expect(headers.get('content-length')).toBe(String(body.length));
  });
});

describe('a problem', () => {
  test('tells what is wrong, in which field, and names the occurrence (RFC 9457)', async () => {
    const problem = badRequest([{ field: 'items[0].target', message: 'must begin with ./' }]);
    const { status, headers, body } = await sent(problemReply(problem, 'urn:uuid:1'));
    expect(status).toBe(400);
    expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(JSON.parse(body.toString())).toEqual({
      title: 'Bad request',
      status: 400,
      detail: 'items[0].target: must begin with ./',
      instance: 'urn:uuid:1',
      errors: [{ field: 'items[0].target', message: 'must begin with ./' }],
    });
  });

  test('without fields has no empty ones', async () => {
    const { body } = await sent(problemReply(conflict('The device is unenrolled.')));
    expect(JSON.parse(body.toString())).toEqual({
      title: 'Conflict',
      status: 409,
      detail: 'The device is unenrolled.',
    });
  });

  test('says when to come again, in whole seconds and never at once', async () => {
    expect((await sent(problemReply(tooManyRequests('Slower.', 0.2)))).headers.get('retry-after')).toBe('1');
    expect((await sent(problemReply(serviceUnavailable('Storage is away.', 30)))).headers.get('retry-after')).toBe(
      '30',
    );
  });

  test('is an error with a message for the log', () => {
    expect(new Problem(418, 'Teapot', 'short and stout')).toMatchObject({
      message: '418 Teapot: short and stout',
      name: 'Problem',
    });
  });
});
