import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { type BodySource, readBody, readJson } from '../../../shared/platform/body.ts';
import type { Problem } from '../../../shared/platform/problem.ts';

function request(body: string | Buffer | undefined, headers: Record<string, string> = {}): BodySource {
  const init = { method: 'POST', headers, ...(body !== undefined && { body }) };
  return new Request('http://localhost/', init) as unknown as BodySource;
}

/** A request without Content-Length that never ends; counts what was taken from it. */
function endless() {
  let taken = 0;
  const body = new ReadableStream({
    pull(controller) {
      taken += 1000;
      controller.enqueue(new Uint8Array(1000));
    },
  });
  return { source: { headers: new Headers(), body } as unknown as BodySource, taken: () => taken };
}

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  return (await promise.then(
    () => expect.unreachable('it was accepted'),
    (error) => error,
  )) as Problem;
}

describe('a body', () => {
  test('comes byte for byte, and may be empty', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 0xc3]);
    expect(await readBody(request(bytes), 5)).toEqual(bytes);
    expect(await readBody(request(undefined), 5)).toEqual(Buffer.alloc(0));
  });

  test('over the cap is refused with 413', async () => {
    expect((await problemOf(readBody(request('123456'), 5))).status).toBe(413);
  });

  test('that is announced over the cap is not read', async () => {
    const { source, taken } = endless();
    source.headers.set('content-length', '6');
    expect((await problemOf(readBody(source, 5))).status).toBe(413);
    expect(taken()).toBeLessThanOrEqual(1000);
  });

  test('without end is read no further than the cap', async () => {
    const { source, taken } = endless();
    expect(await problemOf(readBody(source, 10_000))).toMatchObject({
      status: 413,
      detail: expect.stringContaining('10000'),
    });
    expect(taken()).toBeLessThan(15_000);
  });
});

describe('a JSON body', () => {
  const item = z.object({
    target: z.string().startsWith('./', { error: 'must begin with ./' }),
    data: z.string().optional(),
  });
  const command = z.strictObject({ verb: z.enum(['Get', 'Replace']), items: z.array(item).min(1) });
  const schema = z.union([command, z.array(command)]);

  test('that fits comes back checked', async () => {
    const body = { verb: 'Get', items: [{ target: './DevInfo' }] };
    expect(await readJson(request(JSON.stringify(body)), command)).toEqual(body);
    expect(await readJson(request(`\ufeff${JSON.stringify(body)}`), command)).toEqual(body);
  });

  test.each<[string, string, string, RegExp]>([
    [
      'a field deep inside',
      '{"verb":"Get","items":[{"target":"./a"},{"target":"b"}]}',
      'items[1].target',
      /must begin/,
    ],
    ['an unknown field', '{"verb":"Get","items":[{"target":"./a"}],"extra":1}', 'extra', /not known/],
    ['a missing field', '{"items":[{"target":"./a"}]}', 'verb', /./],
    ['a field of the list', '[{"verb":"Nope","items":[{"target":"./a"}]}]', '[0].verb', /Get/],
    ['the whole', '"text"', '', /./],
    ['no body', '', '', /there is none/],
    ['no JSON', '{"verb": Get}', '', /not JSON/],
  ])('names %s', async (_, body, field, message) => {
    const problem = await problemOf(readJson(request(body), schema));
    expect(problem.status).toBe(400);
    expect(problem.errors).toEqual([{ field, message: expect.stringMatching(message) }]);
  });

  test('names every field that is wrong', async () => {
    const problem = await problemOf(readJson(request('{"verb":"x","items":[]}'), command));
    expect(problem.errors?.map((e) => e.field)).toEqual(['verb', 'items']);
  });

  test('that is not UTF-8 is refused', async () => {
    const problem = await problemOf(readJson(request(Buffer.from([0x22, 0xff, 0x22])), schema));
    expect(problem.errors?.[0]?.message).toContain('UTF-8');
  });

  test('is not quoted in the answer when it cannot be read', async () => {
    const problem = await problemOf(readJson(request('{"password":"hunter2",}'), schema));
    expect(JSON.stringify({ ...problem, message: problem.message })).not.toContain('hunter2');
  });

  test('is read up to the cap only', async () => {
    expect((await problemOf(readJson(request(JSON.stringify('x'.repeat(50))), schema, 20))).status).toBe(413);
  });
});
