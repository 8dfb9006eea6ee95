import { findCertificate, type StoredCertificate } from './certificate-search.ts';
import type { CommandRun, LoginStatus } from './command-runner.ts';
import { COMPUTER_NAME, nameAfterRestart } from './computer-name.ts';
import { CspTree, emptyTree, type NodeDefinition } from './csp-tree.ts';
import { deviceNodes } from './device-nodes.ts';
import { type ArchiveReport, runDiagnosticArchive } from './diagnostic-archive.ts';
import { type EnrollmentRequest, type EnrollmentResult, requestEnrollment } from './enrollment-client.ts';
import { type EntraEnrollment, machineInEntra, passTermsOfUse } from './entra-join.ts';
import { DeviceError, HRESULT } from './errors.ts';
import { HttpClient, type Step } from './http-client.ts';
import { hasLapsPassword } from './laps.ts';
import { hasProvisionedAdministrator, passwordOf } from './local-accounts.ts';
import { type Machine, newMachine } from './machine.ts';
import { type MakeKey, makeKey } from './make-key.ts';
import type { NetworkFaults } from './network-faults.ts';
import { nextPoll, pollScheduleFrom } from './poll-schedule.ts';
import { isRenewalDue, type RenewalReport, requestRenewal, withFailedRenewal, withRenewed } from './renewal.ts';
import { type CertificateFiles, type DeviceState, type EnrollmentState, StateFolder } from './state.ts';
import { runSession, type SessionOutcome } from './syncml-client.ts';
import { ALLOW_MANUAL_UNENROLLMENT, checkDisconnect, cleanUp, leaveEntra } from './unenroll.ts';

export type { CommandRun, LoginStatus } from './command-runner.ts';
export type { EntraEnrollment } from './entra-join.ts';
export { DeviceError, PowerCut, ProtocolViolation } from './errors.ts';
export type { Step } from './http-client.ts';
export type { Machine } from './machine.ts';
export type { NetworkFaults } from './network-faults.ts';
export type { RenewalReport } from './renewal.ts';

export interface DeviceOptions {
  /** where the device lives: state.json and its certificate */
  folder: string;
  name?: string;
  now?: () => Date;
  /** PEM roots of the servers' TLS certificates; left out, the roots of Node */
  trust?: string[];
  network?: NetworkFaults;
  onStep?: (step: Step) => void;
  /** the address to send from */
  localAddress?: string;
  /** what is to be different about this PC; kept with the device */
  machine?: Partial<Machine>;
  /** where its keys come from: to make one takes a fifth of a second, which is long for those who make many PCs */
  makeKey?: MakeKey;
  /** more nodes, or others in place of the usual ones; not kept */
  nodes?: NodeDefinition[];
}

export interface Enrollment {
  enrollmentId: string;
  providerId: string;
  managementUrl: string;
  certificateNotAfter: Date;
  exchanged: Step[];
  /** what a PC lets pass and a server should still have right */
  remarks: string[];
}

export interface SyncReport {
  sessionId: string;
  messages: number;
  bytesOut: number;
  bytesIn: number;
  commandsRun: CommandRun[];
  challenges: number;
  remarks: string[];
  exchanged: Step[];
  /** true: the device has left the management; false: it was told to leave and could not */
  unenrolled?: boolean;
  /** the scheduled renewal that was due, or the one that the server asked for */
  renewal?: RenewalReport;
  /** the logs that the server asked for, collected and uploaded after the session */
  archive?: ArchiveReport;
  /** the 1226 alert about leaving: its data, and whether the server took it */
  unenrollAlert?: { data: string; delivered: boolean };
  wiped?: boolean;
}

/** A simulated Windows 11 PC: enrolls, holds management sessions, leaves, and remembers everything in its folder. */
export class WindowsDevice {
  readonly #options: DeviceOptions;
  readonly #folder: StateFolder;
  readonly #state: DeviceState;

  private constructor(options: DeviceOptions, folder: StateFolder, state: DeviceState) {
    this.#options = options;
    this.#folder = folder;
    this.#state = state;
  }

  /** A new PC in an empty folder. Errors: EEXIST when a device lives there. */
  static async create(options: DeviceOptions): Promise<WindowsDevice> {
    const folder = new StateFolder(options.folder);
    const machine = newMachine(options.name ?? options.machine?.name ?? 'DESKTOP-1', options.machine);
    const state: DeviceState = { machine, tree: emptyTree(), session: 0 };
    await folder.createWith(state);
    return new WindowsDevice(options, folder, state);
  }

  /** The PC that lives in a folder, as after a restart; `machine` may change facts about it. Errors: no device there. */
  static async open(options: DeviceOptions): Promise<WindowsDevice> {
    const folder = new StateFolder(options.folder);
    const state = await folder.read();
    Object.assign(state.machine, options.machine);
    return new WindowsDevice(options, folder, state);
  }

  get machine(): Readonly<Machine> {
    return this.#state.machine;
  }

  /**
   * Enrolls with user name and secret (or by the ways that EnrollmentRequest names). Nothing is kept unless all of it works.
   * With `entra` the PC joins Entra or gets a work account, which brings the management with it; both or neither.
   * Errors: DeviceError with the HRESULT that the PC would show; 0x8018000A when it is enrolled already.
   */
  async enroll(request: EnrollmentRequest, entra?: EntraEnrollment): Promise<Enrollment> {
    if (this.#state.enrollment) {
      throw new DeviceError(HRESULT.alreadyEnrolled, 'settings', 'the device is enrolled already');
    }
    const exchanged: Step[] = [];
    const now = this.#now();
    const http = this.#http(exchanged);
    try {
      const machine = entra ? machineInEntra(this.#state.machine, entra.kind) : this.#state.machine;
      const more = entra && { entraToken: entra.token, enrollmentData: await passTermsOfUse(http, entra) };
      const makeKey = this.#makeKey;
      const result = await requestEnrollment({ http, machine, request: { ...request, ...more }, makeKey, now });
      this.#state.machine = machine;
      const enrollment = await this.#keep(result, request, now);
      return {
        enrollmentId: enrollment.enrollmentId,
        providerId: enrollment.providerId,
        managementUrl: enrollment.managementUrl,
        certificateNotAfter: new Date(enrollment.certificateNotAfter),
        exchanged,
        remarks: result.remarks,
      };
    } finally {
      http.close();
    }
  }

  /**
   * One management session. A server that sends Unenroll gets no answer to it: the session is dropped, the device cleans up
   * and says so (1226) in a session of its own. Errors: DeviceError, ProtocolViolation, PowerCut.
   */
  async sync(options: { loginStatus?: LoginStatus } = {}): Promise<SyncReport> {
    const loginStatus = options.loginStatus ?? 'user';
    const exchanged: Step[] = [];
    const scheduled = this.#isRenewalDue() ? await this.#tryToRenew(exchanged) : undefined;
    const outcome = await this.#session({ loginStatus, exchanged });
    const asked = outcome.effects.includes('renew') ? await this.#tryToRenew(exchanged) : undefined;
    const archive = await this.#archive();
    const report: SyncReport = { ...reportOf(outcome, exchanged), renewal: asked ?? scheduled, archive };
    if (outcome.unenroll) await this.#leave(report, loginStatus);
    else if (outcome.effects.includes('wipe')) {
      await this.#forget();
      this.#state.wiped = true;
      this.#state.unbootable = this.#state.machine.recoveryEnvironment === false;
      await this.#folder.write(this.#state);
      report.wiped = true;
    }
    return report;
  }

  /** The user clicks Disconnect. Errors: 0x80070005 where that is not allowed; that the server is not reached is none. */
  async unenroll(): Promise<SyncReport> {
    this.#enrollment();
    checkDisconnect(this.#state.machine, this.#tree().valueOf(ALLOW_MANUAL_UNENROLLMENT));
    const report: SyncReport = {
      sessionId: '',
      messages: 0,
      bytesOut: 0,
      bytesIn: 0,
      commandsRun: [],
      challenges: 0,
      remarks: [],
      exchanged: [],
    };
    await this.#leave(report, 'user');
    return report;
  }

  /**
   * Renews the certificate now, as the scheduled task does it in time and RenewNow out of it (MS-MDE2 3.5). Nothing is
   * replaced: the old certificate stays until a session was held with the new one.
   * Errors: DeviceError, 0x80180016 where the server refuses or the certificate has ended; PowerCut.
   */
  async renew(): Promise<RenewalReport & { exchanged: Step[] }> {
    const exchanged: Step[] = [];
    const report = await this.#tryToRenew(exchanged);
    if (report.error) throw report.error;
    return { ...report, exchanged };
  }

  /** Somebody restarts the PC: a name that a server gave it holds from now on. */
  async restart(): Promise<void> {
    const { machine, tree } = this.#state;
    const template = tree.values[COMPUTER_NAME]?.value;
    if (template === undefined) return;
    machine.name = nameAfterRestart(template, machine.serialNumber);
    delete tree.values[COMPUTER_NAME];
    await this.#folder.write(this.#state);
  }

  /** When the device calls by itself next; undefined while it is not enrolled. */
  nextPoll(): Date | undefined {
    const { enrollment, lastSession, notBefore } = this.#state;
    if (!enrollment) return undefined;
    const tree = this.#tree();
    const poll = pollScheduleFrom((path) => tree.valueOf(`${providerPath(enrollment)}/${path}`));
    const schedule = typeof poll === 'string' ? [{ interval: 1440, count: 0 }] : poll.schedule;
    const due = nextPoll(schedule, new Date(enrollment.enrolledAt), lastSession ? new Date(lastSession) : undefined);
    return notBefore && new Date(notBefore) > due ? new Date(notBefore) : due;
  }

  /** The value of a node of the device as it is now, without any server: for tests and people. */
  valueOf(locUri: string): string | undefined {
    return this.#tree().valueOf(locUri);
  }

  /** May somebody sign in to an account that a server made? */
  canSignIn(name: string, password: string): boolean {
    return passwordOf(this.#state.tree, name) === password;
  }

  /** How often an Exec ran, by its path without `Device`. */
  get execCounts(): Readonly<Record<string, number>> {
    return this.#state.tree.execs;
  }

  /** What a person wants to know about the device. */
  show(): DeviceView {
    const { machine, enrollment, lastCompleted, lockedOut, wiped, unbootable } = this.#state;
    return {
      name: machine.name,
      deviceId: machine.deviceId,
      serialNumber: machine.serialNumber,
      join: machine.join,
      enrolled: enrollment !== undefined,
      server: enrollment?.server,
      user: enrollment?.user,
      managementUrl: enrollment?.managementUrl,
      enrollmentId: enrollment?.enrollmentId,
      providerId: enrollment?.providerId,
      certificateNotAfter: enrollment?.certificateNotAfter,
      lastSync: lastCompleted,
      nextPoll: this.nextPoll()?.toISOString(),
      execs: { ...this.#state.tree.execs },
      lockedOut: lockedOut ?? false,
      wiped: wiped ?? false,
      unbootable: unbootable ?? false,
    };
  }

  get #makeKey(): MakeKey {
    return this.#options.makeKey ?? makeKey;
  }

  #now(): Date {
    return this.#options.now?.() ?? new Date();
  }

  #enrollment(): EnrollmentState {
    const { enrollment } = this.#state;
    if (!enrollment) throw new Error(`${this.#state.machine.name} is not enrolled`);
    return enrollment;
  }

  #tree(): CspTree {
    const { machine, enrollment, tree } = this.#state;
    return new CspTree([...deviceNodes(machine, enrollment), ...(this.#options.nodes ?? [])], tree);
  }

  #http(exchanged: Step[], clientCertificate?: { key: string; certificate: string }): HttpClient {
    const { trust, localAddress, network, onStep } = this.#options;
    const record = (step: Step) => {
      exchanged.push(step);
      onStep?.(step);
    };
    return new HttpClient({ trust, localAddress, network, clientCertificate, onStep: record });
  }

  async #keep(result: EnrollmentResult, request: EnrollmentRequest, now: Date): Promise<EnrollmentState> {
    const { certificates, account, client } = result.provisioned;
    const enrollment: EnrollmentState = {
      enrollmentId: client.entDmId ?? account.appsrv.name,
      providerId: account.providerId,
      name: account.name,
      server: request.server,
      user: request.user,
      managementUrl: account.managementUrl,
      enrolledAt: now.toISOString(),
      entDmId: client.entDmId,
      appsrv: account.appsrv,
      search: account.search,
      store: certificates.store,
      certificate: certificates.leaf.fingerprint.replaceAll(':', ''),
      certificateNotAfter: new Date(certificates.leaf.validTo).toISOString(),
      renewPeriod: certificates.renewPeriod,
      retryInterval: certificates.retryInterval,
      nodes: client.values,
    };
    await this.#folder.writeCertificates({
      key: result.key.export({ type: 'pkcs8', format: 'pem' }) as string,
      certificate: certificates.leaf.toString(),
      issuing: certificates.issuing.map(String).join(''),
      root: certificates.root.toString(),
    });
    // SessionIDs begin anew with every enrollment.
    Object.assign(this.#state, {
      enrollment,
      session: 0,
      lastSession: undefined,
      lastCompleted: undefined,
      wiped: false,
    });
    await this.#folder.write(this.#state);
    return enrollment;
  }

  async #session(v: { loginStatus: LoginStatus; exchanged: Step[]; unenrollAlert?: string }): Promise<SessionOutcome> {
    const enrollment = this.#enrollment();
    const state = this.#state;
    state.session = (state.session % 9999) + 1;
    state.lastSession = this.#now().toISOString();
    state.notBefore = undefined;
    await this.#folder.write(state);
    const http = this.#http(v.exchanged, await this.#clientCertificate(enrollment));
    try {
      const outcome = await runSession({
        http,
        url: this.#managementUrl(enrollment),
        machine: state.machine,
        sessionId: String(state.session),
        appsrv: enrollment.appsrv,
        tree: this.#tree(),
        loginStatus: v.loginStatus,
        clientRequestId: enrollment.entDmId ?? '0',
        unenrollAlert: v.unenrollAlert,
        save: () => this.#folder.write(state),
      });
      state.lastCompleted = this.#now().toISOString();
      await this.#folder.write(state);
      await this.#settleRenewal();
      return outcome;
    } catch (error) {
      if (error instanceof DeviceError && error.retryAfter !== undefined) {
        state.notBefore = new Date(this.#now().getTime() + error.retryAfter * 1000).toISOString();
        await this.#folder.write(state);
      }
      throw error;
    } finally {
      http.close();
    }
  }

  async #archive(): Promise<ArchiveReport | undefined> {
    const report = await runDiagnosticArchive(this.#state.machine, this.#state.tree, this.#now());
    if (report) await this.#folder.write(this.#state);
    return report;
  }

  #isRenewalDue(): boolean {
    const enrollment = this.#enrollment();
    const days = (name: string) =>
      Number(this.#tree().valueOf(`./Vendor/MSFT/CertificateStore/My/WSTEP/Renew/${name}`));
    const renewPeriod = days('RenewPeriod');
    return isRenewalDue({ enrollment, renewPeriod, retryInterval: days('RetryInterval'), now: this.#now() });
  }

  // What failed is noted and tried again after the interval; the session that follows does not depend on it.
  async #tryToRenew(exchanged: Step[]): Promise<RenewalReport> {
    const enrollment = this.#enrollment();
    const { machine } = this.#state;
    const now = this.#now();
    const present = await this.#presentCertificate(enrollment);
    const http = this.#http(exchanged, present && { key: present.key, certificate: present.certificate });
    let error: DeviceError | undefined;
    try {
      if (!present) throw new DeviceError('0x80180024', 'renewal', 'the certificate of the enrollment is not there');
      const files = await requestRenewal({ http, machine, enrollment, present, makeKey: this.#makeKey, now });
      this.#state.enrollment = withRenewed(enrollment, files, now);
    } catch (cause) {
      if (!(cause instanceof DeviceError)) throw cause;
      error = cause;
      this.#state.enrollment = withFailedRenewal(enrollment, cause, now);
    } finally {
      http.close();
    }
    await this.#folder.write(this.#state);
    const certificateNotAfter = new Date(this.#enrollment().certificateNotAfter);
    return { renewed: error === undefined, certificateNotAfter, ...(error && { error }) };
  }

  async #presentCertificate(enrollment: EnrollmentState): Promise<CertificateFiles | undefined> {
    return enrollment.renewal?.certificates.at(-1) ?? this.#folder.readCertificate();
  }

  // A session was held with the renewed certificate: it takes the place of the one before it in the folder as well.
  async #settleRenewal(): Promise<void> {
    const { renewal } = this.#enrollment();
    const newest = renewal?.certificates.at(-1);
    if (!renewal || !newest) return;
    await this.#folder.writeCertificates(newest);
    renewal.certificates = [];
    await this.#folder.write(this.#state);
  }

  // The server may move its devices by these two nodes.
  #managementUrl(enrollment: EnrollmentState): string {
    const tree = this.#tree();
    const list = tree.valueOf(`${providerPath(enrollment)}/ManagementServerAddressList`);
    const first = list?.match(/<([^<>]+)>/)?.[1];
    return first ?? tree.valueOf(`${providerPath(enrollment)}/ManagementServiceAddress`) ?? enrollment.managementUrl;
  }

  // The search criteria alone decide: no criteria, no certificate.
  async #clientCertificate(enrollment: EnrollmentState): Promise<{ key: string; certificate: string } | undefined> {
    if (!enrollment.search) return undefined;
    const present = await this.#presentCertificate(enrollment);
    const all: StoredCertificate[] = [...this.#state.machine.otherCertificates];
    if (present) all.push({ store: enrollment.store, certificate: present.certificate, key: present.key });
    const found = findCertificate(enrollment.search, all);
    if (!found) return undefined;
    const chain = present?.certificate === found.certificate ? present.issuing : '';
    return { key: found.key, certificate: found.certificate + chain };
  }

  async #leave(report: SyncReport, loginStatus: LoginStatus): Promise<void> {
    const enrollment = this.#enrollment();
    const { machine, tree } = this.#state;
    if (hasProvisionedAdministrator(tree) || hasLapsPassword(machine, tree)) machine.localAdministrator = true;
    const version = this.#tree().valueOf(`${providerPath(enrollment)}/SyncApplicationVersion`);
    const data = leaveEntra(this.#state.machine, version);
    report.unenrollAlert = { data, delivered: false };
    report.unenrolled = data === '1';
    try {
      const outcome = await this.#session({ loginStatus, exchanged: report.exchanged, unenrollAlert: data });
      report.unenrollAlert.delivered = true;
      addTo(report, outcome);
    } catch (error) {
      // Best effort, no second try.
      if (!(error instanceof DeviceError)) throw error;
      report.remarks.push(`the alert was not delivered: ${error.message}`);
    }
    if (report.unenrolled) await this.#forget();
  }

  // First the state, which is what counts, then the files.
  async #forget(): Promise<void> {
    cleanUp(this.#state);
    await this.#folder.write(this.#state);
    await this.#folder.removeCertificates();
  }
}

export interface DeviceView {
  name: string;
  deviceId: string;
  serialNumber: string;
  join: string;
  enrolled: boolean;
  server?: string;
  user?: string;
  managementUrl?: string;
  enrollmentId?: string;
  providerId?: string;
  certificateNotAfter?: string;
  lastSync?: string;
  nextPoll?: string;
  execs: Record<string, number>;
  /** an Unenroll took the Entra join, and there is no local administrator: nobody can sign in any more */
  lockedOut: boolean;
  wiped: boolean;
  /** it was wiped without a recovery environment to start from */
  unbootable: boolean;
}

const providerPath = (enrollment: EnrollmentState): string =>
  `./Vendor/MSFT/DMClient/Provider/${encodeURIComponent(enrollment.providerId)}`;

function reportOf(outcome: SessionOutcome, exchanged: Step[]): SyncReport {
  const { sessionId, messages, bytesOut, bytesIn, commandsRun, challenges, remarks } = outcome;
  return { sessionId, messages, bytesOut, bytesIn, commandsRun, challenges, remarks, exchanged };
}

function addTo(report: SyncReport, outcome: SessionOutcome): void {
  report.sessionId ||= outcome.sessionId;
  report.messages += outcome.messages;
  report.bytesOut += outcome.bytesOut;
  report.bytesIn += outcome.bytesIn;
  report.challenges += outcome.challenges;
  report.remarks.push(...outcome.remarks);
}
