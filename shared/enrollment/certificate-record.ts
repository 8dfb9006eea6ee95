import type { Leaf } from '../certificates/leaf.ts';
import type { DeviceCertificate } from '../devices/device.ts';

/** A certificate as the record of its enrollment keeps it. @param publicKeyHash SHA-256 of its key, lower hex */
export function certificateRecord(leaf: Leaf, publicKeyHash: string, now: Date): DeviceCertificate {
  return {
    thumbprint: leaf.thumbprint,
    serialNumber: leaf.serialNumber,
    notBefore: leaf.notBefore.toISOString(),
    notAfter: leaf.notAfter.toISOString(),
    der: leaf.der.toString('base64'),
    publicKeyHash,
    issuedAt: now.toISOString(),
  };
}
