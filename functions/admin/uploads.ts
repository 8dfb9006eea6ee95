import { UploadContainers } from '../../shared/storage/upload-container.ts';
import type { Services } from '../services.ts';

const opened = new Map<string, UploadContainers>();

/** The containers into which devices upload, in the data account. Of the admin app alone: no other app has a right to them. */
export function uploadsOf({ settings: { blobs } }: Pick<Services, 'settings'>): UploadContainers {
  const uploads = opened.get(blobs) ?? new UploadContainers({ blobs });
  opened.set(blobs, uploads);
  return uploads;
}
