import { sha256 } from '../platform/ids.ts';
import { notFound } from '../platform/problem.ts';
import type { SignedUrl, UploadContainers, UploadedBlob } from '../storage/upload-container.ts';

/** What devices uploaded of themselves: one container for each time they were asked. */

/** After so many days the lifecycle rule of the account deletes a blob. */
export const KEPT_DAYS = 30;
/** A container older than this holds nothing any more: the device may upload for 7 days, and the rule runs once a day. */
const LISTED_DAYS = KEPT_DAYS + 7 + 2;

export interface UploadedLog {
  /** Names the file in addresses; the name is the device's own and could be anything. */
  file: string;
  name: string;
  /** bytes */
  size: number;
  /** ISO 8601 */
  uploadedAt: string;
}

/**
 * The container of one request: `logs-<device, 32 digits>-<request, 12 digits>`, 50 characters of 63.
 * @param requestId the GUID that the device gets as ID of the collection
 */
export function logContainer(deviceId: string, requestId: string): string {
  return `${prefixOf(deviceId)}${sha256(requestId).toString('hex').slice(0, 12)}`;
}

const prefixOf = (deviceId: string) => `logs-${deviceId.replaceAll('-', '').toLowerCase()}-`;

/** @returns what the device uploaded, the newest first */
export async function listUploadedLogs(uploads: UploadContainers, deviceId: string, now: Date): Promise<UploadedLog[]> {
  return (await blobsOf(uploads, deviceId, now)).map(viewOf);
}

/** @returns an address under which the file can be read for 15 minutes. @throws {Problem} 404 */
export async function linkToLog(
  uploads: UploadContainers,
  { deviceId, file }: { deviceId: string; file: string },
  now: Date,
): Promise<UploadedLog & SignedUrl> {
  const blob = (await blobsOf(uploads, deviceId, now)).find((each) => fileOf(each) === file);
  if (!blob) throw notFound(`Device ${deviceId} uploaded no file ${file.slice(0, 60)}.`);
  return { ...viewOf(blob), ...(await uploads.signForReading(blob, now)) };
}

async function blobsOf(uploads: UploadContainers, deviceId: string, now: Date): Promise<UploadedBlob[]> {
  const since = new Date(now.getTime() - LISTED_DAYS * 24 * 3_600_000);
  const blobs = await uploads.list(prefixOf(deviceId), since);
  return blobs.toSorted((a, b) => (a.uploadedAt < b.uploadedAt ? 1 : -1));
}

function viewOf(blob: UploadedBlob): UploadedLog {
  const { name, size, uploadedAt } = blob;
  return { file: fileOf(blob), name, size, uploadedAt };
}

function fileOf({ container, name }: UploadedBlob): string {
  return sha256(`${container}/${name}`).toString('hex').slice(0, 12);
}
