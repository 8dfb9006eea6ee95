import { describe, expect, test } from 'vitest';
import { RowTooLarge } from '../../../shared/storage/errors.ts';
import { toEntity } from '../../../shared/storage/rows.ts';
import { failureIn, transactionBody } from '../../../shared/storage/transaction.ts';

const URL = 'https://data.table.core.windows.net/devices';

describe('the body of a transaction', () => {
  test('carries the ETag of every row that is replaced or deleted', () => {
    const { body } = transactionBody(URL, [
      { kind: 'replace', entity: toEntity('p', 'a', { n: 1 }), etag: 'W/"1"' },
      { kind: 'delete', partitionKey: 'p', rowKey: 'b', etag: 'W/"2"' },
      { kind: 'insert', entity: toEntity('p', 'c', {}) },
      { kind: 'upsert', entity: toEntity('p', 'd', {}) },
    ]);
    expect(body.match(/If-Match: .*/g)).toEqual(['If-Match: W/"1"', 'If-Match: W/"2"']);
    expect(body.match(/^(PUT|POST|DELETE) .*/gm)?.map((line) => line.trim())).toEqual([
      `PUT ${URL}(PartitionKey='p',RowKey='a') HTTP/1.1`,
      `DELETE ${URL}(PartitionKey='p',RowKey='b') HTTP/1.1`,
      `POST ${URL} HTTP/1.1`,
      `PUT ${URL}(PartitionKey='p',RowKey='d') HTTP/1.1`,
    ]);
  });

  test('names the types that the service would guess wrongly', () => {
    const { body } = transactionBody(URL, [
      { kind: 'insert', entity: toEntity('p', 'r', { big: 2 ** 40, half: 0.5, bytes: Buffer.from('hi') }) },
    ]);
    const line = body.split('\r\n').find((l) => l.startsWith('{'))!;
    expect(JSON.parse(line)).toEqual({
      PartitionKey: 'p',
      RowKey: 'r',
      big: '1099511627776',
      'big@odata.type': 'Edm.Int64',
      half: 0.5,
      'half@odata.type': 'Edm.Double',
      bytes: 'aGk=',
      'bytes@odata.type': 'Edm.Binary',
    });
  });

  test('over 4 MiB is refused before anything leaves', () => {
    const operations = Array.from({ length: 9 }, (_, i) => ({
      kind: 'insert' as const,
      entity: toEntity('p', `${i}`, { data: 'é'.repeat(250_000) }),
    }));
    expect(() => transactionBody(URL, operations)).toThrow(RowTooLarge);
    expect(() => transactionBody(URL, operations.slice(0, 8))).not.toThrow();
  });
});

describe('the answer to a transaction', () => {
  const part = (status: string, body = '') =>
    `--changesetresponse_1\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 ${status}\r\nDataServiceVersion: 3.0;\r\n\r\n${body}\r\n`;
  const error = (code: string, message: string) =>
    JSON.stringify({ 'odata.error': { code, message: { lang: 'en-US', value: message } } });

  test('of parts that all went well is no failure', () => {
    expect(
      failureIn(202, `--b\r\n\r\n${part('204 No Content')}${part('201 Created')}--changesetresponse_1--\r\n--b--`),
    ).toBeUndefined();
  });

  test.each([
    ['409 Conflict', 'EntityAlreadyExists'],
    ['412 Precondition Failed', 'UpdateConditionNotSatisfied'],
    ['404 Not Found', 'ResourceNotFound'],
  ])('%s tells what failed', (status, code) => {
    const failure = failureIn(202, part(status, error(code, '1:It is so.\nRequestId:x')));
    expect(failure).toEqual({ statusCode: Number(status.slice(0, 3)), code, message: '1:It is so.\nRequestId:x' });
  });

  test('refused as a whole has the status of the whole', () => {
    expect(failureIn(503, error('ServerBusy', 'busy'))).toMatchObject({ statusCode: 503, code: 'ServerBusy' });
    expect(failureIn(403, '<html>proxy</html>')).toMatchObject({ statusCode: 403, code: '' });
  });

  test('without any part is no success', () => {
    expect(failureIn(202, '')).toMatchObject({ statusCode: 500 });
  });
});
