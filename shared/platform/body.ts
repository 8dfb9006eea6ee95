import type { HttpRequest } from '@azure/functions';
import type * as z from 'zod';
import './plain-errors.ts';
import { badRequest, contentTooLarge, type FieldError, type Problem } from './problem.ts';

/** What is read of a request: a part of HttpRequest that a test can make. */
export type BodySource = Pick<HttpRequest, 'headers' | 'body'>;

/**
 * Reads a request's body, at most `maxBytes` of it: what is announced as larger is not read at all, and of what turns out
 * larger no more than the cap is kept.
 *
 * @returns the body; empty where there is none
 * @throws Problem 413 above the cap
 */
export async function readBody(request: BodySource, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw contentTooLarge(maxBytes);
  if (!request.body) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = (request.body as ReadableStream<Uint8Array>).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.length;
    if (length > maxBytes) {
      await reader.cancel();
      throw contentTooLarge(maxBytes);
    }
    chunks.push(part.value);
  }
  return Buffer.concat(chunks, length);
}

/**
 * Reads a request's body as JSON (RFC 8259, UTF-8) and checks it.
 *
 * @param schema what the body must be; its output is what comes back
 * @param maxBytes the largest body that is read
 * @throws Problem 413 above the cap; Problem 400 naming each field that is wrong
 */
export async function readJson<S extends z.ZodType>(
  request: BodySource,
  schema: S,
  maxBytes = 1024 * 1024,
): Promise<z.output<S>> {
  return jsonOf(await readBody(request, maxBytes), schema);
}

/**
 * Reads a request's body as JSON where one may be left out, as callers of a function URL often do: nothing stands for `{}`.
 *
 * @throws Problem as `readJson`
 */
export async function readOptionalJson<S extends z.ZodType>(
  request: BodySource,
  schema: S,
  maxBytes: number,
): Promise<z.output<S>> {
  const body = await readBody(request, maxBytes);
  return jsonOf(body.length === 0 ? Buffer.from('{}') : body, schema);
}

/**
 * Checks bytes that were read as JSON (RFC 8259, UTF-8).
 *
 * @throws Problem 400 naming each field that is wrong
 */
export function jsonOf<S extends z.ZodType>(body: Buffer, schema: S): z.output<S> {
  const result = schema.safeParse(parseJson(body));
  if (!result.success) throw invalid(result.error);
  return result.data;
}

/** A Problem 400 that names each field that a schema refused, as a JSON path. */
export function invalid(error: z.ZodError): Problem {
  return badRequest(error.issues.flatMap((issue) => fieldErrors(issue, [])));
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) throw badRequest([{ field: '', message: 'a JSON body is expected, and there is none' }]);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw badRequest([{ field: '', message: `the body is not JSON in UTF-8${where(error, body)}` }]);
  }
}

/** Line and column where the parser stopped, if it says so. Its message is not passed on: it quotes the body. */
function where(error: unknown, body: Buffer): string {
  const position = /at position (\d+)/.exec(String(error))?.[1];
  if (position === undefined) return '';
  const before = body.toString('utf8').slice(0, Number(position)).split('\n');
  return ` (line ${before.length}, column ${before.at(-1)!.length + 1})`;
}

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

function fieldErrors(issue: Issue, prefix: Path): FieldError[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: jsonPath([...path, key]), message: 'is not known here' }));
  }
  if (issue.code === 'invalid_union') {
    const branch = closest(issue.errors);
    if (branch !== undefined) return branch.flatMap((inner) => fieldErrors(inner, path));
  }
  return [{ field: jsonPath(path), message: issue.message }];
}

/** Of the alternatives of a union the one that the caller meant: its value is of the right kind, something inside is wrong. */
function closest(alternatives: Issue[][]): Issue[] | undefined {
  return alternatives.find((issues) => issues.length > 0 && issues.every((issue) => issue.path.length > 0));
}

function jsonPath(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
