import type { Fact, Join, JoinKind } from './device.ts';

/**
 * How a device belongs to a directory, from two answers that it gives in a session: its Entra device id
 * (`DMClient/Provider/<id>/AADDeviceID`) and its domain (`DeviceStatus/DomainName`). That a node without a value answers
 * 404 or empty was not seen on a real device, so any other answer counts as not known.
 */
export function readJoin(entraDeviceId: Fact, domainName: Fact, now: Date): Join {
  const readAt = now.toISOString();
  const entra = presence(entraDeviceId);
  const domain = presence(domainName);
  if (entra === 'unclear' || domain === 'unclear') return { kind: 'unknown', readAt };
  return {
    kind: kindOf(entra === 'present', domain === 'present'),
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
