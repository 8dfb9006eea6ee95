import { HRESULT } from './errors.ts';
import { type PollSchedule, pollScheduleFrom } from './poll-schedule.ts';
import { type Characteristic, childrenOfType, type Datatype, provisioningError, typedValue } from './wap-document.ts';

/** DMClient/Provider/<PROVIDER-ID> of a provisioning document. */
export interface ProvisionedClient {
  upn?: string;
  entDeviceName?: string;
  entDmId?: string;
  poll: PollSchedule;
  /** every parameter that was set, by its path below the provider node */
  values: { path: string; value: string; datatype: Datatype }[];
  remarks: string[];
}

const PROVIDER: Record<string, Datatype> = {
  UPN: 'string',
  EntDeviceName: 'string',
  EntDMID: 'string',
  HelpPhoneNumber: 'string',
  HelpWebsite: 'string',
  HelpEmailAddress: 'string',
  ManagementServerAddressList: 'string',
  RequireMessageSigning: 'boolean',
  SyncApplicationVersion: 'string',
  MaxSyncApplicationVersion: 'string',
  AADResourceID: 'string',
  EnableOmaDmKeepAliveMessage: 'boolean',
  ForceAadToken: 'integer',
  NumberOfDaysAfterLostContactToUnenroll: 'integer',
};

const POLL: Record<string, Datatype> = {
  IntervalForFirstSetOfRetries: 'integer',
  NumberOfFirstRetries: 'integer',
  IntervalForSecondSetOfRetries: 'integer',
  NumberOfSecondRetries: 'integer',
  IntervalForRemainingScheduledRetries: 'integer',
  NumberOfRemainingScheduledRetries: 'integer',
  PollOnLogin: 'boolean',
  AllUsersPollOnFirstLogin: 'boolean',
};

const BELOW: Record<string, Record<string, Datatype>> = {
  Poll: POLL,
  CustomEnrollmentCompletePage: {
    Title: 'string',
    BodyText: 'string',
    HyperlinkHref: 'string',
    HyperlinkText: 'string',
  },
};

/**
 * Reads the DMClient part (MS-MDE2 2.2.9.3). Every parameter carries its datatype; Push/PFN cannot be set here.
 * Errors: 0x80180020.
 */
export function readClient(dmClient: Characteristic, providerId: string, enrollmentType: string): ProvisionedClient {
  const [provider, ...otherBranches] = dmClient.children;
  if (provider?.type !== 'Provider' || otherBranches.length > 0)
    throw refuse('DMClient must hold Provider and nothing else');
  const [node, ...others] = provider.children;
  if (node?.type !== providerId || others.length > 0) throw refuse(`DMClient/Provider must hold ${providerId} alone`);
  const values = read(node, PROVIDER, '');
  for (const child of node.children) {
    const known = BELOW[child.type];
    if (!known || childrenOfType(node, child.type).length > 1)
      throw refuse(`DMClient/Provider/${child.type} cannot be set here`);
    if (child.children.length > 0) throw refuse(`${child.type} has no nodes below its parameters`);
    values.push(...read(child, known, `${child.type}/`));
  }
  const at = (path: string) => values.find((value) => value.path === path)?.value;
  const poll = pollScheduleFrom(at);
  if (typeof poll === 'string') throw refuse(poll);
  const remarks = [...poll.remarks];
  if (!at('EntDMID')) remarks.push('EntDMID is missing: the certificate cannot be renewed');
  if (at('UPN') && enrollmentType === 'Device') remarks.push('UPN in an enrollment of type Device');
  return {
    upn: at('UPN'),
    entDeviceName: at('EntDeviceName'),
    entDmId: at('EntDMID'),
    poll: poll.schedule,
    values,
    remarks,
  };
}

function read(node: Characteristic, known: Record<string, Datatype>, prefix: string): ProvisionedClient['values'] {
  return [...node.parms.keys()].map((name) => {
    const datatype = known[name];
    if (!datatype) throw refuse(`DMClient has no node ${prefix}${name} that can be set here`);
    const value = typedValue(node, name, datatype, HRESULT.provisionDmClient) ?? '';
    return { path: prefix + name, value, datatype };
  });
}

const refuse = (message: string) => provisioningError(HRESULT.provisionDmClient, message);
