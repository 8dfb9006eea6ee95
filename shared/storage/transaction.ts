import {
  createDefaultHttpClient,
  createHttpHeaders,
  createPipelineRequest,
  RestError,
} from '@azure/core-rest-pipeline';
import type { TableClient } from '@azure/data-tables';
import { newGuid } from '../platform/ids.ts';
import { RowTooLarge } from './errors.ts';
import type { Entity, Property } from './rows.ts';

// An entity group transaction as Table Storage takes it: one multipart/mixed body with one change set
// (Azure Tables REST, "Performing entity group transactions"). The SDK's own `submitTransaction` cannot be used:
// it sends every delete with `If-Match: *`, and so deletes what somebody else has just changed.

/** One operation of a transaction; `etag` undefined means that there is no condition (insert, upsert). */
export type Operation =
  | { kind: 'insert'; entity: Entity }
  | { kind: 'replace'; entity: Entity; etag: string }
  | { kind: 'upsert'; entity: Entity }
  | { kind: 'delete'; partitionKey: string; rowKey: string; etag: string };

const CRLF = '\r\n';
const MAX_BODY_BYTES = 4 * 1024 * 1024;
const METHODS = { insert: 'POST', replace: 'PUT', upsert: 'PUT', delete: 'DELETE' } as const;
const httpClient = createDefaultHttpClient();

/** The body of a transaction and the boundary in its Content-Type. */
export interface TransactionBody {
  boundary: string;
  body: string;
}

/**
 * Writes the body of a transaction.
 *
 * @param tableUrl URL of the table, without query
 * @throws RowTooLarge over the 4 MiB that the service takes
 */
export function transactionBody(tableUrl: string, operations: Operation[]): TransactionBody {
  const boundary = `batch_${newGuid()}`;
  const changeSet = `changeset_${newGuid()}`;
  const parts = operations.map((operation) => `--${changeSet}${CRLF}${part(tableUrl, operation)}`);
  const head = `--${boundary}${CRLF}Content-Type: multipart/mixed; boundary=${changeSet}${CRLF}${CRLF}`;
  const body = `${head}${parts.join('')}--${changeSet}--${CRLF}--${boundary}--${CRLF}`;
  const bytes = Buffer.byteLength(body);
  if (bytes > MAX_BODY_BYTES) throw new RowTooLarge(`A transaction of ${bytes} bytes is over ${MAX_BODY_BYTES}`);
  return { boundary, body };
}

function part(tableUrl: string, operation: Operation): string {
  const { kind } = operation;
  const keys = kind === 'delete' ? operation : operation.entity;
  const url =
    kind === 'insert'
      ? tableUrl
      : `${tableUrl}(PartitionKey='${inUrl(keys.partitionKey)}',RowKey='${inUrl(keys.rowKey)}')`;
  const lines = [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    '',
    `${METHODS[kind]} ${url} HTTP/1.1`,
  ];
  lines.push('Accept: application/json;odata=minimalmetadata', 'DataServiceVersion: 3.0');
  if (kind === 'replace' || kind === 'delete') lines.push(`If-Match: ${operation.etag}`);
  if (kind === 'insert') lines.push('Prefer: return-no-content');
  if (kind !== 'delete') lines.push('Content-Type: application/json;odata=nometadata', '', odataJson(operation.entity));
  else lines.push('');
  return `${lines.join(CRLF)}${CRLF}`;
}

function inUrl(key: string): string {
  return encodeURIComponent(key.replaceAll("'", "''"));
}

function odataJson(entity: Entity): string {
  const { partitionKey, rowKey, ...properties } = entity;
  const odata: Record<string, unknown> = { PartitionKey: partitionKey, RowKey: rowKey };
  for (const [name, value] of Object.entries(properties)) {
    const { shown, type } = odataValue(value);
    odata[name] = shown;
    if (type !== undefined) odata[`${name}@odata.type`] = type;
  }
  return JSON.stringify(odata);
}

function odataValue(value: Property): { shown: unknown; type?: string } {
  if (value instanceof Uint8Array) return { shown: Buffer.from(value).toString('base64'), type: 'Edm.Binary' };
  if (typeof value === 'object') return { shown: value.value, type: `Edm.${value.type}` };
  return { shown: value };
}

/**
 * Sends a transaction through the client's own pipeline, which signs it: one HTTP request.
 *
 * @throws RestError with the status and code of the operation that failed; its message begins with the index of that operation
 */
export async function sendTransaction(
  client: TableClient,
  { boundary, body }: TransactionBody,
  signal: AbortSignal,
): Promise<void> {
  const [account, query] = client.url.split('?') as [string, string | undefined];
  const request = createPipelineRequest({
    url: `${account}/$batch${query === undefined ? '' : `?${query}`}`,
    method: 'POST',
    body,
    headers: createHttpHeaders({
      Accept: 'application/json',
      'Content-Type': `multipart/mixed; boundary=${boundary}`,
      DataServiceVersion: '3.0',
      MaxDataServiceVersion: '3.0;NetFx',
      'x-ms-version': '2019-02-02',
    }),
    allowInsecureConnection: account.startsWith('http:'),
    abortSignal: signal,
  });
  const response = await client.pipeline.sendRequest(httpClient, request);
  const failure = failureIn(response.status, response.bodyAsText ?? '');
  if (failure) throw new RestError(failure.message, { ...failure, request, response });
}

/**
 * The failure that an answer to a transaction tells of, if it does. An accepted transaction (202) has a part for each operation;
 * a failed one has a single part with the status and the error.
 */
export function failureIn(
  status: number,
  text: string,
): { statusCode: number; code: string; message: string } | undefined {
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]));
  const failed = status === 202 ? statuses.find((s) => s >= 400) : status;
  // An answer without any part was cut on the way: what came of the transaction is not known.
  if (failed === undefined && statuses.length === 0)
    return { statusCode: 500, code: 'AnswerCut', message: 'an empty answer' };
  if (failed === undefined) return undefined;
  const start = text.indexOf('{');
  const error = start < 0 ? undefined : readError(text.slice(start, text.lastIndexOf('}') + 1));
  return { statusCode: failed, code: error?.code ?? '', message: error?.message?.value ?? '' };
}

function readError(text: string): { code?: string; message?: { value?: string } } | undefined {
  try {
    return JSON.parse(text)['odata.error'];
  } catch {
    return undefined;
  }
}
