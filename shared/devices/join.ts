import type { Admission, Fact, Join, JoinKind } from './device.ts';

/**
 * How a device belongs to a directory, from two answers that it gives in a session: its Entra device id
 * (`DMClient/Provider/<id>/AADDeviceID`) and its domain (`DeviceStatus/DomainName`). That a node without a value answers
 * 404 or empty was not seen on a real device, so any other answer counts as not known.
 *
 * A PC with an added work account has an Entra device id too and loses no sign-in by leaving. It is told by how it came:
 * the token that enrolled it was a work account's, and was not of another device than the one that it names now.
 * @param admission how the enrollment came in
 */
export function readJoin(entraDeviceId: Fact, domainName: Fact, now: Date, admission?: Admission): Join {
  const readAt = now.toISOString();
  const entra = presence(entraDeviceId);
  const domain = presence(domainName);
  if (entra === 'unclear' || domain === 'unclear') return { kind: 'unknown', readAt };
  const kind = kindOf(entra === 'present', domain === 'present');
  return {
    kind: kind === 'joined' && isWorkAccount(admission, entraDeviceId.value) ? 'registered' : kind,
    readAt,
    ...(entra === 'present' ? { entraDeviceId: entraDeviceId.value } : {}),
    ...(domain === 'present' ? { domainName: domainName.value } : {}),
  };
}

function presence(fact: Fact): 'present' | 'absent' | 'unclear' {
  if (fact.status === 404) return 'absent';
  if (fact.status !== 200 || fact.value === undefined) return 'unclear';
  return fact.value.trim() === '' ? 'absent' : 'present';
}

function kindOf(entra: boolean, domain: boolean): JoinKind {
  if (entra) return domain ? 'hybrid' : 'joined';
  return domain ? 'domain' : 'none';
}

function isWorkAccount(admission: Admission | undefined, deviceId = ''): boolean {
  if (admission?.way !== 'entra' || admission.kind !== 'workAccount') return false;
  const { entraDeviceId } = admission;
  return (
    entraDeviceId === undefined ||
    entraDeviceId ===
      deviceId
        .trim()
        .replace(/^\{|\}$/g, '')
        .toLowerCase()
  );
}
