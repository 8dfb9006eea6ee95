import { type Catalogue, openCatalogue } from '../shared/catalogue/catalogue.ts';
import type { CertificateAuthority } from '../shared/certificates/certificate-authority.ts';
import { Journal } from '../shared/enrollment/journal.ts';
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
  /** The certificate authority; loaded when first asked for, since the manage app never does. */
  ca(): Promise<CertificateAuthority>;
  /** The app's own key for nonces and cursors. */
  appKey(): Promise<Buffer>;
}

let opened: Services | undefined;
let observer: OnCall | undefined;

/** @throws {SettingsError} that names every app setting that is wrong */
export function services(): Services {
  opened ??= openServices();
  return opened;
}

/** Lets a test see, delay or fail each storage call of this process. */
export function observeStorage(onCall: OnCall | undefined): void {
  observer = onCall;
}

function openServices(): Services {
  const read = settings();
  const onCall: OnCall = (call) => observer?.(call);
  const storage = openStorage({ tables: read.tables, blobs: read.blobs, onCall });
  let authority: Promise<CertificateAuthority> | undefined;
  return {
    settings: read,
    storage,
    catalogue: openCatalogue(storage),
    journal: new Journal(storage),
    throttle: new Throttle(),
    ca() {
      authority ??= openAuthority(read.ca).catch((error) => {
        authority = undefined;
        throw error;
      });
      return authority;
    },
    appKey: () => appKey(read.hostStorage),
  };
}

async function openAuthority(setting: string): Promise<CertificateAuthority> {
  const { openCertificateAuthority } = await import('../shared/certificates/certificate-authority.ts');
  return openCertificateAuthority(setting);
}
