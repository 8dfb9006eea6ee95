import { inflateRawSync } from 'node:zlib';
import { TableClient, TableServiceClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';

/** Everything that lies in the tables and blobs of a deployment, as text, with what is deflated inflated. */
export async function everythingStored(connection: string): Promise<string> {
  const found: string[] = [];
  const options = { allowInsecureConnection: true };
  for await (const { name } of TableServiceClient.fromConnectionString(connection, options).listTables()) {
    const table = TableClient.fromConnectionString(connection, name ?? '', options);
    for await (const entity of table.listEntities()) {
      for (const [property, value] of Object.entries(entity)) found.push(property, ...texts(value));
    }
  }
  const blobs = BlobServiceClient.fromConnectionString(connection);
  for await (const { name } of blobs.listContainers()) {
    const container = blobs.getContainerClient(name);
    for await (const blob of container.listBlobsFlat()) {
      found.push(blob.name, ...texts(await container.getBlobClient(blob.name).downloadToBuffer()));
    }
  }
  return found.join('\n');
}

function texts(value: unknown): string[] {
  if (!(value instanceof Uint8Array)) return [String(value), ...decoded(String(value))];
  const bytes = Buffer.from(value);
  try {
    return [bytes.toString('latin1'), inflateRawSync(bytes).toString()];
  } catch {
    return [bytes.toString('latin1')];
  }
}

/** A secret in base64 would be no better hidden than one in letters. */
function decoded(text: string): string[] {
  return (text.match(/[A-Za-z0-9+/_-]{12,}={0,2}/g) ?? []).map((run) => Buffer.from(run, 'base64').toString('latin1'));
}
