import { FAULT_HRESULT, type FaultName } from '../../wire/fault.ts';

/** What a code that Windows shows means for the person who reads it, and what he can do. */
export interface CodeHelp {
  /** As Windows shows it. */
  code: string;
  meaning: string;
  todo: string;
}

type Words = Omit<CodeHelp, 'code'>;

/** The codes that our own answers lead to; which causes do, docs/enrollment.md says. */
const OF_FAULTS: Record<FaultName, Words> = {
  MessageFormat: {
    meaning: 'Something between the PC and the server changes messages.',
    todo: 'Try another network, such as that of your phone.',
  },
  Authentication: {
    meaning: 'User name or secret is wrong, the invitation has ended, or the sign-in took too long.',
    todo: 'Check the spelling and start again. If that does not help, ask for a new invitation.',
  },
  Authorization: {
    meaning: 'Enrollment is closed, or you may not enroll by this name or link.',
    todo: 'Use your user name of the organisation. If you did, ask the help desk.',
  },
  CertificateRequest: {
    meaning: 'The PC did not get its certificate.',
    todo: 'Try again in some minutes, then tell the help desk.',
  },
  EnrollmentServer: {
    meaning: 'The server is busy, or cannot reach what it needs.',
    todo: 'Try again in a minute, then tell the help desk.',
  },
  InternalServiceFault: {
    meaning: 'The server failed.',
    todo: 'Try again, then tell the help desk.',
  },
  InvalidSecurity: {
    meaning: 'The sign-in was not recognised, or this way to sign in is not offered.',
    todo: 'Start again in Settings, and choose "Enroll only in device management".',
  },
  DeviceCapReached: {
    meaning: 'The invitation was used for all PCs that it is for, or there are as many PCs as there may be.',
    todo: 'Ask for a new invitation, or give up a PC that you do not use any more.',
  },
  DeviceNotSupported: {
    meaning: 'This edition or version of Windows is not accepted.',
    todo: 'Update Windows. If it is up to date, ask the help desk.',
  },
  NotSupported: {
    meaning: 'This PC, or this way to connect it, is not accepted.',
    todo: 'Choose "Enroll only in device management". If you did, ask the help desk.',
  },
  NotEligibleToRenew: {
    meaning: 'The certificate of this PC was not renewed.',
    todo: 'Windows tries again by itself. If the PC is not managed any more, ask the help desk before you disconnect it.',
  },
  InMaintenance: {
    meaning: 'The server is in maintenance, or this PC is being taken out of service.',
    todo: 'Try again later.',
  },
  UserLicense: {
    meaning: 'You are not among those who may enroll. (Windows speaks of a licence.)',
    todo: 'Ask the help desk.',
  },
  InvalidEnrollmentData: {
    meaning: 'The terms of use were not accepted, or the PC did not say what it is.',
    todo: 'Join again and accept the terms. If there were none, tell the help desk.',
  },
  CustomServerError: {
    meaning: 'Enrollment is closed. Windows shows a message of the organisation with this code.',
    todo: 'Do what the message says.',
  },
};

/** The codes that Windows finds out by itself, those that people meet most. */
const OF_WINDOWS: readonly CodeHelp[] = [
  {
    code: '0x8018000A',
    meaning: 'Another organisation manages this PC.',
    todo: 'In Settings, Accounts, Access work or school, disconnect that one first.',
  },
  {
    code: '0x80180012',
    meaning: 'The PC does not trust the server.',
    todo: 'See that date and time of the PC are right, and try another network.',
  },
  {
    code: '0x80180029',
    meaning: 'The answer of the server got lost.',
    todo: 'Try another network, such as that of your phone.',
  },
  {
    code: '0x80070005',
    meaning: 'You are not an administrator of this PC, or a policy forbids it.',
    todo: 'Sign in to the PC as an administrator, but not as the account that is called Administrator.',
  },
  {
    code: '0x8019…',
    meaning: 'The PC does not reach the server. (Any code that begins so.)',
    todo: 'Check the server name and your connection to the internet.',
  },
];

/** In the order of their numbers, so that a person finds his. */
export const CODES: readonly CodeHelp[] = [
  ...Object.entries(OF_FAULTS).map(([fault, words]) => ({ code: FAULT_HRESULT[fault as FaultName], ...words })),
  ...OF_WINDOWS,
].toSorted((one, other) => (one.code < other.code ? -1 : 1));
