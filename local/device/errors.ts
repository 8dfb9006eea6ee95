/** What goes wrong on the device, with the code that a PC would show for it. */

/** An entry that Windows writes to DeviceManagement-Enterprise-Diagnostics-Provider, where that says more than the code on the screen. */
export interface DiagnosticEvent {
  id: number;
  hresult: string;
}

export interface DeviceErrorDetails {
  traceId?: string;
  event?: DiagnosticEvent;
  /** seconds that the server asked the device to wait (429 and 503) */
  retryAfter?: number;
  cause?: unknown;
}

/** An enrollment, a session or an act of the user that failed; `hresult` is `0x` and eight upper-case hex digits. */
export class DeviceError extends Error {
  readonly hresult: string;
  readonly step: string;
  readonly traceId?: string;
  readonly event?: DiagnosticEvent;
  readonly retryAfter?: number;

  constructor(hresult: string, step: string, message: string, details: DeviceErrorDetails = {}) {
    super(message, { cause: details.cause });
    this.name = 'DeviceError';
    this.hresult = hresult;
    this.step = step;
    this.traceId = details.traceId;
    this.event = details.event;
    this.retryAfter = details.retryAfter;
  }
}

/** The server broke a rule of the management protocol: the device drops the session. `rule` is a fixed name for tests. */
export class ProtocolViolation extends DeviceError {
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(HRESULT.unexpected, 'session', `${rule}: ${message}`);
    this.name = 'ProtocolViolation';
    this.rule = rule;
  }
}

/** The device lost power (asked for by NetworkFaults): nothing more happens; open the folder again to go on. */
export class PowerCut extends Error {
  constructor(afterRequest: number) {
    super(`power was cut after the reply to request ${afterRequest}`);
    this.name = 'PowerCut';
  }
}

/** The codes of mdmregistration.h and winerror.h that are used in more than one place. */
export const HRESULT = {
  messageFormat: '0x80180001',
  internalService: '0x80180006',
  unknownServerError: '0x80180008',
  alreadyEnrolled: '0x8018000A',
  webAuthentication: '0x8018000F',
  invalidTlsCertificate: '0x80180012',
  provisionCertificateStore: '0x8018001E',
  provisionAccount: '0x8018001F',
  provisionDmClient: '0x80180020',
  provisionUnknown: '0x80180023',
  clientCertificateNotFound: '0x80180024',
  privateKeyCreation: '0x80180027',
  emptyMessage: '0x80180029',
  customServerError: '0x80180032',
  invalidArgument: '0x80070057',
  accessDenied: '0x80070005',
  unwantedCsp: '0x83750005',
  unexpected: '0x8000FFFF',
} as const;

/** 0x8019xxxx: an HTTP status or a WinHTTP error number under the facility that the enrollment client uses for both. */
export function httpHresult(code: number): string {
  return `0x${(0x80190000 + code).toString(16).toUpperCase()}`;
}
