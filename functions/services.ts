import { type Catalogue, openCatalogue } from '../shared/catalogue/catalogue.ts';
import type { CertificateAuthority } from '../shared/certificates/certificate-authority.ts';
import { Journal } from '../shared/enrollment/journal/journal.ts';
import { Throttle } from '../shared/enrollment/throttle.ts';
import { type Settings, settings } from '../shared/platform/settings.ts';
import { appKey } from '../shared/storage/app-key.ts';
import type { OnCall } from '../shared/storage/calls.ts';
import { openStorage, type Storage } from '../shared/storage/storage.ts';

/**
 * What the doors of one process share: opened on the first request, not while the app loads, since an app that throws
 * while it loads shows in Azure as "no functions" and not as the error that it is.
 */
export interface Services {
  settings: Settings;
  storage: Storage;
  catalogue: Catalogue;
  journal: Journal;
  throttle: Throttle;
  /** The certificate authority that issues now, as the catalogue names it; what signs is loaded when first asked for. */
  ca(): Promise<CertificateAuthority>;
  /** The app's own key for nonces and cursors. */
  appKey(): Promise<Buffer>;
}

/** @returns the certificate authority that issues now, with keys where the setting LANYARD_CA says */
export type OpenAuthority = (services: Pick<Services, 'settings' | 'catalogue'>) => Promise<CertificateAuthority>;

let opened: Services | undefined;
let openAuthority: OpenAuthority | undefined;
let observer: OnCall | undefined;

/** @throws {SettingsError} that names every app setting that is wrong */
export function services(): Services {
  opened ??= openServices();
  return opened;
}

/**
 * Says how the certificate authority is opened. The enroll and admin apps do (`certificate-authority-service.ts`); the manage
 * app does not, so that its package holds no code that signs.
 */
export function useAuthority(open: OpenAuthority): void {
  openAuthority = open;
}

/** Lets a test see, delay or fail each storage call of this process. */
export function observeStorage(onCall: OnCall | undefined): void {
  observer = onCall;
}

function openServices(): Services {
  const read = settings();
  const onCall: OnCall = (call) => observer?.(call);
  const storage = openStorage({ tables: read.tables, blobs: read.blobs, onCall });
  const catalogue = openCatalogue(storage);
  return {
    settings: read,
    storage,
    catalogue,
    journal: new Journal(storage),
    throttle: new Throttle(),
    async ca() {
      if (!openAuthority) throw new Error('This app has no certificate authority.');
      return openAuthority({ settings: read, catalogue });
    },
    appKey: () => appKey(read.hostStorage),
  };
}
