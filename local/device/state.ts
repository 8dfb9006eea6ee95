import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CertificateSearch } from './certificate-search.ts';
import type { TreeState } from './csp-tree.ts';
import type { CertificateStoreName, Machine } from './machine.ts';
import type { AccountCredential } from './provisioned-account.ts';
import type { ProvisionedClient } from './provisioned-client.ts';

/** What Windows shows below `CertificateStore/My/WSTEP/Renew`: 0 not started, 1 in progress, 2 done, 3 failed. */
export interface RenewalState {
  status: 0 | 1 | 2 | 3;
  /** HRESULT of the last failure, `0` without one */
  errorCode: string;
  lastTry?: string;
  /** the certificate that came by renewal and has not opened a session yet, in place of the one in the folder */
  certificates: CertificateFiles[];
}

/** What the device remembers of its management. Times are ISO 8601. */
export interface EnrollmentState {
  enrollmentId: string;
  providerId: string;
  name: string;
  server: string;
  user: string;
  managementUrl: string;
  enrolledAt: string;
  entDmId?: string;
  appsrv: AccountCredential;
  search?: CertificateSearch;
  store: CertificateStoreName;
  /** SHA-1, upper case */
  certificate: string;
  certificateNotAfter: string;
  renewPeriod: number;
  retryInterval: number;
  renewal?: RenewalState;
  /** the DMClient nodes that came with the provisioning document */
  nodes: ProvisionedClient['values'];
}

export interface DeviceState {
  machine: Machine;
  enrollment?: EnrollmentState;
  tree: TreeState;
  /** the SessionID that was used last; 0 after an enrollment */
  session: number;
  lastSession?: string;
  lastCompleted?: string;
  /** a Retry-After of the server */
  notBefore?: string;
  /** an Unenroll took the Entra join away from a PC without a local administrator: nobody can sign in */
  lockedOut?: boolean;
  wiped?: boolean;
  /** it was wiped without a recovery environment, and does not start any more */
  unbootable?: boolean;
}

/** The files of a client certificate, PEM. */
export interface CertificateFiles {
  key: string;
  certificate: string;
  issuing: string;
  root: string;
}

const FILES: Record<keyof CertificateFiles, string> = {
  key: 'client-key.pem',
  certificate: 'client-certificate.pem',
  issuing: 'issuing-ca.pem',
  root: 'root-ca.pem',
};

/**
 * A device's folder: state.json and the certificate files. Every write is whole or not at all (a file of another name, then
 * a rename), and everything is for the owner's eyes, because keys and secrets are in it.
 */
export class StateFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** Errors: the folder holds no device. */
  async read(): Promise<DeviceState> {
    let text: string;
    try {
      text = await readFile(join(this.path, 'state.json'), 'utf8');
    } catch (cause) {
      throw new Error(`no device in ${this.path}: create one first`, { cause });
    }
    return JSON.parse(text) as DeviceState;
  }

  /** Errors: EEXIST when there is a device in the folder already. */
  async createWith(state: DeviceState): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await writeFile(join(this.path, 'state.json'), serialise(state), { flag: 'wx', mode: 0o600 });
  }

  async write(state: DeviceState): Promise<void> {
    await this.#replace('state.json', serialise(state));
  }

  async writeCertificates(files: CertificateFiles): Promise<void> {
    for (const [name, file] of entries()) await this.#replace(file, files[name]);
  }

  /** Out: undefined where the files are not there. */
  async readCertificate(): Promise<CertificateFiles | undefined> {
    try {
      const [key, certificate, issuing, root] = await Promise.all(
        [FILES.key, FILES.certificate, FILES.issuing, FILES.root].map((file) =>
          readFile(join(this.path, file), 'utf8'),
        ),
      );
      return { key: key ?? '', certificate: certificate ?? '', issuing: issuing ?? '', root: root ?? '' };
    } catch {
      return undefined;
    }
  }

  async removeCertificates(): Promise<void> {
    for (const [, file] of entries()) await rm(join(this.path, file), { force: true });
  }

  async #replace(file: string, text: string): Promise<void> {
    const temporary = join(this.path, `.${file}.${process.pid}.new`);
    await writeFile(temporary, text, { mode: 0o600 });
    await rename(temporary, join(this.path, file));
  }
}

const entries = () => Object.entries(FILES) as [keyof CertificateFiles, string][];

const serialise = (state: DeviceState): string => `${JSON.stringify(state, null, 2)}\n`;
